// A picture's rectangle, as Dear ImGui's vertices have it. (The program puts "#version" and definitions above.)
uniform vec4 display;  // from the window's coordinates to clip space: factor, then offset
in vec2 Position, UV;
out vec2 at;

void main() {
  at = UV;
  gl_Position = vec4(Position * display.xy + display.zw, 0, 1);
}
