// pass glitch
// order 50
// kind neighbours
// param amount 0.0 low=0 high=1 doc="How many blocks slip, and how far."
// param blocks 14.0 low=2 high=60 curve=exp doc="Blocks in the height."
// param split 0.4 low=0 high=1 doc="How far red and blue part."
// param rate 10.0 low=0.5 high=30 curve=exp unit=1/s rate doc="How often the blocks are dealt anew."
vec3 glitch(vec3 color, vec2 uv) {
    int deal = int(floor(glitch_rate));
    int row = int(floor(uv.y * glitch_blocks));
    int column = int(floor(uv.x * aspect * glitch_blocks * 0.25 + 4.0 * random(ivec2(row, deal))));
    float slip = random(ivec2(row * 71 + column, deal + 977)) < 0.6 * glitch_amount ? random(ivec2(column + 31, row * 13 + deal)) - 0.5 : 0.0;
    vec2 at = uv + vec2(0.35 * glitch_amount * slip, 0.0);
    vec2 part = vec2(0.04 * glitch_amount * glitch_split * (0.4 + abs(slip)), 0.0);
    return vec3(before(at + part).r, before(at).g, before(at - part).b);
}
