#pragma once
#include <cstddef>
#include <string_view>

namespace dream::ui {

/// A file that the build compiled into the program (see cmake/ui.cmake). `data` is null for an unknown name.
struct EmbeddedFile {
  const void* data = nullptr;
  std::size_t size = 0;
};

EmbeddedFile embedded_file(std::string_view name);  // "text", "bold", "mono", "symbols", "icons", "picture_vertex" …

}  // namespace dream::ui
