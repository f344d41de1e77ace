#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dream {

/// A text out of a file, or out of anybody's hands, as a terminal may show it, on one line: what is no printable UTF-8
/// (control characters, with them escape sequences, marks that turn the direction of writing, stray bytes) becomes
/// "\x1b", "\n", "\u202e" …, and what is longer than `most` characters is cut in its middle, with "…".
std::string printable(std::string_view text, std::size_t most = 200);

/// A path as somebody types or pastes it, as a shell would read it: blanks and line ends around it fall away, quotes and
/// backslashes keep what they hold, a leading `~` stands for `home`.
std::string typed_path(std::string_view text, std::string_view home);

/// A whole number as people write it: 12, -3, 1e6. Nothing for any other text, or where it is too large.
std::optional<std::int64_t> whole_number(std::string_view text);
/// A finite number: 0.5, 1e-4. Nothing for any other text, nan and inf among them.
std::optional<double> finite_number(std::string_view text);
/// The shortest text that reads back as the same number.
std::string number_text(double value);

}  // namespace dream
