#include "ui/picture_shader.h"

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "api/error.h"
#include "ui/embedded.h"
#include "ui/gl.h"
#include "ui/theme.h"

namespace dream::ui {
namespace {

constexpr int map_width = 257, map_rows = 3;  // odd: a signed map's middle is an entry of its own

unsigned compile(unsigned kind, const char* file, const std::string& definitions) {
  const EmbeddedFile source = embedded_file(file);
  const char* parts[] = {definitions.c_str(), static_cast<const char*>(source.data)};
  const int sizes[] = {static_cast<int>(definitions.size()), static_cast<int>(source.size)};
  const unsigned shader = gl().create_shader(kind);
  gl().shader_source(shader, 2, parts, sizes);
  gl().compile_shader(shader);
  int done = 0;
  gl().get_shader(shader, GL_COMPILE_STATUS, &done);
  if (done) return shader;
  char log[512] = "";
  gl().shader_log(shader, sizeof log, nullptr, log);
  throw Error(std::string("The graphics driver refuses the shader ") + file + ": " + log);
}

/// Whether every pixel of the picture is a whole number of the screen's.
bool whole(float across, int pixels) {
  const float scale = across / static_cast<float>(pixels);
  return scale >= 1 && std::abs(scale - std::round(scale)) * static_cast<float>(pixels) < 0.01f;
}

unsigned make_maps() {
  std::vector<unsigned char> texels;
  for (int row = 0; row < map_rows; ++row) {
    for (int i = 0; i < map_width; ++i) {
      const float t = static_cast<float>(i) / (map_width - 1);
      const ImU32 colour = row == 0 ? magnitude_colour(t) : signed_colour(2 * t - 1, row == 1);
      for (const int shift : {IM_COL32_R_SHIFT, IM_COL32_G_SHIFT, IM_COL32_B_SHIFT})
        texels.push_back(static_cast<unsigned char>(colour >> shift));
    }
  }
  unsigned texture = 0;
  glGenTextures(1, &texture);
  glBindTexture(GL_TEXTURE_2D, texture);
  for (const unsigned filter : {GL_TEXTURE_MIN_FILTER, GL_TEXTURE_MAG_FILTER})
    glTexParameteri(GL_TEXTURE_2D, filter, GL_LINEAR);
  glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
  glTexImage2D(GL_TEXTURE_2D, 0, GL_RGB, map_width, map_rows, 0, GL_RGB, GL_UNSIGNED_BYTE, texels.data());
  return texture;
}

}  // namespace

PictureShader::~PictureShader() {
  for (const Variant& each : variants_)
    if (each.program) gl().delete_program(each.program);
  if (maps_) glDeleteTextures(1, &maps_);
}

void PictureShader::draw(ImDrawList* list, const Drawing& drawing) {
  struct Order {
    PictureShader* shader;
    Drawing drawing;
  } order{this, drawing};
  const auto begin = [](const ImDrawList* within, const ImDrawCmd* command) {
    Order given;
    std::memcpy(&given, command->UserCallbackData, sizeof given);  // ImGui's copy is not aligned
    given.shader->begin(given.drawing, within, command);
  };
  list->AddCallback(begin, &order, sizeof order);
  list->AddImage(ImTextureRef(drawing.picture.id), drawing.min, drawing.max, drawing.from, drawing.to);
  list->AddCallback(ImGui::GetPlatformIO().DrawCallback_ResetRenderState);
}

/// In the middle of ImGui's rendering: its program and buffers are bound.
void PictureShader::begin(const Drawing& drawing, const ImDrawList* list, const ImDrawCmd* command) {
  const ImDrawData& data = *ImGui::GetDrawData();
  const ImVec2 density = data.FramebufferScale;
  const float wide = (drawing.max.x - drawing.min.x) * density.x / (drawing.to.x - drawing.from.x),
              high = (drawing.max.y - drawing.min.y) * density.y / (drawing.to.y - drawing.from.y);
  const bool bent = drawing.look != PictureLook{};
  // Nearest is crisp at whole multiples, and the cheapest; a second picture has a sampler of its own.
  const bool nearest =
      !drawing.smooth && !bent && whole(wide, drawing.picture.width) && whole(high, drawing.picture.height);
  const Variant& shader = variant(!drawing.smooth && !nearest, bent);
  gl().use_program(shader.program);
  gl().set_vec4(shader.display, 2 / data.DisplaySize.x, -2 / data.DisplaySize.y,
                -2 * data.DisplayPos.x / data.DisplaySize.x - 1, 2 * data.DisplayPos.y / data.DisplaySize.y + 1);
  gl().set_vec2(shader.span, wide, high);
  glDisable(GL_BLEND);  // pictures are opaque: a software renderer need not read what is below
  if (nearest) ImGui::GetPlatformIO().DrawCallback_SetSamplerNearest(list, command);
  if (!bent) return;
  const PictureLook& look = drawing.look;
  const Rgb weights = channel_weights(look);
  gl().set_int(shader.difference, look.difference);
  gl().set_int(shader.one, weights != Rgb{});
  gl().set_vec3(shader.weights, weights[0], weights[1], weights[2]);
  gl().set_float(shader.gain, std::exp2(look.exposure));
  gl().set_float(shader.power, 1 / look.gamma);
  gl().set_int(shader.map, static_cast<int>(look.map));
  const int row = look.map == PictureLook::Map::diverging ? (drawing.dark ? 1 : 2) : 0;
  gl().set_float(shader.row, (static_cast<float>(row) + 0.5f) / map_rows);
  if (!maps_) maps_ = make_maps();
  gl().active_texture(GL_TEXTURE1);
  glBindTexture(GL_TEXTURE_2D, static_cast<unsigned>(look.difference ? drawing.other.id : drawing.picture.id));
  gl().active_texture(GL_TEXTURE2);
  glBindTexture(GL_TEXTURE_2D, maps_);
  gl().active_texture(GL_TEXTURE0);
}

/// Made when it is first wanted, for ImGui's vertices: its attributes lie where ImGui's program, which is bound, has them.
const PictureShader::Variant& PictureShader::variant(bool sharp, bool look) {
  Variant& made = variants_[2 * look + sharp];
  if (made.program) return made;
  const std::string definitions =
      std::string("#version 330 core\n") + (sharp ? "#define SHARP\n" : "") + (look ? "#define LOOK\n" : "");
  int imgui = 0;
  glGetIntegerv(GL_CURRENT_PROGRAM, &imgui);
  const unsigned program = gl().create_program();
  for (const unsigned shader : {compile(GL_VERTEX_SHADER, "picture_vertex", definitions),
                                compile(GL_FRAGMENT_SHADER, "picture_fragment", definitions)}) {
    gl().attach_shader(program, shader);
    gl().delete_shader(shader);  // with the program
  }
  for (const char* name : {"Position", "UV"})
    gl().bind_attribute(program, static_cast<unsigned>(gl().attribute(static_cast<unsigned>(imgui), name)), name);
  gl().link_program(program);
  int done = 0;
  gl().get_program(program, GL_LINK_STATUS, &done);
  if (!done) {
    char log[512] = "";
    gl().program_log(program, sizeof log, nullptr, log);
    throw Error(std::string("The graphics driver refuses the picture shader: ") + log);
  }
  const auto at = [&](const char* name) { return gl().uniform(program, name); };
  made = {program,    at("display"), at("span"),  at("difference"), at("one"),
          at("weights"), at("gain"), at("power"), at("map"),        at("row")};
  gl().use_program(program);
  gl().set_int(at("picture"), 0);
  gl().set_int(at("other"), 1);
  gl().set_int(at("maps"), 2);
  return made;
}

}  // namespace dream::ui
