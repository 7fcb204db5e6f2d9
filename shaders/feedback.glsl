// pass feedback
// order 60
// kind memory
// param amount 0.35 low=0 high=1 doc="How long the echo lives, as a part of half_life_s."
// param half_life_s 0.5 low=0.05 high=6 curve=exp unit=s doc="Time in which an echo loses half its light."
// param zoom 0.25 low=-2 high=2 unit=1/s doc="The echo grows (doublings a second) or shrinks."
// param rotate 0.02 low=-0.5 high=0.5 unit=turns/s doc="The echo turns."
// param hue 0.06 low=-1 high=1 unit=turns/s doc="The echo changes colour."
// Picture and echo are mixed, by the fourth power of their light: the lighter one shows, without an edge where they meet. An
// echo loses half its light each half-life, and the more the brighter it is; so nothing adds up, to white least of all.
vec3 feedback(vec3 color, vec2 uv) {
    vec2 p = turned(centred(uv) * exp2(-feedback_zoom * dt), TURN * feedback_rotate * dt);
    vec3 echo = memory(screen(p));
    float most = max(echo.r, max(echo.g, echo.b));
    echo = clamp(hue_turned(echo, feedback_hue * dt), 0.0, most);
    echo *= exp2(-dt / (feedback_half_life_s * feedback_amount)) / (1.0 + 2.0 * dt * luminance(echo));
    float l = luminance(echo) + 1e-3, m = luminance(color) + 1e-3;
    l *= l * l * l;
    m *= m * m * m;
    return mix(color, echo, l / (l + m));
}
