// pass displace
// order 40
// kind neighbours
// param amount 0.0 low=0 high=1 doc="How far pixels are pushed."
// param light 0.5 low=0 high=1 doc="What pushes them: 0 a drifting noise, 1 the picture's own slopes of brightness."
// param scale 4.0 low=1 high=20 curve=exp doc="Grain of the noise."
// param speed 0.4 low=0 high=3 rate doc="How fast the noise drifts."
float displace_bright(vec2 uv) { return sqrt(min(luminance(before(uv)), 1.0)); }

vec3 displace(vec3 color, vec2 uv) {
    vec2 p = centred(uv) * displace_scale;
    vec2 wind = vec2(noise(p + displace_speed), noise(p + vec2(41.0, 17.0) - displace_speed)) - 0.5;
    vec2 d = vec2(0.02 / aspect, 0.02);
    float here = displace_bright(uv);
    vec2 slope = vec2(displace_bright(uv + vec2(d.x, 0.0)), displace_bright(uv + vec2(0.0, d.y))) - here;
    vec2 push = mix(0.3 * wind, 0.35 * slope, displace_light);
    return before(uv + displace_amount * push / vec2(aspect, 1.0));
}
