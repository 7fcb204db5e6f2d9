// Half the size, as in dual filtering (Bjorge, 2015).
uniform sampler2D source;
void main() {
    vec2 d = pixel * 0.5;
    vec3 sum = texture(source, place).rgb * 4.0;
    sum += texture(source, place + d).rgb + texture(source, place - d).rgb;
    sum += texture(source, place + vec2(d.x, -d.y)).rgb + texture(source, place + vec2(-d.x, d.y)).rgb;
    result = vec4(sum / 8.0, 1.0);
}
