#pragma once
#include <cstdint>

namespace dream {

/// While it lives, this thread's tensors may take so many bytes each, and so many in all (what is freed counts too). One
/// that would take more throws MemoryLimit::Exceeded before anything is allocated. For building what a file describes
/// before the file is believed.
class MemoryLimit {
 public:
  struct Exceeded {
    std::uint64_t bytes;  // that were asked for
  };
  MemoryLimit(std::uint64_t each, std::uint64_t in_all);
  ~MemoryLimit();
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;
};

}  // namespace dream
