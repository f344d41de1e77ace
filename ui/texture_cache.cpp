#include "ui/texture_cache.h"

#include <GLFW/glfw3.h>

#ifndef GL_CLAMP_TO_EDGE
#define GL_CLAMP_TO_EDGE 0x812F
#endif

namespace dream::ui {
namespace {

/// Core profiles have no luminance format, so one channel is spread over three here.
std::vector<std::uint8_t> spread(const Image& image) {
  std::vector<std::uint8_t> out(image.pixels.size() * 3);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) out[3 * i] = out[3 * i + 1] = out[3 * i + 2] = image.pixels[i];
  return out;
}

}  // namespace

void draw_texture(ImDrawList* list, ImTextureID texture, ImVec2 min, ImVec2 max, bool smooth) {
  const ImGuiPlatformIO& platform = ImGui::GetPlatformIO();
  if (!smooth && platform.DrawCallback_SetSamplerNearest)
    list->AddCallback(platform.DrawCallback_SetSamplerNearest, nullptr);
  // Pictures are opaque: without blending a software renderer need not read what is below.
  list->AddCallback([](const ImDrawList*, const ImDrawCmd*) { glDisable(GL_BLEND); }, nullptr);
  list->AddImage(ImTextureRef(texture), min, max);
  list->AddCallback([](const ImDrawList*, const ImDrawCmd*) { glEnable(GL_BLEND); }, nullptr);
  if (!smooth && platform.DrawCallback_SetSamplerLinear)
    list->AddCallback(platform.DrawCallback_SetSamplerLinear, nullptr);
}

TextureCache::~TextureCache() {
  for (auto& [slot, entry] : entries_) glDeleteTextures(1, &entry.texture);
}

ImTextureID TextureCache::get(const std::string& slot, const std::shared_ptr<const Image>& image) {
  const bool known_format = image->channels == 1 || image->channels == 3 || image->channels == 4;
  if (image->width <= 0 || image->height <= 0 || !known_format ||
      image->pixels.size() != static_cast<std::size_t>(image->width) * image->height * image->channels)
    return ImTextureID_Invalid;
  Entry& entry = entries_[slot];
  entry.used = frame_;
  const bool fresh = entry.texture == 0;
  if (fresh) glGenTextures(1, &entry.texture);
  if (entry.image != image) {
    glBindTexture(GL_TEXTURE_2D, entry.texture);
    if (fresh) {
      glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_LINEAR);  // no mipmaps
      glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_LINEAR);
      glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
      glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
    }
    std::vector<std::uint8_t> grey;
    if (image->channels == 1) grey = spread(*image);
    const void* pixels = image->channels == 1 ? grey.data() : image->pixels.data();
    const unsigned format = image->channels == 4 ? GL_RGBA : GL_RGB;
    glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
    if (entry.width != image->width || entry.height != image->height || entry.channels != image->channels) {
      glTexImage2D(GL_TEXTURE_2D, 0, static_cast<int>(format), image->width, image->height, 0, format, GL_UNSIGNED_BYTE,
                   pixels);
      entry.width = image->width, entry.height = image->height, entry.channels = image->channels;
    } else {
      glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, image->width, image->height, format, GL_UNSIGNED_BYTE, pixels);
    }
    entry.image = image;
    ++uploads_;
    glBindTexture(GL_TEXTURE_2D, 0);
  }
  return static_cast<ImTextureID>(entry.texture);
}

void TextureCache::end_frame(int keep) {
  ++frame_;
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (frame_ - it->second.used > keep) {
      glDeleteTextures(1, &it->second.texture);
      it = entries_.erase(it);
    } else {
      ++it;
    }
  }
}

}  // namespace dream::ui
