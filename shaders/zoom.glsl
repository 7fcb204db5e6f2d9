// pass zoom
// order 10
// kind coordinate
// param amount 0.0 low=-1 high=1 doc="Into the picture (1 = twice as near) or out of it; a kick punches it."
// param drift 0.35 low=0 high=1 doc="How far the picture wanders by itself, so that nothing ever stands still."
// param speed 0.25 low=0 high=2 rate doc="How fast it wanders."
// param angle 0.0 low=-0.5 high=0.5 unit=turns doc="Turns the picture."
// param spin 0.0 low=-0.5 high=0.5 unit=turns/s rate doc="Keeps turning the picture."
vec2 zoom(vec2 uv) {
    vec2 p = centred(uv);
    float t = zoom_speed;
    p *= exp2(-zoom_amount - zoom_drift * (0.16 + 0.1 * sin(0.37 * t)));
    p = turned(p, TURN * (zoom_angle + zoom_spin) + zoom_drift * 0.09 * sin(0.23 * t + 1.0));
    return screen(p + zoom_drift * 0.07 * vec2(sin(0.31 * t), cos(0.41 * t + 0.6)));
}
