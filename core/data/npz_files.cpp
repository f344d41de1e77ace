#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "api/error.h"
#include "core/base/npz_parts.h"
#include "core/base/text.h"
#include "core/data/dataset_files.h"
#include "core/data/picture_shape.h"

namespace dream {
namespace {

constexpr std::int64_t most_choices = 4096;
constexpr std::size_t max_vector = 4096;  // numbers of one array that a vector takes
constexpr std::size_t least_picture = 32, least_named_picture = 8;  // pixels of a side, where a picture is none of bytes

/// What arrays are called. Row t holds what was seen, and the action that led there with its reward: the first row's action is
/// none. In Dreamer V3's streams the action is the one that was taken next, and an episode's last row has none.
struct Names {
  const char *action, *reward;
};
constexpr Names dreamer = {"action", "reward"}, rollouts = {"actions", "rewards"};
const std::set<std::string, std::less<>> told_of = {"action",   "actions",     "reward", "rewards",   "discount", "is_first",
                                                   "is_last",  "is_terminal", "reset",  "terminals", "terminal", "stepid",
                                                   "consec",   "episode",     "id"};

bool is_picture_name(std::string_view name) {
  return name == "image" || name == "observations";
}
bool is_small(std::string_view name) {
  return !is_picture_name(name);
}

/// An episode in a file: rows [first, first + rows).
struct Piece {
  std::filesystem::path file;
  std::size_t first = 0, rows = 0;
};

using Arrays = NpzParts;

const NpyArray* find(const Arrays& npz, std::string_view name) {
  const auto found = std::ranges::find(npz.arrays, name, [](const auto& a) -> const std::string& { return a.first; });
  return found == npz.arrays.end() ? nullptr : &found->second;
}

/// As `find`, where it decides something: one that is there and cannot be read is an error.
const NpyArray* decides(const Arrays& npz, std::string_view name) {
  for (const auto& [other, why] : npz.unreadable)
    if (other == name) throw Error(why);
  return find(npz, name);
}

const NpyArray& needed(const Arrays& npz, std::string_view name) {
  decides(npz, name);
  return npz.at(name);
}

/// A chunk of Dreamer V3's stream gives every row a name (embodied/core/replay.py): "id" in 2023, "stepid" since.
bool is_stream(const Arrays& npz) {
  return find(npz, "stepid") || find(npz, "id");
}

std::string at(const Arrays& npz, std::string_view name) {
  return npz.file + ": array '" + std::string(name) + "'";
}

const Names& layout_of(const Arrays& npz) {
  for (const auto* names : {&dreamer, &rollouts})
    if (decides(npz, names->action) && decides(npz, names->reward)) return *names;
  throw Error(npz.file + ": neither 'action' and 'reward' (Dreamer's episodes) nor 'actions' and 'rewards' (rollouts) are in it");
}

std::size_t rows_of(const Arrays& npz) {
  const auto& names = layout_of(npz);
  const auto& reward = npz.at(names.reward);
  if (reward.shape.size() != 1) throw Error(at(npz, names.reward) + " must have one number a row");
  if (npz.at(names.action).shape.empty() || npz.at(names.action).shape[0] < reward.shape[0])
    throw Error(at(npz, names.action) + " has fewer rows than '" + names.reward + "'");
  return reward.shape[0];
}

/// Where an episode begins, by a stream's own word; else the first row alone.
std::vector<Piece> pieces_of(const Arrays& npz, const std::filesystem::path& file) {
  const auto rows = rows_of(npz);
  std::vector<std::size_t> begins = {0};
  if (const auto* first = decides(npz, "is_first")) {
    const auto flags = first->to_floats();
    for (std::size_t t = 1; t < std::min(rows, flags.size()); ++t)
      if (flags[t] != 0) begins.push_back(t);
  }
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < begins.size(); ++i) {
    const auto end = i + 1 < begins.size() ? begins[i + 1] : rows;
    if (end - begins[i] >= 2) pieces.push_back({file, begins[i], end - begins[i]});
  }
  return pieces;
}

/// Whether every action is one of several choices: a one where it is, zeros elsewhere.
bool is_one_hot(const NpyArray& action) {
  if (action.shape.size() != 2 || action.shape[1] < 2) return false;
  const auto values = action.to_floats();
  const auto width = action.shape[1];
  bool any = false;
  for (std::size_t row = 0; row * width < values.size(); ++row) {
    float sum = 0;
    for (std::size_t i = 0; i < width; ++i) {
      const float v = values[row * width + i];
      if (v != 0 && v != 1) return false;
      sum += v;
    }
    if (sum > 1) return false;
    any = any || sum == 1;  // where an episode begins or ends there is no action
  }
  return any;
}

bool is_whole(NpyType type) {
  return type == NpyType::i4 || type == NpyType::i8 || type == NpyType::u1;
}

class NpzFiles : public DatasetFiles {
 public:
  NpzFiles(const std::filesystem::path& path, Damage damage) {
    const bool folder = std::filesystem::is_directory(path);
    std::vector<std::filesystem::path> files;
    if (folder) {
      for (const auto& entry : std::filesystem::directory_iterator(path))
        if (entry.path().extension() == ".npz") files.push_back(entry.path());
      std::ranges::sort(files);
    } else {
      files = {path};
    }
    std::int64_t most_choice = -1;
    for (const auto& file : files) {
      try {
        const auto small = read_npz_parts(file, is_small);
        const auto found = pieces_of(small, file);
        const auto& action = small.at(layout_of(small).action);
        if (info.environment.empty()) learn_spaces(read_npz_parts(file, [](std::string_view) { return true; }), folder ? path : file);
        if (one_hot_ && !is_one_hot(action)) one_hot_ = false;
        if (indexed_)
          for (const float a : action.to_floats()) {
            if (!(a >= 0 && a < static_cast<float>(most_choices)))
              throw Error(at(small, layout_of(small).action) + " holds a choice that is none: they are counted from 0 to " + std::to_string(most_choices - 1));
            most_choice = std::max(most_choice, static_cast<std::int64_t>(a));
          }
        for (const auto& piece : found) {
          names.push_back(file.stem().string() + (found.size() > 1 ? "@" + std::to_string(piece.first) : ""));
          steps += static_cast<std::int64_t>(piece.rows) - 1;
          pieces_.push_back(piece);
        }
      } catch (const Error& error) {
        if (damage == Damage::refuse) throw;
        skipped.emplace_back(error.what());
      }
    }
    if (info.environment.empty() && !skipped.empty() && !folder) throw Error(skipped[0]);
    if (info.environment.empty())
      throw Error("'" + path.string() + "' holds no episode that can be read" +
                  (skipped.empty() ? "" : " in " + std::to_string(skipped.size()) + (skipped.size() == 1 ? " file: " : " files, of which the first: ") + skipped[0]));
    set_actions(most_choice);
  }

  Episode read(std::size_t index) const override {
    const std::lock_guard lock(guard_);
    const auto& piece = pieces_[index];
    if (held_.first != piece.file) held_ = {piece.file, read_npz_parts(piece.file, [&](std::string_view name) { return uses(name); })};  // chunks hold several episodes
    const auto& npz = held_.second;
    const auto& names = layout_of(npz);
    if (rows_of(npz) < piece.first + piece.rows) throw Error(npz.file + " has fewer rows than when it was first read");
    Episode e;
    e.action_size = static_cast<int>(info.spaces.action.size());
    e.vector_size = static_cast<int>(info.spaces.vector_names.size());
    if (picture_) read_pictures(npz, piece, e);
    read_vectors(npz, piece, e);
    read_actions(npz, piece, names, e);
    e.rewards = numbers(npz, names.reward, piece, 1, 1);
    const auto steps_here = piece.rows - 1;
    e.terminated.assign(steps_here, 0), e.truncated.assign(steps_here, 0);
    const bool ended = says(npz, "is_terminal", piece, 1) || says(npz, "terminals", piece, 1) || says(npz, "terminal", piece, 1) ||
                       (!decides(npz, "is_terminal") && says(npz, "discount", piece, 0));
    (ended ? e.terminated : e.truncated).back() = 1;
    return e;
  }

 private:
  void learn_spaces(const Arrays& npz, const std::filesystem::path& path) {
    const auto& names = layout_of(npz);
    const auto rows = rows_of(npz);
    DatasetInfo found;
    auto& spaces = found.spaces;
    std::map<std::string, const NpyArray*> sorted;
    for (const auto& [name, array] : npz.arrays) sorted[name] = &array;
    std::erase_if(sorted, [&](const auto& one) {  // what was measured; what a model remembered
      const auto& [name, array] = one;
      return array->shape.empty() || array->shape[0] != rows || told_of.contains(name) || name.starts_with("log_") || name.find('/') != std::string::npos;
    });
    const auto shape_of = [](const NpyArray& array) { return std::vector<std::uint64_t>(array.shape.begin() + 1, array.shape.end()); };
    const bool bytes = std::ranges::any_of(sorted, [&](const auto& one) { return one.second->type == NpyType::u1 && picture_shape(shape_of(*one.second)); });
    for (const auto& [name, array] : sorted) {
      const auto shape = shape_of(*array);
      const auto pixels = picture_shape(shape);
      std::size_t count = 1;
      for (const auto extent : shape) count *= extent;
      std::optional<Greys> greys;
      std::string why;
      if (pixels && array->type == NpyType::u1) greys = Greys{};
      if (pixels && !bytes && std::min(pixels->height, pixels->width) >= (is_picture_name(name) && shape.size() > 2 ? least_named_picture : least_picture)) {
        greys = greys_of(array->to_floats(), array->type == NpyType::f4 || array->type == NpyType::f8 || array->type == NpyType::b1);
        if (!greys) why = ", and no picture: numbers from 0 to 1, from -1 to 1, or whole ones from 0 to 255 were expected";
      }
      if (greys && picture_) {
        left_out.push_back(name + ": a further picture");
      } else if (greys) {
        picture_ = {name, *pixels, count, *greys};
        spaces.image_height = static_cast<int>(pixels->height), spaces.image_width = static_cast<int>(pixels->width);
        spaces.image_channels = static_cast<int>(pixels->channels);
        if (const auto rest = not_taken(*pixels); !rest.empty()) left_out.push_back(name + ": " + rest);
        if (*greys != Greys{}) left_out.push_back(name + ": what is finer than 8 bits, of its numbers from " + range_of(*greys));
      } else if (count > max_vector) {
        left_out.push_back(name + ": more than " + std::to_string(max_vector) + " numbers" + why);
      } else {
        vectors_.emplace_back(name, count);
        for (std::size_t i = 0; i < count; ++i) spaces.vector_names.push_back(count == 1 ? name : name + " " + std::to_string(i));
      }
    }
    for (const auto& [name, reason] : npz.unreadable)
      if (!told_of.contains(name)) left_out.push_back(name + ": " + reason.substr(std::min(reason.size(), at(npz, name).size() + 2)));
    if (!picture_ && vectors_.empty()) {
      std::string rest;
      for (const auto& text : left_out) rest += (rest.empty() ? " (" : "; ") + text;
      left_out.clear();
      throw Error(npz.file + ": no array beside '" + names.action + "' and '" + names.reward + "' is a picture or numbers, a row for each reward" + (rest.empty() ? "" : rest.substr(0, 300) + ")"));
    }
    const auto& action = npz.at(names.action);
    one_hot_ = is_one_hot(action);
    indexed_ = action.shape.size() == 1 && is_whole(action.type);
    width_ = action.count() / action.shape[0];
    const auto whole = std::filesystem::absolute(path).lexically_normal();
    found.environment = (whole.has_filename() ? whole : whole.parent_path()).stem().string();
    found.policy = "unknown";
    info = std::move(found);
  }

  void set_actions(std::int64_t most_choice) {
    auto& action = info.spaces.action;
    const auto choices = one_hot_ ? static_cast<std::int64_t>(width_) : indexed_ ? most_choice + 1 : 0;
    for (std::int64_t i = 0; i < choices; ++i) action.choices.push_back(std::to_string(i));
    for (std::size_t i = 0; choices == 0 && i < width_; ++i) action.axes.push_back(std::to_string(i));
    constexpr float endless = std::numeric_limits<float>::infinity();
    action.low.assign(action.axes.size(), -endless), action.high.assign(action.axes.size(), endless);
    action.idle.assign(action.size(), 0);
  }

  /// Rows of a piece, of an array of so many numbers a row, without its first or last ones.
  static std::vector<float> numbers(const Arrays& npz, const std::string& name, const Piece& piece, std::size_t width, std::size_t skip,
                                    std::size_t leave = 0) {
    const auto& array = needed(npz, name);
    if (array.shape.empty() || array.shape[0] < piece.first + piece.rows || array.count() != array.shape[0] * width)
      throw Error(at(npz, name) + " must have " + std::to_string(width) + " numbers in each of its rows, and a row for each reward");
    const auto all = array.to_floats();
    std::vector<float> out(all.begin() + static_cast<std::ptrdiff_t>((piece.first + skip) * width),
                           all.begin() + static_cast<std::ptrdiff_t>((piece.first + piece.rows - leave) * width));
    if (!std::ranges::all_of(out, [](float v) { return std::isfinite(v); })) throw Error(at(npz, name) + " holds a number that is not finite");
    return out;
  }

  /// Whether an episode needs the array of this name.
  bool uses(std::string_view name) const {
    return told_of.contains(name) || (picture_ && picture_->name == name) || std::ranges::count(vectors_, name, &std::pair<std::string, std::size_t>::first) > 0;
  }

  static bool says(const Arrays& npz, const char* name, const Piece& piece, float value) {
    const auto* array = decides(npz, name);
    if (!array || array->shape.size() != 1 || array->shape[0] < piece.first + piece.rows) return false;
    return array->to_floats()[piece.first + piece.rows - 1] == value;
  }

  void read_pictures(const Arrays& npz, const Piece& piece, Episode& e) const {
    const auto& array = needed(npz, picture_->name);
    const auto& [name, p, count, greys] = *picture_;
    const auto own = array.shape.empty() ? std::nullopt : picture_shape({array.shape.begin() + 1, array.shape.end()});
    if (!own || *own != p || array.shape[0] < piece.first + piece.rows || array.count() != array.shape[0] * count)
      throw Error(at(npz, name) + " holds pictures of another shape than the first file's");
    e.height = info.spaces.image_height, e.width = info.spaces.image_width, e.channels = info.spaces.image_channels;
    e.frames.resize(piece.rows * e.frame_bytes());
    const auto take = [&](const auto* values, const auto& convert) {
      for (std::size_t t = 0; t < piece.rows; ++t)
        take_pixels(values + (piece.first + t) * count, p, e.frames.data() + t * e.frame_bytes(), convert);
    };
    if (array.type == NpyType::u1 && greys == Greys{})
      return take(array.view<std::uint8_t>(name).data(), [](std::uint8_t v) { return v; });
    const auto values = array.to_floats();
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(piece.first * count), end = begin + static_cast<std::ptrdiff_t>(piece.rows * count);
    const auto outside = std::find_if(begin, end, [&](float v) { return !(v >= greys.black && v <= greys.white); });
    if (outside != end)
      throw Error(at(npz, name) + " holds " + number_text(double{*outside}) + ", and a picture's numbers from " + range_of(greys) + " were expected, as in the first file");
    take(values.data(), [&](float v) { return static_cast<std::uint8_t>(std::lround((v - greys.black) * 255 / (greys.white - greys.black))); });
  }

  void read_vectors(const Arrays& npz, const Piece& piece, Episode& e) const {
    e.vectors.resize(piece.rows * static_cast<std::size_t>(e.vector_size));
    std::size_t before = 0;
    for (const auto& [name, width] : vectors_) {
      const auto values = numbers(npz, name, piece, width, 0);
      for (std::size_t t = 0; t < piece.rows; ++t)
        std::copy_n(values.data() + t * width, width, e.vectors.data() + t * static_cast<std::size_t>(e.vector_size) + before);
      before += width;
    }
  }

  void read_actions(const Arrays& npz, const Piece& piece, const Names& names, Episode& e) const {
    const std::size_t ahead = is_stream(npz) ? 1 : 0;
    e.actions = numbers(npz, names.action, piece, width_, 1 - ahead, ahead);
    if (!one_hot_) return;
    std::vector<float> chosen;
    for (std::size_t row = 0; row * width_ < e.actions.size(); ++row) {
      const auto* from = e.actions.data() + row * width_;
      chosen.push_back(static_cast<float>(std::max_element(from, from + width_) - from));
    }
    e.actions = std::move(chosen);
  }

  struct Picture {
    std::string name;
    PictureShape pixels;
    std::size_t count;  // numbers of one as it is stored
    Greys greys;
  };
  std::vector<Piece> pieces_;
  std::optional<Picture> picture_;
  std::vector<std::pair<std::string, std::size_t>> vectors_;  // by name, with their numbers a row
  bool one_hot_ = false, indexed_ = false;
  std::size_t width_ = 1;  // numbers of an action as it is stored
  mutable std::mutex guard_;
  mutable std::pair<std::filesystem::path, Arrays> held_;  // the last file that was read
};

}  // namespace

bool is_npz(const std::filesystem::path& path) {
  std::error_code code;
  if (path.extension() == ".npz") return std::filesystem::is_regular_file(path, code);
  if (!std::filesystem::is_directory(path, code)) return false;
  std::filesystem::directory_iterator entry(path, code), end;
  return std::any_of(entry, end, [](const auto& e) { return e.path().extension() == ".npz"; });
}

std::unique_ptr<DatasetFiles> open_npz(const std::filesystem::path& path, Damage damage) {
  return std::make_unique<NpzFiles>(path, damage);
}

}  // namespace dream
