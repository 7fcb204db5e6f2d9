// The procedural look: curtains of polar light before a slow nebula. Drawn at half size; it has no edges to lose.
uniform float flow_phase;
uniform float glow;
uniform float look_hue;

float cloud(vec2 p) { return 0.55 * noise(p) + 0.3 * noise(p * 2.1 + 17.0) + 0.15 * noise(p * 4.3 + 5.0); }

// One curtain: a bright, folded lower hem, rays that stand on it and fade upwards from green through violet to rose.
vec3 curtain(vec2 p, float t, float seed) {
    float fold = 0.30 * sin(p.x * 1.3 + 0.31 * t + seed) + 0.11 * sin(p.x * 3.1 - 0.47 * t + 2.0 * seed);
    float hem = fold + 0.13 * (noise(vec2(p.x * 2.4 + seed, 0.35 * t)) - 0.5);
    float up = p.y - hem;
    float along = p.x + 0.35 * fold + 0.05 * sin(6.0 * up + t);
    float rays = noise(vec2(along * 16.0 + seed, 0.5 * t)) * 0.6 + noise(vec2(along * 41.0, 0.8 * t + seed)) * 0.4;
    float veil = smoothstep(-0.07, 0.02, up) * exp(-max(up, 0.0) * (7.0 - 4.5 * rays));
    float spark = exp(-90.0 * up * up);
    float presence = smoothstep(0.25, 0.75, noise(vec2(p.x * 0.9 - 0.12 * t + seed, seed)));
    float height = clamp(up * 2.6, 0.0, 1.0);
    vec3 color = mix(vec3(0.02, 0.75, 0.42), vec3(0.10, 0.22, 0.95), smoothstep(0.0, 0.45, height));
    color = mix(color, vec3(0.85, 0.08, 0.55), smoothstep(0.35, 1.0, height));
    return presence * (color * veil * (0.35 + rays) + vec3(0.25, 0.9, 0.6) * spark * rays * 0.35);
}

void main() {
    vec2 p = centred(place);
    float t = flow_phase;
    vec2 bend = vec2(cloud(p * 1.6 + vec2(0.10, -0.06) * t), cloud(p * 1.6 + vec2(-0.08, 0.05) * t + 31.0)) - 0.5;
    float mist = cloud(p * 1.3 + 1.6 * bend + vec2(-0.04, 0.06) * t);
    float veins = 1.0 - abs(2.0 * cloud(p * 2.2 + 2.2 * bend - vec2(0.05, 0.03) * t + 71.0) - 1.0);
    vec3 color = vec3(0.002, 0.005, 0.018) + vec3(0.03, 0.015, 0.14) * mist * mist;
    color += vec3(0.34, 0.04, 0.26) * pow(mist, 4.0) * (0.4 + glow) + vec3(0.03, 0.17, 0.30) * pow(veins, 5.0) * mist * (0.3 + glow);
    vec2 q = p + 0.25 * bend;
    color += curtain(q * 0.9 + vec2(0.0, 0.22), t, 1.7) * (0.4 + 2.0 * glow);
    color += curtain(q * 1.5 + vec2(0.7, -0.05), 0.8 * t, 5.3) * (0.15 + 0.8 * glow);
    result = vec4(finite(max(hue_turned(color, look_hue), 0.0)), 1.0);
}
