#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "api/snapshot.h"

namespace dream::ui {

/// The value below which `share` of the values lie (nearest rank); 0 for none.
float percentile(std::vector<float> values, double share);

/// What a session at the window measured: how evenly it drew, whether the dream kept its pace, how fast the training
/// went meanwhile.
class Report {
 public:
  static constexpr double warm_up = 2;  // seconds that are not counted: fonts, layouts and first pictures are made then

  /// Once a frame: when its work began and when its picture had been handed over, platform seconds.
  void frame(const Snapshot& snapshot, double begin, double end);
  void key(float ms) { keys_.push_back(ms); }  // from a driving key to the picture that answers it

  /// Times in milliseconds, rates in what their unit says.
  std::string json() const;

 private:
  struct Trained {
    std::string phase, unit;
    double seconds = 0, amount = 0;  // amount: in the rate's unit times seconds
  };
  double opened_ = -1, since_ = 0, last_ = 0;
  std::vector<float> keys_;
  std::vector<float> frames_, work_;  // from picture to picture; of that, the window's own work
  float wanted_ = 0;
  std::int64_t step_ = 0, steps_ = 0, steps_before_ = 0;
  double second_began_ = 0, slowest_ = -1;  // slowest_: dream steps in the worst whole second
  std::vector<Trained> trained_;
};

}  // namespace dream::ui
