#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace dream {

/// FNV-1a of 64 bits (Fowler, Noll and Vo): a quick hash against damage and mix-ups, not against people. Goes on from `hash`.
inline std::uint64_t fnv1a(std::span<const std::byte> bytes, std::uint64_t hash = 0xcbf29ce484222325ULL) {
  for (const std::byte b : bytes) hash = (hash ^ static_cast<std::uint64_t>(b)) * 0x100000001b3ULL;
  return hash;
}

}  // namespace dream
