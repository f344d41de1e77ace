#include "ui/texture_cache.h"

#include "ui/gl.h"

namespace dream::ui {
TextureCache::~TextureCache() {
  for (auto& [slot, entry] : entries_) glDeleteTextures(1, &entry.texture);
}

Texture TextureCache::get(const std::string& slot, const std::shared_ptr<const Image>& image) {
  if (!image) return {};
  const bool known_format = image->channels == 1 || image->channels == 3 || image->channels == 4;
  if (image->width <= 0 || image->height <= 0 || !known_format ||
      image->pixels.size() != static_cast<std::size_t>(image->width) * image->height * image->channels)
    return {};
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
    const unsigned format = image->channels == 4 ? GL_RGBA : image->channels == 3 ? GL_RGB : GL_RED;
    glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
    if (entry.width != image->width || entry.height != image->height || entry.channels != image->channels) {
      glTexImage2D(GL_TEXTURE_2D, 0, static_cast<int>(format), image->width, image->height, 0, format, GL_UNSIGNED_BYTE,
                   image->pixels.data());
      const int grey[] = {GL_RED, GL_RED, GL_RED, GL_ONE}, colour[] = {GL_RED, GL_GREEN, GL_BLUE, GL_ALPHA};
      glTexParameteriv(GL_TEXTURE_2D, GL_TEXTURE_SWIZZLE_RGBA, image->channels == 1 ? grey : colour);
      entry.width = image->width, entry.height = image->height, entry.channels = image->channels;
    } else {
      glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, image->width, image->height, format, GL_UNSIGNED_BYTE,
                      image->pixels.data());
    }
    entry.image = image;
    ++uploads_;
    glBindTexture(GL_TEXTURE_2D, 0);
  }
  return {static_cast<ImTextureID>(entry.texture), entry.width, entry.height};
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
