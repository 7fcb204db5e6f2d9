uniform sampler2D source;
void main() { result = vec4(texture(source, place).rgb, 1.0); }
