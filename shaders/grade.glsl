// pass grade
// order 80
// kind pointwise
// param exposure -0.2 low=-2 high=2 unit=stops doc="Brightness."
// param contrast 1.12 low=0 high=2 doc="Contrast about a middle grey."
// param saturation 1.12 low=0 high=2 doc="0 is grey, 1 as it comes."
// param hue 0.0 low=-0.5 high=0.5 unit=turns doc="Turns all colours."
// param tint 0.0 low=0 high=1 doc="Mixes one colour into all."
// param tint_hue 0.6 low=0 high=1 unit=turns doc="That colour."
// param shoulder 0.6 low=0 high=1 doc="How softly highlights end."
// param vignette 0.3 low=0 high=1 doc="Darkens the corners."
vec3 grade(vec3 color, vec2 uv) {
    vec2 p = uv - 0.5;
    color *= exp2(grade_exposure) * (1.0 - 1.1 * grade_vignette * dot(p, p));
    color = max(hue_turned(color, grade_hue), 0.0);
    float l = luminance(color);
    color = mix(color, l * 2.0 * hue_color(grade_tint_hue), grade_tint);
    color = max(mix(vec3(l), color, grade_saturation), 0.0);
    color = 0.18 * pow(color / 0.18, vec3(max(grade_contrast, 0.01)));
    // Linear up to the knee, then towards 1 without ever reaching it.
    float knee = 1.0 - 0.6 * grade_shoulder;
    vec3 over = max(color - knee, 0.0);
    return min(color, knee) + (1.0 - knee) * (1.0 - exp2(-1.442695 * over / max(1.0 - knee, 0.01)));
}
