// What every pass may use.
noperspective in vec2 place;          // 0..1 on the screen, y up
out vec4 result;
uniform float time;     // s, of the stage's clock
uniform float dt;       // s since the frame before
uniform float aspect;   // width / height of the screen
uniform vec2 pixel;     // one pixel of the target, in uv

const float TURN = 6.28318530718;

// uv <-> coordinates with the origin in the middle and the height as unit.
vec2 centred(vec2 uv) { return (uv - 0.5) * vec2(aspect, 1.0); }
vec2 screen(vec2 p) { return p / vec2(aspect, 1.0) + 0.5; }
vec2 turned(vec2 p, float angle) { float s = sin(angle), c = cos(angle); return vec2(c * p.x - s * p.y, s * p.x + c * p.y); }
vec2 mirrored(vec2 uv) { return 1.0 - abs(mod(uv, 2.0) - 1.0); }

float luminance(vec3 color) { return dot(color, vec3(0.2126, 0.7152, 0.0722)); }

// Turns the hue about the grey axis; keeps the mean of the channels until one of them would leave the gamut.
vec3 hue_turned(vec3 color, float turns) {
    float s = sin(TURN * turns), c = cos(TURN * turns);
    return color * c + color.zxy * 0.57735027 * s - color.yzx * 0.57735027 * s + (color.x + color.y + color.z) / 3.0 * (1.0 - c);
}

// A colour of the circle, 0..1 in each channel.
vec3 hue_color(float turns) { return clamp(abs(fract(turns + vec3(0.0, 2.0, 1.0) / 3.0) * 6.0 - 3.0) - 1.0, 0.0, 1.0); }

// Random number of a cell, the same on every card (integer hash after Jarzynski and Olano, 2020).
float random(ivec2 cell) {
    uint n = uint(cell.x) * 1664525u + uint(cell.y) * 22695477u + 1013904223u;
    n = (n ^ (n >> 16u)) * 2246822519u;
    n = (n ^ (n >> 13u)) * 3266489917u;
    return float((n ^ (n >> 16u)) >> 8u) / 16777216.0;
}

// Smooth noise, 0..1.
float noise(vec2 p) {
    ivec2 cell = ivec2(floor(p));
    vec2 f = fract(p);
    f = f * f * (3.0 - 2.0 * f);
    return mix(mix(random(cell), random(cell + ivec2(1, 0)), f.x), mix(random(cell + ivec2(0, 1)), random(cell + ivec2(1, 1)), f.x), f.y);
}

// One NaN in a target with memory would stay for ever.
vec3 finite(vec3 color) { return clamp(mix(color, vec3(0.0), isnan(color)), 0.0, 32.0); }
