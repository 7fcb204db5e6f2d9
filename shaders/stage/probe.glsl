// The finished picture on a coarse grid: red = luminance, green = WCAG's saturated red, both linear light.
uniform sampler2D source;

vec2 measured(vec2 uv) {
    vec3 e = texture(source, uv).rgb;
    vec3 c = mix(e / 12.92, pow((e + 0.055) / 1.055, vec3(2.4)), step(0.04045, e));
    float sum = c.r + c.g + c.b;
    float red = c.r >= 0.8 * sum ? max(c.r - c.g - c.b, 0.0) : 0.0;
    return vec2(luminance(c), red);
}

void main() {
    vec2 d = pixel * 0.25;
    vec2 sum = measured(place + d) + measured(place - d) + measured(place + vec2(d.x, -d.y)) + measured(place + vec2(-d.x, d.y));
    result = vec4(sum * 0.25, 0.0, 1.0);
}
