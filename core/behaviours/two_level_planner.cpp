#include "core/behaviours/two_level_planner.h"

#include "api/error.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

Hjepa& two_levels(WorldModel* model) {
  if (auto* levels = dynamic_cast<Hjepa*>(model)) return *levels;
  throw Error("this behaviour plans at two levels, and the model has one alone");
}

Carry led_to(const Carry& carry, const Carry& memory) {
  Carry with = carry;
  for (const char* name : {"subgoal", "led"}) with[name] = memory.at(name).to(carry.at("z").device());
  return with;
}

}  // namespace

TwoLevelPlanner::TwoLevelPlanner(const ActionSpace& space, const PlannerOptions& far, const PlannerOptions& near,
                                 std::int64_t slow_latent)
    : strides_(far.horizon),
      slow_latent_(slow_latent),
      space_(space),
      far_(std::make_shared<Planner>(space, far)),
      near_(std::make_shared<Planner>(space, near)) {}

Carry TwoLevelPlanner::initial(std::int64_t lanes) const {
  auto memory = near_->initial(lanes);
  memory["subgoal"] = torch::zeros({lanes, slow_latent_});
  memory["led"] = torch::zeros({lanes, 1});
  memory["far"] = torch::zeros({lanes, strides_ + 1});
  return memory;
}

TwoLevelPlanner::Lead TwoLevelPlanner::lead(Hjepa& model, const Carry& carry, at::Generator rng) {
  auto& slow = model.slow();
  auto state = model.above(carry);
  const auto plan = far_->plan({&slow, state}, {}, rng).best;
  const auto low = torch::tensor(space_.low).to(plan.device()), high = torch::tensor(space_.high).to(plan.device());
  std::vector<torch::Tensor> far{slow.distance(state)};
  Lead made;
  for (std::int64_t t = 0; t < plan.size(1); ++t) {
    state = slow.imagine(state, low + (plan.select(1, t) + 1) / 2 * (high - low), {}, rng);
    if (t == 0) made.subgoal = state.at("w");
    far.push_back(slow.distance(state));
  }
  made.far = torch::stack(far, 1);
  // Now, or after one stride, it is as near as it will come: the goal itself is what to go to.
  made.led = (made.far.argmin(1, true) > 1).to(torch::kFloat32) * carry.at("aimed");
  return made;
}

Decision TwoLevelPlanner::decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) {
  const auto lead = this->lead(two_levels(seen.model), seen.carry, rng);
  Carry after = memory;
  after["subgoal"] = lead.subgoal.cpu(), after["led"] = lead.led.cpu(), after["far"] = lead.far.cpu();
  Seen near = seen;
  near.carry = led_to(seen.carry, after);
  auto decision = near_->decide(near, memory, mode, rng);
  for (const auto& [name, tensor] : decision.memory)
    if (after.contains(name)) after[name] = tensor;
  decision.memory = std::move(after);
  return decision;
}

std::vector<std::string> TwoLevelPlanner::probe_names() const {
  auto names = near_->probe_names();
  names.insert(names.begin(), {"levels/subgoal", "levels/far"});
  return names;
}

void TwoLevelPlanner::report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) {
  auto& model = two_levels(seen.model);
  const bool led = memory.at("led")[0].item<float>() > 0;
  if (sink.wants("levels/subgoal")) {
    if (led && model.slow().viewer()) {
      sink.put(
          "levels/subgoal", "Subgoal",
          "Where the upper level wants to be a stride from now, as its viewing decoder paints it",
          image_from(model.slow().viewer()(memory.at("subgoal").slice(0, 0, 1).to(seen.carry.at("z").device()))[0]));
    } else {
      sink.put("levels/subgoal", "Subgoal", "",
               Text{led ? "There is one, and nothing to paint it."
                        : "The goal lies within a stride: the lower level goes there by itself."});
    }
  }
  if (sink.wants("levels/far")) {
    Curve curve;
    curve.lines = {{"|w − w*|²", {}}};
    const auto far = floats(memory.at("far")[0]);
    for (std::size_t i = 0; i < far.size(); ++i)
      curve.x.push_back(static_cast<double>(i)), curve.lines[0].y.push_back(static_cast<double>(far[i]));
    curve.x_unit = "strides from now";
    sink.put("levels/far", "The far plan",
             "The upper level's distance to the goal, now and after every stride of its plan", std::move(curve));
  }
  Seen near = seen;
  near.carry = led_to(seen.carry, memory);
  near_->report(near, memory, sink, rng);
}

}  // namespace dream
