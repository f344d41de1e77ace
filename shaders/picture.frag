// A picture of a world: crisp at any size, and looked at as the user wants. SHARP: it does not fill whole multiples of its
// pixels. LOOK: it is bent; shade() in ui/picture_look.cpp is the same arithmetic. (The program puts "#version" and
// definitions above.)
uniform sampler2D picture;
in vec2 at;
out vec4 colour;

#ifdef SHARP
uniform vec2 span;  // of the whole picture, in pixels of the screen

/// Sharp bilinear: a pixel's own colour, blended with the next one's over one pixel of the screen where they meet.
vec3 read(sampler2D from) {
  ivec2 size = textureSize(from, 0);
  vec2 place = at * vec2(size), seam = floor(place + 0.5);
  // A little steeper: at whole multiples rounding must mix nothing in.
  vec2 mixed = clamp((place - seam) * 1.0001 * max(span / vec2(size), 1.0) + 0.5, 0.0, 1.0);
  ivec2 high = min(ivec2(seam), size - 1), low = max(ivec2(seam) - 1, 0);
  vec3 above = mix(texelFetch(from, low, 0).rgb, texelFetch(from, ivec2(high.x, low.y), 0).rgb, mixed.x);
  vec3 below = mix(texelFetch(from, ivec2(low.x, high.y), 0).rgb, texelFetch(from, high, 0).rgb, mixed.x);
  return mix(above, below, mixed.y);
}
#else
vec3 read(sampler2D from) {
  return texture(from, at).rgb;
}
#endif

#ifdef LOOK
uniform sampler2D other;  // what a difference is taken to
uniform sampler2D maps;   // a colour map in every row
uniform bool difference;
uniform bool one;      // value: of one channel, or of several by weight
uniform vec3 weights;  // of the channels in it
uniform float gain, power;
uniform int map;   // 0: none, 1: magnitudes, 2: signed values
uniform float row;  // of the map

void main() {
  vec3 v = read(picture);
  if (difference) v -= read(other);
  if (one) v = vec3(dot(v, weights));
  v *= gain;
  v = sign(v) * pow(abs(v), vec3(power));
  vec3 place = map == 1 ? abs(v) : difference ? 0.5 + 0.5 * v : v;
  if (map != 0) {
    float width = float(textureSize(maps, 0).x);
    place = texture(maps, vec2((clamp(place.x, 0.0, 1.0) * (width - 1.0) + 0.5) / width, row)).rgb;
  }
  colour = vec4(place, 1);
}
#else
void main() {
  colour = vec4(read(picture), 1);
}
#endif
