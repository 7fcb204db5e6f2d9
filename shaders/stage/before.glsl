// The target before this program, its blur, and what a pass with memory drew one frame ago.
uniform sampler2D before_picture;
uniform sampler2D blurred_picture;
uniform sampler2D memory_picture;

vec3 before(vec2 uv) { return texture(before_picture, mirrored(uv)).rgb; }
vec3 blurred(vec2 uv) { return texture(blurred_picture, uv).rgb; }
vec3 memory(vec2 uv) { return texture(memory_picture, mirrored(uv)).rgb; }
