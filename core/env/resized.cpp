#include "core/env/resized.h"

#include "api/error.h"

namespace dream {

ResizedEnv::ResizedEnv(std::unique_ptr<Env> inner, int rows, int height, int width)
    : inner_(std::move(inner)), spaces_(inner_->spaces()), rows_(rows == 0 ? spaces_.image_height : rows) {
  if (spaces_.image_bytes() == 0) throw Error("this environment has no picture to resize; this recipe needs one");
  if (rows_ > spaces_.image_height) {
    throw Error("cannot keep " + std::to_string(rows_) + " rows of a picture that has " +
                std::to_string(spaces_.image_height));
  }
  resize_.emplace(rows_, spaces_.image_width, spaces_.image_channels, height, width);
  source_.resize(spaces_.image_bytes());
  spaces_.image_height = height;
  spaces_.image_width = width;
}

void ResizedEnv::observe_image(std::span<std::uint8_t> out) {
  inner_->observe_image(source_);
  (*resize_)(source_.data(), inner_->spaces().image_width, out.data());
}

void ResizedEnv::observe_goal(std::span<std::uint8_t> out) {
  inner_->observe_goal(source_);
  (*resize_)(source_.data(), inner_->spaces().image_width, out.data());
}

}  // namespace dream
