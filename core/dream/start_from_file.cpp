#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/data/dataset.h"
#include "core/data/encoded_image.h"
#include "core/data/minari.h"
#include "core/dream/start.h"
#include "core/env/resizer.h"

namespace dream {
namespace {

constexpr std::uintmax_t largest_picture = std::uintmax_t{256} << 20;  // bytes of the file

template <typename Element>
torch::Tensor piece(const std::vector<Element>& all, std::size_t index, torch::IntArrayRef shape, torch::Dtype type) {
  auto tensor = torch::empty(shape, type);
  const auto size = static_cast<std::size_t>(tensor.numel());
  std::memcpy(tensor.data_ptr(), all.data() + index * size, size * sizeof(Element));
  return tensor;
}

class Clip : public StartSource {
 public:
  explicit Clip(const std::string& path) : path_(path), episodes_(path) {
    if (episodes_.episodes() == 0) throw Error(path + ": this dataset holds no episode to begin a dream with");
  }
  std::string name() const override { return "clip " + path_; }

  Start next(std::uint64_t seed, const Stage& stage) override {
    const auto& spaces = stage.env.spaces();
    const auto episode = episodes_.read(static_cast<std::size_t>((seed - 1) % episodes_.episodes()));
    check(episode, spaces);
    const auto axes = static_cast<std::int64_t>(spaces.action.size());
    const auto steps =
        static_cast<std::size_t>(std::min<std::int64_t>(most_watched, static_cast<std::int64_t>(episode.length() / 2)));
    Start start;
    start.seed = seed;
    for (std::size_t t = 0; t <= steps; ++t) {
      Moment moment;
      moment.first = t == 0;
      if (spaces.image_bytes() > 0)
        moment.seen.image =
            piece(episode.frames, t, {1, episode.height, episode.width, episode.channels}, torch::kUInt8);
      if (episode.vector_size > 0)
        moment.seen.vector = piece(episode.vectors, t, {1, episode.vector_size}, torch::kFloat32);
      // A model with actions of its own finds them in the frames.
      moment.action = t == 0 || !stage.shares_actions() ? torch::zeros_like(stage.idle())
                                                        : piece(episode.actions, t - 1, {1, axes}, torch::kFloat32);
      start.watched.push_back(std::move(moment));
    }
    stage.see_all(start);
    return start;
  }

 private:
  void check(const Episode& episode, const Spaces& spaces) const {
    const auto refuse = [&](const std::string& has, const std::string& wants) {
      throw Error(path_ + ": its episodes have " + has + ", and this model sees " + wants +
                  "; take a clip that was collected for it");
    };
    const auto size = [](int h, int w, int c) {
      return std::to_string(h) + " x " + std::to_string(w) + " x " + std::to_string(c);
    };
    if (episode.height != spaces.image_height || episode.width != spaces.image_width ||
        episode.channels != spaces.image_channels) {
      refuse("pictures of " + size(episode.height, episode.width, episode.channels),
             size(spaces.image_height, spaces.image_width, spaces.image_channels));
    }
    if (episode.vector_size != static_cast<int>(spaces.vector_names.size()))
      refuse(std::to_string(episode.vector_size) + " numbers a frame", std::to_string(spaces.vector_names.size()));
    if (episode.action_size != static_cast<int>(spaces.action.size()))
      throw Error(path_ + ": its actions have " + std::to_string(episode.action_size) + " values, this world's " +
                  std::to_string(spaces.action.size()));
  }

  std::string path_;
  Dataset episodes_;
};

class Picture : public StartSource {
 public:
  explicit Picture(const std::string& path) : path_(path) {
    std::error_code failed;
    const auto bytes = std::filesystem::file_size(path, failed);
    if (failed) throw Error(path + ": cannot be read: " + reason_of(failed.value()));
    if (bytes > largest_picture) throw Error(path + ": is too large for a picture");
    file_.resize(bytes);
    std::ifstream in(path, std::ios::binary);
    if (!in.read(reinterpret_cast<char*>(file_.data()), static_cast<std::streamsize>(bytes)))
      throw Error(path + ": cannot be read");
    if (!image_size(file_, width_, height_))
      throw Error(path + ": is no picture that can be read; a PNG, JPEG or BMP, or a dataset's folder, was expected");
  }
  std::string name() const override { return "picture " + path_; }

  Start next(std::uint64_t seed, const Stage& stage) override {
    const auto& spaces = stage.env.spaces();
    if (spaces.image_bytes() == 0) throw Error(path_ + ": this model sees no pictures, so it cannot begin with one");
    if (!spaces.vector_names.empty())
      throw Error(path_ + ": this model also sees numbers (" + spaces.vector_names.front() +
                  " …), which a picture does not tell; begin with a clip");
    Start start;
    start.seed = seed;
    Moment moment;
    moment.first = true;
    moment.action = torch::zeros_like(stage.idle());
    moment.seen.image = of_size(spaces);
    start.watched.push_back(std::move(moment));
    stage.see_all(start);
    return start;
  }

  /// Its middle, as this world's pictures are: uint8 [1, H, W, C].
  torch::Tensor of_size(const Spaces& spaces) const {
    const int channels = spaces.image_channels;
    if (channels != 1 && channels != 3)
      throw Error(path_ + ": this model's frames are no pictures of one or three channels");
    std::vector<std::uint8_t> whole(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_) *
                                    static_cast<std::size_t>(channels));
    if (const auto wrong = decode_image(file_, width_, height_, channels, whole); !wrong.empty())
      throw Error(path_ + ": " + wrong);
    // The middle, in the proportions of the model's frames.
    const int width = std::min(width_, std::max(1, height_ * spaces.image_width / spaces.image_height));
    const int height = std::min(height_, std::max(1, width * spaces.image_height / spaces.image_width));
    const auto first = (static_cast<std::size_t>(height_ - height) / 2 * static_cast<std::size_t>(width_) +
                        static_cast<std::size_t>(width_ - width) / 2) *
                       static_cast<std::size_t>(channels);
    auto image = torch::empty({1, spaces.image_height, spaces.image_width, channels}, torch::kUInt8);
    Resizer resize(height, width, channels, spaces.image_height, spaces.image_width);
    resize(whole.data() + first, width_, image.data_ptr<std::uint8_t>());
    return image;
  }

 private:
  std::string path_;
  std::vector<std::uint8_t> file_;
  int width_ = 0, height_ = 0;
};

}  // namespace

bool is_start(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return std::filesystem::is_regular_file(minari::main_file(path), ignored) &&
           !std::filesystem::exists(path / "checkpoint.safetensors", ignored);
  std::string head(8, '\0');
  if (!std::ifstream(path, std::ios::binary).read(head.data(), static_cast<std::streamsize>(head.size()))) return false;
  return head == "\x89PNG\r\n\x1a\n" || head.starts_with("\xff\xd8\xff") || head.starts_with("BM");
}

torch::Tensor picture_from_file(const std::string& path, const Spaces& spaces) {
  return Picture(path).of_size(spaces);
}

std::unique_ptr<StartSource> start_from_file(const std::string& path) {
  if (std::filesystem::is_directory(path)) return std::make_unique<Clip>(path);
  return std::make_unique<Picture>(path);
}

}  // namespace dream
