#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

namespace dream {

using FieldValue = std::variant<bool, std::int64_t, double, std::string>;

/// One setting as the TOML file, the command line (--set key=value) and the window see it. Declared once, in the
/// options struct that uses it; see core/config/config.h.
struct Field {
  std::string key;     // "v.learning_rate"
  std::string title;   // "learning rate": what people read, without the part before the first dot
  std::string help;    // one sentence, with the paper's symbol
  std::string unit;    // "nats", "s", … ; empty for none
  FieldValue value;    // now
  FieldValue initial;  // the default
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool logarithmic = false;          // a slider over powers of ten
  bool live = false;                 // takes effect while its phase runs
  bool fixed = false;                // never changes once a run has begun
  std::vector<std::string> choices;  // for a string: what it may be; empty = anything
};

}  // namespace dream
