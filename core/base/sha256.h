#pragma once
#include <cstddef>
#include <string>

namespace dream {

/// SHA-256 (FIPS 180-4) of `count` bytes, 64 hexadecimal digits.
std::string sha256(const void* bytes, std::size_t count);

}  // namespace dream
