#include "ui/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

namespace dream::ui {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) continue;
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string figure(double value) {
  char out[40];
  std::snprintf(out, sizeof out, "%.2f", std::isfinite(value) ? value : 0.0);
  return out;
}

std::string times(const std::vector<float>& ms) {
  const float longest = ms.empty() ? 0 : *std::max_element(ms.begin(), ms.end());
  return "{\"p50\": " + figure(percentile(ms, 0.5)) + ", \"p90\": " + figure(percentile(ms, 0.9)) +
         ", \"p99\": " + figure(percentile(ms, 0.99)) + ", \"max\": " + figure(longest) + "}";
}

}  // namespace

float percentile(std::vector<float> values, double share) {
  if (values.empty()) return 0;
  const auto rank = static_cast<std::ptrdiff_t>(std::ceil(share * static_cast<double>(values.size()))) - 1;
  const auto nth = values.begin() + std::clamp<std::ptrdiff_t>(rank, 0, std::ssize(values) - 1);
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

void Report::frame(const Snapshot& snapshot, double begin, double end) {
  const DreamView& dream = *snapshot.dream;
  if (opened_ < 0) opened_ = begin;
  if (begin - opened_ < warm_up || last_ == 0) {
    since_ = last_ = second_began_ = end;
    step_ = dream.step;
    return;
  }
  const double elapsed = end - last_;
  last_ = end;
  frames_.push_back(static_cast<float>(elapsed * 1e3));
  work_.push_back(static_cast<float>((end - begin) * 1e3));

  wanted_ = dream.steps_per_second;
  steps_ += std::max<std::int64_t>(dream.step - step_, 0);  // a restart counts from its own beginning
  step_ = dream.step;
  if (end - second_began_ >= 1) {
    const double rate = static_cast<double>(steps_ - steps_before_) / (end - second_began_);
    slowest_ = slowest_ < 0 ? rate : std::min(slowest_, rate);
    second_began_ = end;
    steps_before_ = steps_;
  }
  for (const PhaseView& phase : snapshot.train->phases) {
    if (phase.state != PhaseView::State::running || phase.rate <= 0) continue;
    auto of = std::find_if(trained_.begin(), trained_.end(), [&](const Trained& t) { return t.phase == phase.name; });
    if (of == trained_.end()) of = trained_.insert(of, {phase.name, phase.rate_unit});
    of->seconds += elapsed;
    of->amount += elapsed * phase.rate;
  }
}

std::string Report::json() const {
  const double seconds = last_ - since_;
  std::ostringstream out;
  out << "{\n  \"seconds\": " << figure(seconds) << ",\n  \"frames\": " << frames_.size()
      << ",\n  \"frames_per_second\": " << figure(seconds > 0 ? static_cast<double>(frames_.size()) / seconds : 0)
      << ",\n  \"frame_ms\": " << times(frames_) << ",\n  \"work_ms\": " << times(work_)
      << ",\n  \"dream_steps_per_second\": {\"wanted\": " << figure(static_cast<double>(wanted_))
      << ", \"measured\": " << figure(seconds > 0 ? static_cast<double>(steps_) / seconds : 0)
      << ", \"slowest_second\": " << figure(std::max(slowest_, 0.0)) << "},\n  \"keys\": " << keys_.size()
      << ",\n  \"key_to_pixel_ms\": " << times(keys_) << ",\n  \"training\": [";
  for (const Trained& phase : trained_)
    out << (&phase == trained_.data() ? "" : ",") << "\n    {\"phase\": " << quoted(phase.phase)
        << ", \"rate\": " << figure(phase.amount / phase.seconds) << ", \"unit\": " << quoted(phase.unit)
        << ", \"seconds\": " << figure(phase.seconds) << "}";
  out << (trained_.empty() ? "]\n}\n" : "\n  ]\n}\n");
  return out.str();
}

}  // namespace dream::ui
