// pass warp
// order 20
// kind coordinate
// param amount 0.15 low=0 high=1 doc="How far the picture is bent; bass drives it."
// param scale 2.0 low=0.5 high=8 curve=exp doc="How many bends fit into the height."
// param speed 0.3 low=0 high=3 rate doc="How fast the bends move."
// param swirl 0.0 low=-1 high=1 doc="Turns the middle against the edge."
vec2 warp(vec2 uv) {
    vec2 p = centred(uv);
    p = turned(p, 3.0 * warp_swirl * exp2(-6.0 * dot(p, p)));
    float s = warp_scale * 3.0, t = warp_speed * 2.0, a = 0.3 * warp_amount / s;
    p += 2.0 * a * vec2(sin(p.y * s + t), cos(p.x * s * 0.93 - 1.1 * t));
    p += a * vec2(sin(p.y * s * 1.9 - 1.3 * t + 2.0), cos(p.x * s * 2.1 + 0.9 * t + 1.0));
    return screen(p);
}
