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

/// 0: no picture; 1: it is one; 2: it is one where there is none of these, as its shape and bounds may be those of other things too; 3:
/// likewise, and it has no bounds, but so many numbers that it is hardly anything else.
int picture_rank(const CheckedJson& source, const Json& space, Part& part) {
  const auto shape = picture_shape(part.shape);
  if (part.type != "Box" || !shape || std::max(shape->height, shape->width) > most_pixels) return 0;
  const std::string dtype = source.text(space, "dtype");
  if (dtype == "uint8") return 1;
  const auto known = [&](const char* name) { return space.contains(name) ? bound(space[name]) : std::numeric_limits<double>::quiet_NaN(); };
  const auto black = static_cast<float>(known("low")), white = static_cast<float>(known("high"));
  part.floats = true;
  const auto side = std::min(shape->height, shape->width);
  if (dtype.starts_with("float") && black == 0 && (white == 1 || white == 255) && side >= 8) return part.greys = {black, white}, 1;
  constexpr float largest = 1e9f;  // where Gymnasium means that there is no bound, or a whole number's type has none
  if (side < least_side) return 0;
  part.bounded = std::abs(black) < largest && std::abs(white) < largest && black < white;
  if (part.bounded) return part.greys = {black, white}, 2;
  return part.count() >= max_box ? 3 : 0;
}

void add_names(const Part& part, std::vector<std::string>& names) {
  const std::string name = part.name();
  if (part.width() == 1) return names.push_back(name.empty() ? "0" : name);
  const auto add = [&](const std::string& of, const char* between, std::int64_t number) {
    names.push_back(of.empty() ? std::to_string(number) : of + between + std::to_string(number));
  };
  if (part.kind != Kind::one_hot) {
    for (std::size_t i = 0; i < part.width(); ++i) add(name, " ", static_cast<std::int64_t>(i));
    return;
  }
  for (std::size_t digit = 0; digit < part.choices.size(); ++digit) {
    const auto of = part.choices.size() == 1 ? name : (name.empty() ? "" : name + " ") + std::to_string(digit);
    for (std::int64_t i = 0; i < part.choices[digit]; ++i) add(of, " = ", part.starts[digit] + i);
  }
}

void read_observation(const CheckedJson& source, const std::vector<NoPicture>& no_pictures, Spaces& spaces, Layout& layout) {
  std::vector<Part> parts;
  std::vector<const Json*> of;
  collect(source, source.root(), {}, parts, of);
  std::vector<int> ranks(parts.size(), -1);  // -1: no numbers
  const auto no_picture = [&](const Part& part) { return std::ranges::find(no_pictures, part.name(), &NoPicture::name); };
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!measure(source, *of[i], called(parts[i], "observation"), parts[i])) continue;
    ranks[i] = no_picture(parts[i]) == no_pictures.end() ? picture_rank(source, *of[i], parts[i]) : 0;
  }
  int pictures = 3;
  for (const int rank : ranks)
    if (rank > 0) pictures = std::min(pictures, rank);
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
        if (part.floats && part.bounded) leave("what is finer than 8 bits, of its numbers from " + range_of(part.greys));
        layout.picture = part;
      }
    } else if (part.count() > max_box) {
      const auto why = no_picture(part);
      leave(part.kind_and_size() + ", more than " + std::to_string(max_box) + " numbers" + (why == no_pictures.end() ? "" : "; " + why->why));
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

/// What choices are called that are made at once: "2", "0,1", "gear 2, lights 0,1".
void add_combinations(const CheckedJson& source, const std::vector<Part>& parts, std::vector<std::string>& names) {
  std::int64_t all = 1;
  for (const auto& part : parts) {
    for (const auto n : part.choices) {
      all = n > static_cast<std::int64_t>(max_choices) ? n : all * n;
      if (all > static_cast<std::int64_t>(max_choices)) source.fail("it has more than " + std::to_string(max_choices) + " combinations of choices");
    }
  }
  for (std::int64_t choice = 0; choice < all; ++choice) {
    std::string name;
    auto rest = choice;
    for (std::size_t i = parts.size(); i-- > 0;) {
      std::string digits;
      for (std::size_t digit = parts[i].choices.size(); digit-- > 0; rest /= parts[i].choices[digit])
        digits = std::to_string(parts[i].starts[digit] + rest % parts[i].choices[digit]) + (digits.empty() ? "" : ",") + digits;
      name = (parts.size() > 1 ? parts[i].name() + " " : "") + digits + (name.empty() ? "" : ", ") + name;
    }
    names.push_back(name);
  }
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
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Part& part = parts[i];
    const auto count = part.count();
    if (part.type == "Box") {
      constexpr float endless = std::numeric_limits<float>::infinity();
      const auto low = bounds(source, *of[i], "low", count, -endless), high = bounds(source, *of[i], "high", count, endless);
      space.low.insert(space.low.end(), low.begin(), low.end());
      space.high.insert(space.high.end(), high.begin(), high.end());
      add_names(part, space.axes);
    } else if (boxes > 0) {
      part.kind = Kind::one_hot;
      if (part.width() > max_one_hot)
        source.fail(called(part, "action") + " has more than " + std::to_string(max_one_hot) + " choices, which beside a Box are an axis each");
      space.low.resize(space.low.size() + part.width(), 0.0f);
      space.high.resize(space.high.size() + part.width(), 1.0f);
      add_names(part, space.axes);
    } else {
      part.kind = Kind::index, part.joined = i + 1 < parts.size();
    }
    if (space.axes.size() > max_numbers) source.fail("there are too many axes");
  }
  if (boxes == 0) add_combinations(source, parts, space.choices);
  space.idle.assign(space.size(), 0.0f);
  for (std::size_t i = 0; i < space.axes.size(); ++i) space.idle[i] = std::clamp(0.0f, std::min(space.low[i], space.high[i]), space.high[i]);
  layout.action = std::move(parts);
}

}  // namespace

void read_foreign_spaces(const std::string& file, const CheckedJson& metadata, const std::vector<NoPicture>& no_pictures, DatasetInfo& info, Layout& layout) {
  const CheckedJson observation(file + ", 'observation_space'", metadata.text(metadata.root(), "observation_space"));
  read_observation(observation, no_pictures, info.spaces, layout);
  const CheckedJson action(file + ", 'action_space'", metadata.text(metadata.root(), "action_space"));
  read_action(action, info.spaces.action, layout);
}

}  // namespace dream::minari
