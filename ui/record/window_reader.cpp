#include "ui/record/window_reader.h"

#define GLFW_INCLUDE_GLEXT
#include <GLFW/glfw3.h>

#include <cstring>

namespace dream::ui {
namespace {

/// OpenGL's functions of pixel buffers, which are asked for by name everywhere.
struct PixelBuffers {
  template <class F>
  static F find(const char* name) {
    return reinterpret_cast<F>(glfwGetProcAddress(name));
  }
  PFNGLGENBUFFERSPROC make = find<PFNGLGENBUFFERSPROC>("glGenBuffers");
  PFNGLDELETEBUFFERSPROC remove = find<PFNGLDELETEBUFFERSPROC>("glDeleteBuffers");
  PFNGLBINDBUFFERPROC bind = find<PFNGLBINDBUFFERPROC>("glBindBuffer");
  PFNGLBUFFERDATAPROC size = find<PFNGLBUFFERDATAPROC>("glBufferData");
  PFNGLMAPBUFFERRANGEPROC map = find<PFNGLMAPBUFFERRANGEPROC>("glMapBufferRange");
  PFNGLUNMAPBUFFERPROC unmap = find<PFNGLUNMAPBUFFERPROC>("glUnmapBuffer");
};

const PixelBuffers& gl() {
  static const PixelBuffers functions;
  return functions;
}

}  // namespace

WindowReader::WindowReader() {
  for (Slot& slot : slots_) gl().make(1, &slot.buffer);
}

WindowReader::~WindowReader() {
  for (Slot& slot : slots_) gl().remove(1, &slot.buffer);
}

void WindowReader::ask(GLFWwindow* window, std::int64_t at) {
  Slot& slot = slots_[(oldest_ + count_++) % slots_.size()];
  slot.at = at;
  glfwGetFramebufferSize(window, &slot.width, &slot.height);
  const std::size_t bytes = static_cast<std::size_t>(slot.width) * static_cast<std::size_t>(slot.height) * 4;
  gl().bind(GL_PIXEL_PACK_BUFFER, slot.buffer);
  if (bytes != slot.bytes) gl().size(GL_PIXEL_PACK_BUFFER, static_cast<GLsizeiptr>(bytes), nullptr, GL_STREAM_READ);
  slot.bytes = bytes;
  glPixelStorei(GL_PACK_ALIGNMENT, 1);
  glReadPixels(0, 0, slot.width, slot.height, GL_BGRA, GL_UNSIGNED_BYTE, nullptr);
  gl().bind(GL_PIXEL_PACK_BUFFER, 0);
}

std::optional<FilmPicture> WindowReader::take(bool all) {
  if (count_ == 0 || (!all && count_ < slots_.size())) return std::nullopt;
  const Slot& slot = slots_[oldest_];
  oldest_ = (oldest_ + 1) % slots_.size();
  --count_;
  FilmPicture picture;
  picture.at = slot.at;
  picture.window = {slot.width, slot.height, 4, {}};
  gl().bind(GL_PIXEL_PACK_BUFFER, slot.buffer);
  if (const void* bytes = gl().map(GL_PIXEL_PACK_BUFFER, 0, static_cast<GLsizeiptr>(slot.bytes), GL_MAP_READ_BIT)) {
    const auto* first = static_cast<const std::uint8_t*>(bytes);
    picture.window.pixels.assign(first, first + slot.bytes);
    gl().unmap(GL_PIXEL_PACK_BUFFER);
  }
  gl().bind(GL_PIXEL_PACK_BUFFER, 0);
  if (picture.window.pixels.empty()) return std::nullopt;
  return picture;
}

}  // namespace dream::ui
