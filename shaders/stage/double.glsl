// Back up one size: the wider blur, tent-filtered, over the narrower one.
uniform sampler2D source;   // the smaller level
uniform sampler2D finer;    // this level on the way down
void main() {
    vec2 d = pixel;
    vec3 sum = texture(source, place + vec2(d.x, 0.0)).rgb + texture(source, place - vec2(d.x, 0.0)).rgb;
    sum += texture(source, place + vec2(0.0, d.y)).rgb + texture(source, place - vec2(0.0, d.y)).rgb;
    sum += 2.0 * (texture(source, place + d).rgb + texture(source, place - d).rgb);
    sum += 2.0 * (texture(source, place + vec2(d.x, -d.y)).rgb + texture(source, place + vec2(-d.x, d.y)).rgb);
    result = vec4(mix(texture(finer, place).rgb, sum / 12.0, 0.6), 1.0);
}
