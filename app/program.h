#pragma once
#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/base/platform.h"
#include "core/base/text.h"

// What both programs share: numbers of the command line, complaints, and how a program ends.

namespace dream {

/// Every number of the command line: finite, within its range, refused in one sentence otherwise. For
/// CLI::Option::transform, since 1e6 and 007 are whole numbers here.
inline CLI::Validator whole_between(std::int64_t low, std::int64_t high) {
  const auto expected = "a whole number between " + std::to_string(low) + " and " + std::to_string(high);
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        const auto number = whole_number(text);
        if (!number || *number < low || *number > high)
          return "'" + printable(text) + "': " + expected + " was expected";
        text = std::to_string(*number);
        return "";
      },
      std::to_string(low) + " to " + std::to_string(high));
}

inline CLI::Validator number_between(double low, double high) {
  const auto expected = "a number between " + number_text(low) + " and " + number_text(high);
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        const auto number = finite_number(text);
        if (!number || *number < low || *number > high)
          return "'" + printable(text) + "': " + expected + " was expected";
        text = number_text(*number);
        return "";
      },
      number_text(low) + " to " + number_text(high));
}

/// Before anything is computed: `option`'s file can be written, and it is not the one that is read.
inline void check_output(const std::string& option, const std::filesystem::path& out,
                         const std::filesystem::path& input) {
  std::error_code differ;
  if (std::filesystem::equivalent(out, input, differ)) {
    throw Error(option + " is '" + input.string() + "' itself, which is read; choose another name");
  }
  check_destination(out);
}

/// One line on standard error; texts in it may come from anywhere.
inline void complain(const std::string& program, const std::string& text) {
  constexpr std::size_t most = 600;
  std::fprintf(stderr, "%s: %s\n", program.c_str(), printable(text, most).c_str());
}

/// The exit code of a program that would end with `code`: after a signal 128 + its number, so that what follows it in a
/// script does not go on with half the work; and not 0 when what was printed has not arrived.
inline int exit_code(const std::string& program, int code) {
  errno = 0;
  bool lost = std::fflush(stdout) != 0;
  if (!lost && std::ferror(stdout)) {  // it failed before, and the reason is gone: another try says it
    lost = true;
    std::fputc('\n', stdout);
    std::fflush(stdout);
  }
  if (interrupted()) return 128 + interrupt_signal();
  if (!lost) return code;
  complain(program, "standard output could not be written" + (errno ? ": " + reason_of(errno) : std::string()));
  return code == 0 ? 1 : code;
}

/// main() of both programs: what run() leaves is its exit code, whatever static objects of libraries do afterwards. They
/// are not destroyed: Torch 2.11 built for CUDA 13 aborts there ("free(): invalid pointer", of a static std::locale),
/// and a finished training would end with the code of a crash.
inline int end_of(int code) {
  std::fflush(nullptr);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they report on leaving
  std::_Exit(code);
#endif
  return code;
}

}  // namespace dream
