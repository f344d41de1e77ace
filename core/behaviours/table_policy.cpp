#include "core/behaviours/table_policy.h"

#include <algorithm>
#include <cmath>

#include "core/env/paint.h"
#include "core/models/table_model.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr int cell_pixels = 40;

/// From the ground's colour through blue to amber.
paint::Colour shade(double share) {
  const auto mix = [](paint::Colour from, paint::Colour to, double by) {
    const auto one = [by](int a, int b) { return static_cast<std::uint8_t>(std::lround(a + (b - a) * by)); };
    return paint::Colour{one(from.red, to.red), one(from.green, to.green), one(from.blue, to.blue)};
  };
  constexpr paint::Colour middle{58, 110, 165};
  return share < 0.5 ? mix(paint::kGround, middle, 2 * share) : mix(middle, paint::kAmber, 2 * share - 1);
}

}  // namespace

TablePolicy::TablePolicy(std::int64_t states, std::int64_t columns, const ActionSpace& space)
    : space_(space), columns_(columns),
      q_(register_buffer("q", torch::zeros({states, static_cast<std::int64_t>(space.choices.size())},
                                           torch::kFloat64))) {}

torch::Tensor TablePolicy::of(const Seen& seen) const {
  return seen.features().to(torch::kFloat64).matmul(q_);
}

Decision TablePolicy::decide(const Seen& seen, const Carry&, Mode mode, at::Generator rng) {
  const auto values = of(seen);
  const auto lanes = values.size(0), choices = values.size(1);
  // Whether to try something, what, and which of the best.
  const auto chance = torch::rand({lanes, 3}, rng, torch::kFloat64);
  const auto tries = mode == Mode::collect ? chance.select(1, 0) < epsilon_ : torch::zeros({lanes}, torch::kBool);
  const auto any = (chance.select(1, 1) * choices).floor().to(torch::kInt64);
  const auto best = values == values.amax(1, true);
  const auto wanted = (chance.select(1, 2) * best.sum(1)).floor().to(torch::kInt64) + 1;
  const auto greedy = (best.cumsum(1) == wanted.unsqueeze(1)).to(torch::kInt64).argmax(1);
  return {torch::where(tries, any, greedy).to(torch::kFloat32).unsqueeze(1)};
}

torch::Tensor TablePolicy::value(const Seen& seen) {
  return of(seen).amax(1).to(torch::kFloat32);
}

void TablePolicy::report(const Seen& seen, const Carry&, ProbeSink& sink, at::Generator) {
  if (sink.wants("table/values")) {
    sink.put("table/values", "Value of every state", "max_a Q(s, a): the discounted return that greedy steps are expected to bring",
             heatmap_of_states(q_.amax(1), columns_));
  }
  if (sink.wants("table/policy") && columns_ > 0) {
    sink.put("table/policy", "Greedy policy", "Where the best action of every state leads; none where nothing is known yet",
             arrows(seen.features()[0].argmax().item<std::int64_t>()));
  }
  if (sink.wants("table/actions")) {
    Vector value;
    value.values = floats(of(seen)[0]);
    value.labels = space_.choices;
    sink.put("table/actions", "Q here", "Q(s, a) of every action in this state", std::move(value));
  }
}

/// Values as colours, the best actions as arrows, for actions that are called by where they lead.
Image TablePolicy::arrows(std::int64_t here) const {
  const auto states = q_.size(0), choices = q_.size(1), rows = (states + columns_ - 1) / columns_;
  Image image;
  image.width = static_cast<int>(columns_) * cell_pixels, image.height = static_cast<int>(rows) * cell_pixels;
  image.pixels.resize(static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) * 3);
  const double most = std::max(1e-9, q_.max().item<double>());
  std::vector<std::uint8_t> cell(cell_pixels * cell_pixels * 3);
  for (std::int64_t state = 0; state < states; ++state) {
    const double* q = q_.const_data_ptr<double>() + state * choices;
    const double best = *std::max_element(q, q + choices);
    paint::Canvas canvas(cell_pixels, cell_pixels, cell);
    canvas.clear(paint::kNight);
    canvas.rectangle(0.025f, 0.025f, 0.975f, 0.975f, shade(std::clamp(best / most, 0.0, 1.0)));
    if (state == here) canvas.ring(0.5f, 0.5f, 0.42f, 0.03f, paint::kChalk);
    for (std::int64_t choice = 0; choice < choices && best > 0; ++choice) {
      if (q[choice] < best) continue;
      const auto& name = space_.choices[static_cast<std::size_t>(choice)];
      const float dx = name == "left" ? -1.0f : name == "right" ? 1.0f : 0.0f;
      const float dy = name == "up" ? -1.0f : name == "down" ? 1.0f : 0.0f;
      if (dx == 0 && dy == 0) continue;
      canvas.triangle(0.5f + 0.34f * dx, 0.5f + 0.34f * dy, 0.5f + 0.1f * dx + 0.16f * dy, 0.5f + 0.1f * dy + 0.16f * dx,
                      0.5f + 0.1f * dx - 0.16f * dy, 0.5f + 0.1f * dy - 0.16f * dx, paint::kChalk);
    }
    const auto left = static_cast<std::size_t>(state % columns_) * cell_pixels;
    const auto top = static_cast<std::size_t>(state / columns_) * cell_pixels;
    for (std::size_t y = 0; y < cell_pixels; ++y) {
      std::copy_n(cell.begin() + static_cast<std::ptrdiff_t>(y * cell_pixels * 3), cell_pixels * 3,
                  image.pixels.begin() +
                      static_cast<std::ptrdiff_t>(((top + y) * static_cast<std::size_t>(image.width) + left) * 3));
    }
  }
  return image;
}

}  // namespace dream
