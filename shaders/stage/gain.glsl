#version 330 core
// The corners of the screen, and the limiter's gain once for all pixels.
noperspective out vec2 place;
flat out float gain;
uniform sampler2D limiter;
void main() {
    vec2 corner = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0);
    place = corner * 0.5 + 0.5;
    gain = pow(texelFetch(limiter, ivec2(0), 0).a, 1.0 / 2.2);
    gl_Position = vec4(corner, 0.0, 1.0);
}
