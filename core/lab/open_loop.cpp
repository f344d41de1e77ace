#include "core/lab/open_loop.h"

#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr double full_difference = 0.4;

}  // namespace

std::vector<Frame> open_loop_frames(WorldModel& model, const SequenceBatch& batch, std::int64_t context, at::Generator rng,
                                    std::int64_t lanes, std::int64_t columns) {
  torch::NoGradGuard no_grad;
  lanes = std::min(lanes, batch.lanes());
  const auto steps = batch.steps();
  context = std::min(context, steps - 1);
  const auto of = [&](const torch::Tensor& x, std::int64_t t) { return x.defined() ? x[t].slice(0, 0, lanes) : x; };
  auto carry = model.initial(lanes);
  std::vector<torch::Tensor> truth, made;
  torch::Tensor seen, rebuilt;
  for (std::int64_t t = 0; t < steps; ++t) {
    const auto action = of(batch.action, t);
    const auto real = of(batch.image, t).permute({0, 3, 1, 2}).to(torch::kFloat32).div(255);
    // A new episode cannot be foretold: it is looked at.
    const bool look = t < context || of(batch.first, t).sum().item<double>() > 0;
    if (look) {
      carry = where_fresh(of(batch.first, t) > 0, model.initial(lanes), carry);
      carry = model.observe(carry, action, {of(batch.image, t), of(batch.vector, t)}, rng);
    } else {
      carry = model.imagine(carry, action, {}, rng);
    }
    const auto frame = model.predict(carry).frame.to(torch::kFloat32);
    if (t < context) seen = real, rebuilt = frame;
    // Few enough columns to be seen: the context, then evenly to the end.
    const auto stride = std::max<std::int64_t>(1, (steps + columns - 1) / columns);
    if (t % stride == 0) truth.push_back(real), made.push_back(frame);
  }
  const auto all_truth = torch::stack(truth), all_made = torch::stack(made);  // [K, L, C, H, W]
  const auto difference = ((all_truth - all_made).abs() / full_difference).clamp(0, 1);
  const auto rows = torch::stack({all_truth, all_made, difference}, 2);  // [K, L, 3, C, H, W]
  const auto sheet = rows.permute({3, 1, 2, 4, 0, 5}).reshape({rows.size(3), rows.size(1) * 3 * rows.size(4), rows.size(0) * rows.size(5)});
  const auto picture = [](const torch::Tensor& x) { return std::make_shared<const Image>(image_from(x.to(torch::kCPU))); };
  return {{"real", "from the batch", -1, picture(seen[0])},
          {"reconstruction", "the model's picture of the same frame", (seen[0] - rebuilt[0]).square().mean().item<double>(), picture(rebuilt[0])},
          {"open loop", "truth, dream, difference; " + std::to_string(context) + " frames seen, then imagined to step " + std::to_string(steps),
           (all_truth - all_made).square().mean().item<double>(), picture(sheet)}};
}

void report_foretold(WorldModel& model, const SequenceBatch& batch, std::int64_t context,
                     const std::function<torch::Tensor(const torch::Tensor&)>& value, double discount, ProbeSink& sink,
                     at::Generator rng) {
  const bool heads = sink.wants("foretold/reward") || sink.wants("foretold/continue"), values = sink.wants("foretold/value");
  if (!heads && !values) return;
  torch::NoGradGuard no_grad;
  const auto steps = batch.steps();
  const auto of = [&](const torch::Tensor& x, std::int64_t t) { return x.defined() ? x[t].slice(0, 0, 1) : x; };
  const auto is = [&](const torch::Tensor& x, std::int64_t t) { return of(x, t).item<double>(); };
  Curve reward, going_on, worth;
  for (auto* curve : {&reward, &going_on, &worth}) curve->x_unit = "step of the sequence";
  reward.lines = {{"imagined", {}}, {"came true", {}}};
  going_on.lines = reward.lines;
  worth.lines = {{"value", {}}, {"return that followed", {}}};
  reward.y_unit = worth.y_unit = "reward";
  going_on.y_unit = "probability";
  auto dream = model.initial(1), seen = dream;
  std::vector<double> estimates;
  for (std::int64_t t = 0; t < steps; ++t) {
    const bool first = is(batch.first, t) > 0;
    const Observation observation{of(batch.image, t), of(batch.vector, t)};
    if (first) seen = model.initial(1);
    if (values || t < context || first) seen = model.observe(seen, of(batch.action, t), observation, rng);
    dream = t < context || first ? seen : model.imagine(dream, of(batch.action, t), {}, rng);
    const auto outcome = model.outcome(dream);
    const auto x = static_cast<double>(t);
    reward.x.push_back(x), going_on.x.push_back(x);
    reward.lines[0].y.push_back(outcome.reward.defined() ? outcome.reward.item<double>() : 0);
    reward.lines[1].y.push_back(is(batch.reward, t));
    going_on.lines[0].y.push_back(outcome.done.defined() ? 1 - outcome.done.item<double>() : 1);
    going_on.lines[1].y.push_back(1 - is(batch.terminated, t));
    if (!values) continue;
    const auto estimate = value(model.features(seen));
    estimates.push_back(estimate.defined() ? estimate.item<double>() : 0);
  }
  const std::string caption = ", " + std::to_string(context) + " frames seen and the rest imagined under the true actions";
  if (sink.wants("foretold/reward")) sink.put("foretold/reward", "Reward, foretold and true", "r_t of the batch's first sequence" + caption, reward);
  if (sink.wants("foretold/continue")) sink.put("foretold/continue", "Continue, foretold and true", "P(the episode goes on)" + caption, going_on);
  if (!values || estimates.empty()) return;
  // Backwards: what followed each state, as far as the sequence knows.
  std::vector<double> returns(estimates.size());
  double next = estimates.back();
  for (auto t = steps - 1; t >= 0; --t) {
    const auto i = static_cast<std::size_t>(t);
    if (is(batch.last, t) > 0) next = is(batch.terminated, t) > 0 ? 0 : estimates[i];
    returns[i] = next;
    next = is(batch.reward, t) + discount * next;
    worth.x.insert(worth.x.begin(), static_cast<double>(t));
  }
  worth.lines[0].y = std::move(estimates);
  worth.lines[1].y = std::move(returns);
  sink.put("foretold/value", "Value, foretold and true", "v(s_t) of the critic against the discounted return that followed in the batch's first sequence", worth);
}

}  // namespace dream
