#pragma once
#include <memory>
#include <string>
#include <unordered_map>

#include "api/value.h"
#include "imgui.h"

namespace dream::ui {

/// A picture on the graphics card.
struct Texture {
  ImTextureID id = ImTextureID_Invalid;
  int width = 0, height = 0;
  explicit operator bool() const { return id != ImTextureID_Invalid; }
};

/// Pictures on the graphics card, one per slot ("dream", "probe/vae/frame" …). A picture is uploaded again only when
/// the slot gets another Image object. Needs a current GL context for its whole life.
class TextureCache {
 public:
  TextureCache() = default;
  TextureCache(const TextureCache&) = delete;
  TextureCache& operator=(const TextureCache&) = delete;
  ~TextureCache();

  /// None if `image` is null or does not hold width * height * channels bytes (1, 3 or 4 channels).
  Texture get(const std::string& slot, const std::shared_ptr<const Image>& image);

  /// Frees the textures that were not asked for since the last call but `keep` frames ago.
  void end_frame(int keep = 600);

  int uploads() const { return uploads_; }

 private:
  struct Entry {
    std::shared_ptr<const Image> image;  // held, so that a new Image never reuses the address of the shown one
    unsigned texture = 0;
    int width = 0, height = 0, channels = 0;
    long used = 0;
  };
  std::unordered_map<std::string, Entry> entries_;
  long frame_ = 0;
  int uploads_ = 0;
};

}  // namespace dream::ui
