#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/lab/objects.h"
#include "core/lab/question.h"
#include "core/lab/watched.h"

namespace dream {

/// One way of making pictures: the posterior decoded, or predictions some steps ahead.
struct WorstWay {
  struct Frame {
    Stretches::From from;  // the frame that was made
    double error = 0, middle = 0;
  };
  struct Shown {
    Stretches::From from, begin;  // begin: the last frame that was seen before it was made
    double error = 0;
    torch::Tensor truth, made;  // [C, H, W]
  };
  struct Thing {
    SeenObject what;
    Stretches::From from;
  };
  std::string name, title, verb;
  std::vector<Frame> frames = {};
  std::vector<Shown> worst = {};  // first the worst
  std::vector<Thing> things = {};
  std::int64_t offered = 0, searched = 0;  // frames that were judged, and those in which objects were looked for
  std::vector<double> missed = {}, area = {},
                      middle_missed = {};  // of the foreground: one entry for each searched frame
  std::vector<std::size_t> episode = {};   // of each of those

  /// Kept where it is among the worst: of frames of one episode that are near each other, the worst stands for all.
  void offer(Shown shown);
};

/// Held-out frames, and what a model made of them.
struct WorstSums {
  static constexpr std::int64_t stride = 4;  // frames between two beginnings of a prediction
  static constexpr std::int64_t apart = 8;   // frames of one episode within which one stands for all
  WorstWay seen{"reconstructions", "Worst reconstructions", "reconstructed"},
      next{"next", "Worst predictions of the next frame", "predicted"}, far{"far", "", "imagined"};
  std::int64_t context = 0, ahead = 0;  // `ahead` 0: episodes are too short to predict anything
  torch::Tensor middle;                 // the mean frame
  std::shared_ptr<Background> background;
  torch::Tensor pixel_error;  // Σ of reconstructions [H, W]
  std::int64_t pixel_frames = 0;
  bool paints = true;
  std::size_t episodes = 0;
  // Of models that paint nothing: what the features of a prediction missed, against the posterior's.
  std::vector<WorstWay::Frame> latent;
  // Numbers that the world shows beside its picture, or in its place: what is read from features says of them.
  std::vector<torch::Tensor> features, numbers, far_features, far_numbers;
  std::vector<Stretches::From> rows, far_rows;
};

/// Adds the episodes of `all`, as `from` … `to` of the question.
void measure_worst(Inquiry& inquiry, const Whole& all, WorstSums& sums, double from, double to);

}  // namespace dream
