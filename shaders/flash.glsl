// pass flash
// order 75
// kind pointwise
// param amount 0.0 low=0 high=1 doc="Light over the whole picture; the limiter counts it."
// param hue 0.55 low=0 high=1 unit=turns doc="Its colour."
// param saturation 0.3 low=0 high=1 doc="How coloured it is."
vec3 flash(vec3 color, vec2 uv) {
    vec2 p = uv - 0.5;
    vec3 light = mix(vec3(1.0), hue_color(flash_hue), flash_saturation);
    return color + flash_amount * light * (0.25 + color) * (1.4 - 1.6 * dot(p, p));
}
