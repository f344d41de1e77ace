#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "api/error.h"
#include "core/base/npy.h"
#include "core/data/dataset_files.h"
#include "core/data/picture_shape.h"

namespace dream {
namespace {

constexpr std::int64_t most_choices = 4096;
constexpr std::size_t max_vector = 4096;  // numbers of one array that a vector takes

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

const NpyArray* find(const Npz& npz, std::string_view name) {
  const auto found = std::ranges::find(npz.arrays, name, [](const auto& a) -> const std::string& { return a.first; });
  return found == npz.arrays.end() ? nullptr : &found->second;
}

/// A chunk of Dreamer V3's stream gives every row a name (embodied/core/replay.py): "id" in 2023, "stepid" since.
bool is_stream(const Npz& npz) {
  return find(npz, "stepid") || find(npz, "id");
}

std::string at(const Npz& npz, std::string_view name) {
  return npz.file + ": array '" + std::string(name) + "'";
}

const Names& layout_of(const Npz& npz) {
  for (const auto* names : {&dreamer, &rollouts})
    if (find(npz, names->action) && find(npz, names->reward)) return *names;
  throw Error(npz.file + ": neither 'action' and 'reward' (Dreamer's episodes) nor 'actions' and 'rewards' (rollouts) are in it");
}

std::size_t rows_of(const Npz& npz) {
  const auto& names = layout_of(npz);
  const auto& reward = npz.at(names.reward);
  if (reward.shape.size() != 1) throw Error(at(npz, names.reward) + " must have one number a row");
  if (npz.at(names.action).shape.empty() || npz.at(names.action).shape[0] < reward.shape[0])
    throw Error(at(npz, names.action) + " has fewer rows than '" + names.reward + "'");
  return reward.shape[0];
}

/// Where an episode begins, by a stream's own word; else the first row alone.
std::vector<Piece> pieces_of(const Npz& npz, const std::filesystem::path& file) {
  const auto rows = rows_of(npz);
  std::vector<std::size_t> begins = {0};
  if (const auto* first = find(npz, "is_first")) {
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
        const auto small = read_npz(file, is_small);
        const auto found = pieces_of(small, file);
        const auto& action = small.at(layout_of(small).action);
        if (info.environment.empty()) learn_spaces(read_npz(file, [](std::string_view) { return true; }), folder ? path : file);
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
    if (info.environment.empty()) throw Error("'" + path.string() + "' holds no episode that can be read");
    set_actions(most_choice);
  }

  Episode read(std::size_t index) const override {
    const std::lock_guard lock(guard_);
    const auto& piece = pieces_[index];
    if (held_.first != piece.file) held_ = {piece.file, read_npz(piece.file)};  // chunks hold several episodes
    const Npz& npz = held_.second;
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
                       (!find(npz, "is_terminal") && says(npz, "discount", piece, 0));
    (ended ? e.terminated : e.truncated).back() = 1;
    return e;
  }

 private:
  void learn_spaces(const Npz& npz, const std::filesystem::path& path) {
    const auto& names = layout_of(npz);
    const auto rows = rows_of(npz);
    DatasetInfo found;
    auto& spaces = found.spaces;
    std::map<std::string, const NpyArray*> sorted;
    for (const auto& [name, array] : npz.arrays) sorted[name] = &array;
    for (const auto& [name, array] : sorted) {
      if (array->shape.empty() || array->shape[0] != rows || told_of.contains(name)) continue;
      if (name.starts_with("log_") || name.find('/') != std::string::npos) continue;  // what was measured; what a model remembered
      const std::vector<std::uint64_t> shape(array->shape.begin() + 1, array->shape.end());
      const auto pixels = picture_shape(shape);
      std::size_t count = 1;
      for (const auto extent : shape) count *= extent;
      if (array->type == NpyType::u1 && pixels) {
        if (picture_) {
          left_out.push_back(name + ": a further picture");
          continue;
        }
        picture_ = {name, *pixels, count};
        spaces.image_height = static_cast<int>(pixels->height), spaces.image_width = static_cast<int>(pixels->width);
        spaces.image_channels = static_cast<int>(pixels->channels);
      } else if (count > max_vector) {
        left_out.push_back(name + ": more than " + std::to_string(max_vector) + " numbers");
      } else {
        vectors_.emplace_back(name, count);
        for (std::size_t i = 0; i < count; ++i) spaces.vector_names.push_back(count == 1 ? name : name + " " + std::to_string(i));
      }
    }
    if (!picture_ && vectors_.empty()) throw Error(npz.file + ": no array beside '" + names.action + "' and '" + names.reward + "' is a picture or numbers, a row for each reward");
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
  static std::vector<float> numbers(const Npz& npz, const std::string& name, const Piece& piece, std::size_t width, std::size_t skip,
                                    std::size_t leave = 0) {
    const auto& array = npz.at(name);
    if (array.shape.empty() || array.shape[0] < piece.first + piece.rows || array.count() != array.shape[0] * width)
      throw Error(at(npz, name) + " must have " + std::to_string(width) + " numbers in each of its rows, and a row for each reward");
    const auto all = array.to_floats();
    std::vector<float> out(all.begin() + static_cast<std::ptrdiff_t>((piece.first + skip) * width),
                           all.begin() + static_cast<std::ptrdiff_t>((piece.first + piece.rows - leave) * width));
    if (!std::ranges::all_of(out, [](float v) { return std::isfinite(v); })) throw Error(at(npz, name) + " holds a number that is not finite");
    return out;
  }

  static bool says(const Npz& npz, const char* name, const Piece& piece, float value) {
    const auto* array = find(npz, name);
    if (!array || array->shape.size() != 1 || array->shape[0] < piece.first + piece.rows) return false;
    return array->to_floats()[piece.first + piece.rows - 1] == value;
  }

  void read_pictures(const Npz& npz, const Piece& piece, Episode& e) const {
    const auto& array = npz.at(picture_->name);
    const auto& p = picture_->pixels;
    const auto own = array.shape.empty() ? std::nullopt : picture_shape({array.shape.begin() + 1, array.shape.end()});
    if (array.type != NpyType::u1 || !own || *own != p || array.shape[0] < piece.first + piece.rows ||
        array.count() != array.shape[0] * picture_->count)
      throw Error(at(npz, picture_->name) + " holds pictures of another shape than the first file's");
    e.height = info.spaces.image_height, e.width = info.spaces.image_width, e.channels = info.spaces.image_channels;
    e.frames.resize(piece.rows * e.frame_bytes());
    const auto values = array.view<std::uint8_t>(picture_->name);
    for (std::size_t t = 0; t < piece.rows; ++t)
      take_pixels(values.data() + (piece.first + t) * picture_->count, p, e.frames.data() + t * e.frame_bytes(), [](std::uint8_t v) { return v; });
  }

  void read_vectors(const Npz& npz, const Piece& piece, Episode& e) const {
    e.vectors.resize(piece.rows * static_cast<std::size_t>(e.vector_size));
    std::size_t before = 0;
    for (const auto& [name, width] : vectors_) {
      const auto values = numbers(npz, name, piece, width, 0);
      for (std::size_t t = 0; t < piece.rows; ++t)
        std::copy_n(values.data() + t * width, width, e.vectors.data() + t * static_cast<std::size_t>(e.vector_size) + before);
      before += width;
    }
  }

  void read_actions(const Npz& npz, const Piece& piece, const Names& names, Episode& e) const {
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
  };
  std::vector<Piece> pieces_;
  std::optional<Picture> picture_;
  std::vector<std::pair<std::string, std::size_t>> vectors_;  // by name, with their numbers a row
  bool one_hot_ = false, indexed_ = false;
  std::size_t width_ = 1;  // numbers of an action as it is stored
  mutable std::mutex guard_;
  mutable std::pair<std::filesystem::path, Npz> held_;  // the last file that was read
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
