// The end of the chain at internal size: sharpened, encoded as sRGB, and dissolved out of a held picture.
uniform sampler2D source;   // linear
uniform float sharpen;
uniform float reach;        // internal pixels to one of the network's, at least 1
uniform float frame;
#ifdef HELD
uniform sampler2D held;     // already encoded
uniform float held_now;     // 1 only the held picture .. 0
uniform float held_zoom;
#endif

vec3 encoded(vec3 c) {
    // sRGB, within 0.003 of the standard's curve, in square roots alone.
    vec3 a = sqrt(c), b = sqrt(a), d = sqrt(b);
    return clamp(0.662002687 * a + 0.684122060 * b - 0.323583601 * d - 0.0225411470 * c, 0.0, 1.0);
}

float spread(vec2 at) {
    // Interleaved gradient noise (Jimenez, 2014): neighbours differ, so the eye averages it away.
    return fract(52.9829189 * fract(dot(at + 5.588238 * frame, vec2(0.06711056, 0.00583715))));
}

void main() {
    vec3 color = texture(source, place).rgb;
    vec2 d = pixel * reach;
    vec3 around = texture(source, place + vec2(d.x, 0.0)).rgb + texture(source, place - vec2(d.x, 0.0)).rgb;
    around += texture(source, place + vec2(0.0, d.y)).rgb + texture(source, place - vec2(0.0, d.y)).rgb;
    vec3 detail = color - around * 0.25;
    // A halo is bounded by half of what is there.
    color = max(color + clamp(1.5 * sharpen * detail, -0.5 * color, 0.5 * color + 0.02), 0.0);
    color = encoded(min(color, 1.0));
#ifdef HELD
    color = mix(color, texture(held, 0.5 + (place - 0.5) * held_zoom).rgb, held_now);
#endif
    result = vec4(color + (spread(gl_FragCoord.xy) - 0.5) / 255.0, 1.0);
}
