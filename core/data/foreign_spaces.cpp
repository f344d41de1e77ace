#include "core/data/foreign_spaces.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/text.h"

namespace dream::minari {
namespace {

using Json = CheckedJson::Json;
using Kind = Part::Kind;

constexpr std::size_t max_numbers = 65536, max_box = 4096, max_one_hot = 256, max_choices = 4096, max_parts = 1024;
constexpr std::size_t most_pixels = 8192;  // of a side
constexpr std::size_t least_side = 32;     // of what is a picture by its bounds alone

/// A name in a file is a path: h5py makes groups of "a/b".
std::vector<std::string> path_of(const CheckedJson& source, std::vector<std::string> path, const std::string& key) {
  for (std::size_t from = 0; from <= key.size();) {
    const auto end = std::min(key.find('/', from), key.size());
    path.push_back(key.substr(from, end - from));
    if (path.back().empty() || path.back() == "." || path.back() == "..") source.fail("a name in 'subspaces' is not usable");
    from = end + 1;
  }
  return path;
}

/// Every part of a space that has no parts of its own.
void collect(const CheckedJson& source, const Json& space, const std::vector<std::string>& path, std::vector<Part>& parts,
             std::vector<const Json*>& spaces) {
  const std::string type = source.text(space, "type");
  if (type == "Dict" || type == "Tuple") {
    const Json& inner = source.member(space, "subspaces");
    if (type == "Dict" ? !inner.is_object() : !inner.is_array()) {
      source.fail(type == "Dict" ? "'subspaces' must be an object" : "'subspaces' must be a list");
    }
    if (type == "Dict") {
      for (const auto& [key, part] : inner.items()) collect(source, part, path_of(source, path, key), parts, spaces);
    } else {
      for (std::size_t i = 0; i < inner.size(); ++i)
        collect(source, inner[i], path_of(source, path, "_index_" + std::to_string(i)), parts, spaces);
    }
    return;
  }
  if (parts.size() >= max_parts) source.fail("it has more than " + std::to_string(max_parts) + " parts");
  Part part;
  part.path = path;
  part.type = type;
  parts.push_back(std::move(part));
  spaces.push_back(&space);
}

std::string called(const Part& part, const std::string& whole) {
  return part.path.empty() ? "the " + whole : "the " + whole + " '" + part.name().substr(0, 60) + "'";
}

std::vector<std::uint64_t> sizes(const CheckedJson& source, const Json& list, const char* field) {
  std::vector<std::uint64_t> out;
  for (const Json& item : list)
    out.push_back(static_cast<std::uint64_t>(source.whole_number(item, std::string("a size in '") + field + "'", 1, 1 << 30)));
  return out;
}

/// The whole numbers of 'nvec' or 'start', which lie in lists where the space has a shape.
std::vector<std::int64_t> wholes(const CheckedJson& source, const Json& value, const char* field) {
  std::vector<std::int64_t> out;
  constexpr std::int64_t most = std::int64_t{1} << 40;
  if (!value.is_array()) return {source.whole_number(value, std::string("'") + field + "'", -most, most)};
  for (const Json& item : value) {
    const auto inner = wholes(source, item, field);
    out.insert(out.end(), inner.begin(), inner.end());
    if (out.size() > max_numbers) source.fail(std::string("'") + field + "' holds too many numbers");
  }
  return out;
}

/// Shape and choices; false where the type is none that is numbers.
bool measure(const CheckedJson& source, const Json& space, const std::string& what, Part& part) {
  if (part.type == "Box") {
    part.shape = sizes(source, source.list(space, "shape", 8), "shape");
    return true;
  }
  if (part.type == "Discrete") {
    part.choices = {source.whole(space, "n", 1, std::int64_t{1} << 40)};
    part.starts = {space.contains("start") ? source.whole(space, "start", -(std::int64_t{1} << 40), std::int64_t{1} << 40) : 0};
    return true;
  }
  if (part.type == "MultiBinary") {
    const Json& n = source.member(space, "n");
    part.shape = n.is_array() ? sizes(source, n, "n") : std::vector{static_cast<std::uint64_t>(source.whole(space, "n", 1, 1 << 30))};
    if (part.count() > max_numbers) source.fail(what + " has too many numbers");
    part.choices.assign(part.count(), 2);
    part.starts.assign(part.count(), 0);
    return true;
  }
  if (part.type == "MultiDiscrete") {
    part.choices = wholes(source, source.list(space, "nvec", max_numbers), "nvec");
    part.starts = space.contains("start") ? wholes(source, space["start"], "start") : std::vector<std::int64_t>(part.choices.size(), 0);
    if (part.choices.empty() || part.starts.size() != part.choices.size() || *std::ranges::min_element(part.choices) < 1)
      source.fail(what + " must have an 'nvec' of positive numbers and a 'start' of as many");
    const Json& nvec = space["nvec"];
    part.shape = {nvec.size()};
    for (const Json* row = &nvec[0]; row->is_array() && !row->empty(); row = &(*row)[0]) part.shape.push_back(row->size());
    if (part.count() != part.choices.size()) source.fail(what + " must have an 'nvec' whose lists are of one length");
    return true;
  }
  return false;
}

/// The one number that all of a Box's 'low' or 'high' are; not a number where they differ.
double bound(const Json& value) {
  constexpr auto none = std::numeric_limits<double>::quiet_NaN();
  if (value.is_number()) return value.get<double>();
  if (!value.is_array() || value.empty()) return none;
  const double first = bound(value.front());
  return std::ranges::all_of(value, [&](const Json& item) { return bound(item) == first; }) ? first : none;
}

/// 0: no picture; 1: it is one; 2: it is one where there is none beside it, as its shape and bounds may be those of other things too.
int picture_rank(const CheckedJson& source, const Json& space, Part& part) {
  const auto shape = picture_shape(part.shape);
  if (part.type != "Box" || !shape || std::max(shape->height, shape->width) > most_pixels) return 0;
  const std::string dtype = source.text(space, "dtype");
  if (dtype == "uint8") return 1;
  const auto known = [&](const char* name) { return space.contains(name) ? bound(space[name]) : std::numeric_limits<double>::quiet_NaN(); };
  part.black = static_cast<float>(known("low")), part.white = static_cast<float>(known("high"));
  part.floats = true;
  const auto side = std::min(shape->height, shape->width);
  if (dtype.starts_with("float") && part.black == 0 && (part.white == 1 || part.white == 255) && side >= 8) return 1;
  constexpr float largest = 1e9f;  // where Gymnasium means that there is no bound, or a whole number's type has none
  return side >= least_side && std::abs(part.black) < largest && std::abs(part.white) < largest && part.black < part.white ? 2 : 0;
}

/// Why a box with a picture's shape is none.
std::string why_no_picture(const CheckedJson& source, const Json& space, const Part& part) {
  if (part.type != "Box" || !picture_shape(part.shape) || source.text(space, "dtype") == "uint8") return "";
  return "; a picture of " + source.text(space, "dtype").substr(0, 20) + " needs a 'low' and a 'high' that are finite and the same everywhere";
}

void add_names(const Part& part, std::vector<std::string>& names) {
  const std::string name = part.name();
  if (part.width() == 1) return names.push_back(name.empty() ? "0" : name);
  for (std::size_t i = 0; i < part.width(); ++i) {
    const std::string number = std::to_string(part.kind == Kind::one_hot ? part.starts[0] + static_cast<std::int64_t>(i) : static_cast<std::int64_t>(i));
    names.push_back(name.empty() ? number : name + (part.kind == Kind::one_hot ? " = " : " ") + number);
  }
}

void read_observation(const CheckedJson& source, Spaces& spaces, Layout& layout) {
  std::vector<Part> parts;
  std::vector<const Json*> of;
  collect(source, source.root(), {}, parts, of);
  std::vector<int> ranks(parts.size(), -1);  // -1: no numbers
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (measure(source, *of[i], called(parts[i], "observation"), parts[i])) ranks[i] = picture_rank(source, *of[i], parts[i]);
  const int pictures = std::ranges::count(ranks, 1) > 0 ? 1 : 2;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Part& part = parts[i];
    const auto leave = [&](const std::string& why) {
      layout.left_out.push_back((part.path.empty() ? "" : part.name() + ": ") + why);
    };
    if (ranks[i] < 0) {
      leave(part.type.substr(0, 40));
    } else if (ranks[i] == pictures) {
      part.kind = Kind::picture;
      if (layout.picture) {
        leave("a further picture, " + part.kind_and_size());
      } else {
        const auto& pixels = part.pixels = *picture_shape(part.shape);
        spaces.image_height = static_cast<int>(pixels.height);
        spaces.image_width = static_cast<int>(pixels.width);
        spaces.image_channels = static_cast<int>(pixels.channels);
        if (const auto rest = not_taken(pixels); !rest.empty()) leave(rest);
        if (part.floats) leave("what is finer than 8 bits, of its numbers from " + number_text(part.black) + " to " + number_text(part.white));
        layout.picture = part;
      }
    } else if (part.count() > max_box) {
      leave(part.kind_and_size() + ", more than " + std::to_string(max_box) + " numbers" + why_no_picture(source, *of[i], part));
    } else {
      layout.vector.push_back(part);
    }
  }
  const bool alone = !layout.picture && layout.vector.size() == 1 && layout.vector[0].type == "Discrete";
  for (Part& part : layout.vector) {
    if (part.type == "Discrete") {
      const bool few = part.choices[0] <= static_cast<std::int64_t>(max_one_hot);
      part.kind = alone || !few ? Kind::index : Kind::one_hot;
    }
    add_names(part, spaces.vector_names);
  }
  if (alone) spaces.states = static_cast<int>(std::min<std::int64_t>(layout.vector[0].choices[0], 1 << 30));
  if (!layout.picture && layout.vector.empty()) {
    std::string found;
    for (const auto& text : layout.left_out) found += (found.empty() ? "" : "; ") + text;
    source.fail("no part of it is a picture or numbers (" + found.substr(0, 300) + ")");
  }
}

/// A Box's bound in one direction, infinite where it says nothing that can be read.
std::vector<float> bounds(const CheckedJson& source, const Json& space, const char* name, std::size_t count, float endless) {
  std::vector<float> values;
  const Json& given = source.member(space, name);
  const auto add = [&](const auto& self, const Json& value) -> void {
    if (values.size() > count) return;
    if (value.is_array()) {
      for (const Json& item : value) self(self, item);
    } else {
      values.push_back(value.is_null() ? endless : source.real(value, name));
    }
  };
  add(add, given);
  if (values.size() == 1) values.resize(count, values[0]);
  if (values.size() != count) source.fail(std::string("'") + name + "' must have " + std::to_string(count) + " numbers, as 'shape' says");
  return values;
}

void read_action(const CheckedJson& source, ActionSpace& space, Layout& layout) {
  std::vector<Part> parts;
  std::vector<const Json*> of;
  collect(source, source.root(), {}, parts, of);
  std::size_t boxes = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!measure(source, *of[i], called(parts[i], "action"), parts[i])) {
      source.fail(called(parts[i], "action") + " is of the type '" + parts[i].type.substr(0, 40) +
                  "'; Box, Discrete, MultiDiscrete or MultiBinary was expected");
    }
    boxes += parts[i].type == "Box";
  }
  if (parts.empty()) source.fail("it has no parts; Box, Discrete, MultiDiscrete or MultiBinary was expected");
  if (boxes != parts.size() && parts.size() > 1) {
    const auto one = [](const Part& part) { return "'" + part.name().substr(0, 60) + "' is a " + part.type; };
    const auto other = std::ranges::find_if(parts, [](const Part& part) { return part.type != "Box"; });
    source.fail(one(*other) + ", and " + one(other == parts.begin() ? parts[1] : parts[0]) +
                ": several actions at once serve where all are Boxes, or choices in one MultiDiscrete");
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Part& part = parts[i];
    if (part.type == "Box") {
      const auto count = part.count();
      if (space.axes.size() + count > max_numbers) source.fail("there are too many axes");
      add_names(part, space.axes);
      constexpr float endless = std::numeric_limits<float>::infinity();
      const auto low = bounds(source, *of[i], "low", count, -endless), high = bounds(source, *of[i], "high", count, endless);
      space.low.insert(space.low.end(), low.begin(), low.end());
      space.high.insert(space.high.end(), high.begin(), high.end());
      continue;
    }
    part.kind = Kind::index;
    std::int64_t all = 1;
    for (const auto n : part.choices) {
      all = n > static_cast<std::int64_t>(max_choices) ? n : all * n;
      if (all > static_cast<std::int64_t>(max_choices)) source.fail("it has more than " + std::to_string(max_choices) + " combinations of choices");
    }
    for (std::int64_t choice = 0; choice < all; ++choice) {
      std::string name;
      auto rest = choice;
      for (std::size_t digit = part.choices.size(); digit-- > 0; rest /= part.choices[digit])
        name = std::to_string(part.starts[digit] + rest % part.choices[digit]) + (name.empty() ? "" : ",") + name;
      space.choices.push_back(name);
    }
  }
  space.idle.assign(space.size(), 0.0f);
  for (std::size_t i = 0; i < space.axes.size(); ++i) space.idle[i] = std::clamp(0.0f, std::min(space.low[i], space.high[i]), space.high[i]);
  layout.action = std::move(parts);
}

}  // namespace

void read_foreign_spaces(const std::string& file, const CheckedJson& metadata, DatasetInfo& info, Layout& layout) {
  const CheckedJson observation(file + ", 'observation_space'", metadata.text(metadata.root(), "observation_space"));
  read_observation(observation, info.spaces, layout);
  const CheckedJson action(file + ", 'action_space'", metadata.text(metadata.root(), "action_space"));
  read_action(action, info.spaces.action, layout);
}

}  // namespace dream::minari
