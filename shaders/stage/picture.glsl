// What the passes start from: the newest two network frames, blended and fitted, over the procedural look.
uniform sampler2D older;           // sRGB; the sampler decodes
uniform sampler2D newer;
uniform sampler2D look;            // the procedural look, drawn small
uniform sampler2D memory_picture;
uniform float blend_now;           // 0 older .. 1 newer
uniform float network_now;         // 0 look .. 1 network
uniform float picture_aspect;
uniform int fit;                   // 0 crop, 1 mirror, 2 tile

vec3 memory(vec2 uv) { return texture(memory_picture, mirrored(uv)).rgb; }

vec3 sampled(sampler2D image, vec2 uv) {
#ifdef SHARP
    // Catmull-Rom in five bilinear reads (after Jimenez, 2016): the corners weigh too little to be read.
    vec2 size = vec2(textureSize(image, 0));
    vec2 at = uv * size, cell = floor(at - 0.5) + 0.5, f = at - cell;
    vec2 w0 = f * (-0.5 + f * (1.0 - 0.5 * f)), w1 = 1.0 + f * f * (1.5 * f - 2.5);
    vec2 w2 = f * (0.5 + f * (2.0 - 1.5 * f)), w3 = f * f * (0.5 * f - 0.5), w12 = w1 + w2;
    vec2 p0 = (cell - 1.0) / size, p3 = (cell + 2.0) / size, p12 = (cell + w2 / w12) / size;
    vec4 sum = vec4(texture(image, p12).rgb, 1.0) * w12.x * w12.y;
    sum += vec4(texture(image, vec2(p12.x, p0.y)).rgb, 1.0) * w12.x * w0.y;
    sum += vec4(texture(image, vec2(p0.x, p12.y)).rgb, 1.0) * w0.x * w12.y;
    sum += vec4(texture(image, vec2(p3.x, p12.y)).rgb, 1.0) * w3.x * w12.y;
    sum += vec4(texture(image, vec2(p12.x, p3.y)).rgb, 1.0) * w12.x * w3.y;
    return max(sum.rgb / sum.a, 0.0);
#else
    return texture(image, uv).rgb;
#endif
}

vec2 fitted(vec2 uv) {
    float wide = aspect / picture_aspect;
    vec2 p = (uv - 0.5) * vec2(wide, 1.0);
    p = fit == 0 ? p / max(wide, 1.0) : p / min(wide, 1.0);
    p += 0.5;
    p = fit == 2 ? fract(p) : mirrored(p);
    return vec2(p.x, 1.0 - p.y);  // rows of a frame come top first
}

vec3 picture(vec2 uv) {
    vec2 at = fitted(uv);
    vec3 network = mix(sampled(older, at), sampled(newer, at), blend_now);
    return mix(texture(look, mirrored(uv)).rgb, network, network_now);
}
