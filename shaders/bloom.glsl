// pass bloom
// order 70
// kind blur
// param amount 0.3 low=0 high=1 doc="Light that bright parts shed on their surroundings."
// param threshold 0.5 low=0 high=1 doc="From which brightness on."
// param tint 0.15 low=0 high=1 doc="How much of the shed light is its own colour alone."
vec3 bloom_in(vec3 color) {
    float l = max(color.r, max(color.g, color.b)), knee = max(l - 0.6 * bloom_threshold, 0.0);
    return color * min(knee * knee / (0.4 * bloom_threshold + 0.05), l) / max(l, 1e-4);
}

vec3 bloom(vec3 color, vec2 uv) {
    vec3 light = blurred(uv);
    light = max(mix(light, light * 2.0 - luminance(light), bloom_tint), 0.0);
    return color + 1.8 * bloom_amount * light * (1.0 - 0.85 * min(color, 1.0));  // what is bright already is not burnt out
}
