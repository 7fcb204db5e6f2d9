// One texel a quantity: has the field just flashed, and how far may it rise now?
// A flash is a rise and a fall, so it is enough to hold back rises: then a fall, and with it blackout, is never late.
// State: extreme since the last change of direction, direction (1 rising, -1 falling), age of the last rise in s, gain.
layout(location = 0) out vec4 light;
layout(location = 1) out vec4 red;
uniform sampler2D probe;
uniform sampler2D light_before;
uniform sampler2D red_before;
uniform float dt;
uniform float master;       // factor of linear light that follows
uniform float gap;          // s, at least, from rise to rise; 0 lets all through

float allowed(vec4 state, float now, float gap, float held, float bright) {
    bool closed = state.y < 0.0 && state.z + dt < gap && state.x < bright;
    return closed ? min(1.0, (state.x + held) / max(now, 1e-6)) : 1.0;
}

vec4 followed(vec4 state, float shown, float change, float gain) {
    float age = min(state.z + dt, 60.0);
    if (state.y > 0.0) {
        float peak = max(state.x, shown);
        return shown <= peak - change ? vec4(shown, -1.0, age, gain) : vec4(peak, 1.0, age, gain);
    }
    float trough = min(state.x, shown);
    return shown >= trough + change ? vec4(shown, 1.0, 0.0, gain) : vec4(trough, -1.0, age, gain);
}

void main() {
    vec2 now = vec2(0.0);
    ivec2 size = textureSize(probe, 0) / 2;
    for (int y = 0; y < size.y; y++)
        for (int x = 0; x < size.x; x++)
            now += texture(probe, (vec2(x, y) + 0.5) / vec2(size)).rg;  // the middle of four texels
    now *= master / float(size.x * size.y);
    vec4 l = texelFetch(light_before, ivec2(0), 0), r = texelFetch(red_before, ivec2(0), 0);
    // WCAG counts changes of 0.1 (red: 0.0625) from below 0.8; the margin is for grain, rounding and the coarse grid.
    float gain = min(allowed(l, now.x, gap, 0.065, 0.85), allowed(r, now.y, gap, 0.035, 9.0));
    light = followed(l, now.x * gain, 0.075, gain);
    red = followed(r, now.y * gain, 0.045, gain);
}
