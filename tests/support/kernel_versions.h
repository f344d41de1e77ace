#pragma once
#include <elf.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/nn/stride_two_kernel.h"
#include "tests/support/hashed.h"

// Every kernel is there several times, for older and newer processors, and the program takes what fits. Here each
// version that this processor can run is called and compared: the compiler hides them, so they are found in the
// program's own table of symbols.

#if defined(__linux__) && defined(DREAM_X86_VERSIONS) && !defined(__SANITIZE_THREAD__)
#define DREAM_VERSIONS_CAN_BE_FOUND

namespace dream::test {

/// The program's functions by their mangled names.
inline const std::map<std::string, const char*>& functions() {
  static const auto found = [] {
    std::map<std::string, const char*> functions;
    std::ifstream file("/proc/self/exe", std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const auto* header = reinterpret_cast<const Elf64_Ehdr*>(bytes.data());
    const auto* sections = reinterpret_cast<const Elf64_Shdr*>(bytes.data() + header->e_shoff);
    std::map<std::string, std::uint64_t> addresses;
    for (int i = 0; i < header->e_shnum; ++i) {
      if (sections[i].sh_type != SHT_SYMTAB) continue;
      const auto* names = bytes.data() + sections[sections[i].sh_link].sh_offset;
      const auto* symbols = reinterpret_cast<const Elf64_Sym*>(bytes.data() + sections[i].sh_offset);
      for (std::uint64_t k = 0; k < sections[i].sh_size / sizeof(Elf64_Sym); ++k) {
        if (ELF64_ST_TYPE(symbols[k].st_info) == STT_FUNC && symbols[k].st_value != 0)
          addresses[names + symbols[k].st_name] = symbols[k].st_value;
      }
    }
    // Where the program lies is known from a function that can be named.
    for (const auto& [name, address] : addresses) {
      if (name.find("first_convolution_plain") == std::string::npos) continue;
      const auto* base = reinterpret_cast<const char*>(&first_convolution_plain) - address;
      for (const auto& [other, there] : addresses) functions[other] = base + there;
    }
    return functions;
  }();
  return found;
}

/// Calls `use` with every version of the function whose mangled name begins so, and expects that all give the same.
template <typename Function>
void expect_versions_alike(const std::string& begin, double tolerance,
                           const std::function<std::vector<float>(Function*)>& use) {
  std::map<std::string, std::vector<float>> results;
  for (const auto& [name, address] : functions()) {
    if (!name.starts_with(begin)) continue;
    const auto version = name.substr(name.rfind('.') + 1);
    if (version == "resolver" || name.find('.') == std::string::npos) continue;
    if (version == "arch_x86_64_v4" && !__builtin_cpu_supports("x86-64-v4")) continue;
    if (version == "arch_x86_64_v3" && !__builtin_cpu_supports("x86-64-v3")) continue;
    results[version] = use(reinterpret_cast<Function*>(const_cast<char*>(address)));
  }
  ASSERT_TRUE(results.contains("default")) << begin << ": stripped, or renamed";
  if (__builtin_cpu_supports("x86-64-v3")) {
    EXPECT_TRUE(results.contains("arch_x86_64_v3")) << begin;
  }
  const auto& expected = results.at("default");
  for (const auto& [version, values] : results) {
    ASSERT_EQ(values.size(), expected.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      ASSERT_NEAR(values[i], expected[i], tolerance * (1 + std::abs(expected[i]))) << begin << version << " " << i;
  }
}

inline std::vector<float> numbers(std::uint32_t stream, std::int64_t count, double scale) {
  const auto values = test::hashed_float(stream, {count}, scale);
  return {values.data_ptr<float>(), values.data_ptr<float>() + count};
}

inline void append(std::vector<float>& to, const std::vector<float>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace dream::test

#endif
