// The finished picture in a few large cells: each the mean light of 8 by 8 places, which hardware smooths to 16 by 16 pixels.
uniform sampler2D source;   // encoded

void main() {
    vec3 sum = vec3(0.0);
    for (int row = 0; row < 8; row++)
        for (int column = 0; column < 8; column++) {
            vec3 color = texture(source, place + ((vec2(column, row) + 0.5) / 8.0 - 0.5) * pixel).rgb;
            sum += color * color;  // near enough to light, and exact where the cell is of one colour
        }
    result = vec4(sqrt(sum / 64.0), 1.0);
}
