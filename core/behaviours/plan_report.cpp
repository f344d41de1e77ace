// What a planner shows of its thinking.
#include <algorithm>

#include "core/behaviours/planner.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t most_ghosts = 16;  // that are decoded of a kind

/// Pictures [N, C, H, W] side by side as one, a column of dark pixels between them.
Image side_by_side(const torch::Tensor& pictures) {
  const auto framed = torch::constant_pad_nd(pictures.clamp(0, 1), {0, 2});
  return image_from(framed.permute({1, 2, 0, 3}).flatten(2, 3).slice(2, 0, pictures.size(0) * framed.size(3) - 2));
}

Trajectories trajectories_of(const Planner::Plan& plan, const ActionSpace& space) {
  // A choice is one line: its index.
  const auto shown = [&](const torch::Tensor& actions) {
    return space.discrete() ? actions.argmax(-1, true).to(torch::kFloat32) : actions;
  };
  const auto candidates = shown(plan.candidates[0]);
  Trajectories value;
  value.count = static_cast<int>(candidates.size(0));
  value.steps = static_cast<int>(candidates.size(1));
  value.axes = static_cast<int>(candidates.size(2));
  value.actions = floats(candidates);
  value.scores = floats(plan.scores[0]);
  value.elite.assign(value.scores.size(), 0);
  for (const float i : floats(plan.elites[0])) value.elite[static_cast<std::size_t>(i)] = 1;
  value.chosen = floats(shown(plan.best[0]));
  value.labels = space.axes;
  if (space.discrete()) {
    // Into [-1, 1], as the axes of a box.
    const auto most = static_cast<float>(std::max<std::size_t>(1, space.choices.size() - 1));
    for (auto* values : {&value.actions, &value.chosen})
      for (auto& number : *values) number = 2 * number / most - 1;
  }
  return value;
}

Curve returns_of(const Planner::Plan& plan) {
  Curve value;
  const auto all = floats(std::get<0>(plan.scores[0].sort(0, true)));
  value.lines = {{"candidates", {}}, {"elites", {}}};
  for (std::size_t i = 0; i < all.size(); ++i) {
    value.x.push_back(static_cast<double>(i));
    value.lines[0].y.push_back(static_cast<double>(all[i]));
    if (static_cast<std::int64_t>(i) < plan.elites.size(1)) value.lines[1].y.push_back(static_cast<double>(all[i]));
  }
  value.x_unit = "rank";
  value.y_unit = "predicted return";
  return value;
}

}  // namespace

bool Planner::is_of(const Carry& memory, const KnobValues& knobs) const {
  const auto mean = memory.find("mean");
  return thought_.memory.defined() && mean != memory.end() && mean->second.is_same(thought_.memory) && knobs == thought_.knobs;
}

void Planner::report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) {
  if (std::ranges::none_of(probe_names(), [&](const auto& name) { return sink.wants(name); })) return;
  if (budget(seen.knobs).rounds == 0) {
    if (sink.wants("plan/actions"))
      sink.put("plan/actions", "Planned actions", "", Text{"No rounds: the policy that proposes candidates acts by itself."});
    return;
  }
  const bool known = is_of(memory, seen.knobs);
  const Seen lane{seen.model, known ? thought_.carry : select_lane(seen.carry, 0), {}, {}, seen.knobs};
  const auto own = select_lane(memory, 0);
  const auto plan = known ? thought_.plan
                          : this->plan(lane, from_memory(own, "mean", seen.knobs), rng, {}, from_memory(own, "elites", seen.knobs));
  if (sink.wants("plan/actions")) {
    sink.put("plan/actions", "Planned actions",
             "The last round: candidates, those that the next guess would be made of, and the plan, each axis in [-1, 1] "
             "over the planned steps",
             trajectories_of(plan, space_));
  }
  if (sink.wants("plan/returns")) {
    sink.put("plan/returns", "Returns of the candidates",
             prior_ ? "Σ of predicted rewards over the planned steps and the value of where they end, best first"
                    : "Σ of predicted rewards over the planned steps, best first",
             returns_of(plan));
  }
  report_ghosts(lane, plan, sink, rng);
}

/// Where the sequences end, decoded, and how the plan gets there.
void Planner::report_ghosts(const Seen& lane, const Plan& plan, ProbeSink& sink, at::Generator rng) {
  if (!sink.wants("plan/ghosts") && !sink.wants("plan/film")) return;
  torch::NoGradGuard no_grad;
  auto& model = *lane.model;
  const auto now = model.predict(lane.carry).frame;
  if (!now.defined()) return;
  if (sink.wants("plan/ghosts")) {
    const auto ghosts = [&](const torch::Tensor& sequences) {
      Carry ends;
      score(lane, sequences.unsqueeze(0), rng, &ends);
      return model.predict(ends).frame.mean(0, true);
    };
    const auto all = plan.candidates[0], few = all.slice(0, 0, most_ghosts);
    const auto best = all.index_select(0, plan.elites[0].slice(0, 0, most_ghosts));
    sink.put("plan/ghosts", "Where plans end",
             "Now; then where some candidates end, laid over each other; where the best of them end; where the plan ends",
             side_by_side(torch::cat({now, ghosts(few), ghosts(best), ghosts(plan.best)})));
  }
  if (sink.wants("plan/film")) {
    const auto steps = plan.best.size(1), every = (steps + 7) / 8;
    std::vector<torch::Tensor> film{now};
    Carry state;
    for (const auto& [name, tensor] : model.initial(1)) state[name] = lane.carry.at(name);
    for (std::int64_t t = 0; t < steps; ++t) {
      state = model.imagine(state, to_environment(plan.best.select(1, t)), {}, rng);
      if ((t + 1) % every == 0 || t + 1 == steps) film.push_back(model.predict(state).frame);
    }
    sink.put("plan/film", "The plan, imagined", "Now, and what the planned actions lead to, step by step",
             side_by_side(torch::cat(film)));
  }
}

}  // namespace dream
