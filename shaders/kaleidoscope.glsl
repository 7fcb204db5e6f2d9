// pass kaleidoscope
// order 30
// kind coordinate
// param amount 0.0 low=0 high=1 doc="Folds the picture into a star; between 0 and 1 the fold is half open."
// param segments 6 low=2 high=16 doc="Mirrors round the middle."
// param angle 0.0 low=-0.5 high=0.5 unit=turns doc="Which part of the picture is mirrored."
// param spin 0.02 low=-0.5 high=0.5 unit=turns/s rate doc="Turns the mirrors."
vec2 kaleidoscope(vec2 uv) {
    vec2 p = centred(uv);
    float wedge = TURN / float(kaleidoscope_segments);
    float around = atan(p.y, p.x + 1e-9) + TURN * kaleidoscope_spin;
    float folded = abs(mod(around, wedge) - 0.5 * wedge) + TURN * kaleidoscope_angle;
    vec2 star = length(p) * vec2(cos(folded), sin(folded));
    return screen(mix(p, star, kaleidoscope_amount));
}
