// What the planner by Diffusion Forcing shows of its thinking.
#include <algorithm>
#include <cmath>

#include "core/behaviours/forcing_planner.h"
#include "core/env/paint.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr int planner_enlarged = 4;            // times the observation's picture
constexpr std::int64_t planner_shown_rows = 8;  // of the denoising, the finished plan among them

/// So many rows of `rows` [R, ...], evenly, the last one last.
torch::Tensor planner_some(const torch::Tensor& rows) {
  const auto count = std::min(planner_shown_rows, rows.size(0));
  return rows.index_select(0, torch::linspace(0, static_cast<double>(rows.size(0) - 1), count).round().to(torch::kInt64));
}

paint::Colour planner_mixed(paint::Colour from, paint::Colour to, double share) {
  const auto mix = [&](std::uint8_t a, std::uint8_t b) { return static_cast<std::uint8_t>(std::lround(a + (b - a) * share)); };
  return {mix(from.red, to.red), mix(from.green, to.green), mix(from.blue, to.blue)};
}

}  // namespace

/// The picture [H, W, C] that the world shows, larger, under the plans of `path` [R, H, 2], the last one on top.
Image ForcingPlanner::picture_of(const torch::Tensor& image, const torch::Tensor& path) const {
  auto picture = image_from(image.repeat_interleave(planner_enlarged, 0).repeat_interleave(planner_enlarged, 1));
  paint::Canvas canvas(picture.width, picture.height, picture.pixels);
  const auto points = floats(path);
  const auto steps = static_cast<std::size_t>(path.size(1));
  const auto at = [&](std::size_t point) {
    return std::pair{static_cast<float>(places_->x_at + places_->x_scale * static_cast<double>(points[2 * point])),
                     static_cast<float>(places_->y_at + places_->y_scale * static_cast<double>(points[2 * point + 1]))};
  };
  for (std::int64_t row = 0; row < path.size(0); ++row) {
    const bool last = row + 1 == path.size(0);
    const auto share = static_cast<double>(row + 1) / static_cast<double>(path.size(0));
    const auto colour = last ? paint::kRose : planner_mixed(paint::kRaised, paint::kSky, share);
    for (std::size_t t = 0; t + 1 < steps; ++t) {
      const auto [x0, y0] = at(static_cast<std::size_t>(row) * steps + t);
      const auto [x1, y1] = at(static_cast<std::size_t>(row) * steps + t + 1);
      canvas.line(x0, y0, x1, y1, last ? 0.007f : 0.003f, colour);
    }
  }
  return picture;
}

void ForcingPlanner::report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator) {
  if (std::ranges::none_of(probe_names(), [&](const auto& name) { return sink.wants(name); })) return;
  const auto found = memory.find("plan");
  if (found == memory.end()) return;
  const torch::NoGradGuard no_grad;
  const auto at = memory.at("at")[0][0].item<std::int64_t>();
  const bool known = thought_.plan.defined() && found->second.is_same(thought_.plan);
  const auto way = known ? thought_.way : way_of(seen.knobs);
  if (sink.wants("noise/matrix"))
    sink.put("noise/matrix", "Scheduling matrix", "Steps that each token of the plan (across) has still to go, row by row from the top: its noise",
             heatmap_from(noise_matrix(way.steps, options_.tokens, way.lag).to(torch::kFloat32), static_cast<int>(options_.tokens), 0,
                          static_cast<float>(way.steps), false));
  if (at > horizon()) return;
  if (at == horizon() && found->second[0].abs().sum().item<float>() == 0) return;  // nothing was planned yet
  const auto rows = known ? planner_some(thought_.rows.to(torch::kCPU)) : found->second.slice(0, 0, 1).to(torch::kCPU);
  const auto plan = rows[-1];
  const auto numbers = static_cast<std::int64_t>(seen_names_.size());

  const auto& image = seen.observation.image;
  if (sink.wants("plan/picture") && places_ && image.defined())
    sink.put("plan/picture", "The plan",
             "Where it means to go, over what the world shows: the plan in rose, and in blue what it looked like while it lost its noise",
             picture_of(image[0].to(torch::kCPU), rows.slice(2, 0, 2)));
  if (sink.wants("plan/path")) {
    Points value;
    value.x = floats(plan.select(1, 0)), value.y = floats(plan.select(1, 1));
    value.x_label = seen_names_[0], value.y_label = seen_names_[1];
    Points::Colour step{"step", "", {}}, ahead{"still to come", "", {}};
    for (std::int64_t t = 0; t < horizon(); ++t)
      step.values.push_back(static_cast<float>(t + 1)), ahead.values.push_back(t >= at ? 1.0f : 0.0f);
    value.colours = {step, ahead};
    for (std::int64_t i = 2; i < numbers; ++i) value.colours.push_back({seen_names_[static_cast<std::size_t>(i)], "", floats(plan.select(1, i))});
    sink.put("plan/path", "The plan's places", "Where it means to be after every step of the plan", std::move(value));
  }
  if (!sink.wants("plan/actions")) return;
  // Each axis in [-1, 1], as the viewer has it.
  const auto low = torch::tensor(space_.low), high = torch::tensor(space_.high);
  const auto shown = ((rows.slice(2, numbers) - low) / (high - low) * 2 - 1).clamp(-2, 2);
  Trajectories value;
  value.count = static_cast<int>(shown.size(0)), value.steps = static_cast<int>(shown.size(1)), value.axes = static_cast<int>(shown.size(2));
  value.actions = floats(shown), value.chosen = floats(shown[-1]), value.labels = space_.axes;
  value.elite.assign(static_cast<std::size_t>(value.count), 0), value.elite.back() = 1;
  const auto goal = memory.at("goal")[0].to(torch::kCPU);
  value.scores = floats(-(rows.slice(2, 0, 2) - goal).square().sum(2).sqrt().mean(1));  // less than 0: how far it is from the goal, on average
  sink.put("plan/actions", "Planned actions",
           "What it means to do, each axis in [-1, 1], and what that looked like while it lost its noise; the score is the mean distance to the goal, "
           "as a loss",
           std::move(value));
}

}  // namespace dream
