// The screen: enlarged, limited, faded, grained, dithered to eight bits.
uniform sampler2D source;   // encoded
flat in float gain;        // the limiter's, for an encoded signal
uniform float level;        // factor of the encoded signal
uniform float grain;
uniform float frame;

vec3 enlarged(vec2 uv) {
#ifdef SHARP
    vec2 size = vec2(textureSize(source, 0));
    vec2 at = uv * size, cell = floor(at - 0.5) + 0.5, f = at - cell;
    vec2 w0 = f * (-0.5 + f * (1.0 - 0.5 * f)), w1 = 1.0 + f * f * (1.5 * f - 2.5);
    vec2 w2 = f * (0.5 + f * (2.0 - 1.5 * f)), w3 = f * f * (0.5 * f - 0.5), w12 = w1 + w2;
    vec2 p0 = (cell - 1.0) / size, p3 = (cell + 2.0) / size, p12 = (cell + w2 / w12) / size;
    vec4 sum = vec4(texture(source, p12).rgb, 1.0) * w12.x * w12.y;
    sum += vec4(texture(source, vec2(p12.x, p0.y)).rgb, 1.0) * w12.x * w0.y;
    sum += vec4(texture(source, vec2(p0.x, p12.y)).rgb, 1.0) * w0.x * w12.y;
    sum += vec4(texture(source, vec2(p3.x, p12.y)).rgb, 1.0) * w3.x * w12.y;
    sum += vec4(texture(source, vec2(p12.x, p3.y)).rgb, 1.0) * w12.x * w3.y;
    return clamp(sum.rgb / sum.a, 0.0, 1.0);
#else
    return texture(source, uv).rgb;
#endif
}

float spread(vec2 at) { return fract(52.9829189 * fract(dot(at, vec2(0.06711056, 0.00583715)))); }

void main() {
    vec3 color = enlarged(place);
    float one = spread(gl_FragCoord.xy + 5.588238 * frame);
    float two = fract(one * 61.7) - 0.5;
    float l = dot(color, vec3(0.3, 0.6, 0.1));
    color += grain * 0.25 * (one + two - 0.5) * l * (1.2 - l);  // strongest in the middle tones; none on black
    result = vec4(color * (level * gain) + two / 255.0, 1.0);
}
