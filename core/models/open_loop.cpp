#include "core/models/open_loop.h"

#include "core/env/env.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr double brightest_difference = 0.4;

}  // namespace

std::vector<Frame> open_loop_frames(WorldModel& model, const SequenceBatch& batch, std::int64_t context,
                                    at::Generator rng, std::int64_t lanes, std::int64_t columns) {
  torch::NoGradGuard no_grad;
  lanes = std::min(lanes, batch.lanes());
  const auto steps = batch.steps();
  context = std::min(context, steps - 1);
  const auto of = [&](const torch::Tensor& x, std::int64_t t) { return x.defined() ? x[t].slice(0, 0, lanes) : x; };
  const auto nothing = model.initial(lanes);
  auto carry = nothing;
  std::vector<torch::Tensor> truth, made;
  torch::Tensor seen, rebuilt;
  double error = 0, cells = 0;  // of what was imagined
  const auto stride = std::max<std::int64_t>(1, (steps + columns - 1) / columns);
  for (std::int64_t t = 0; t < steps; ++t) {
    const auto action = of(batch.action, t), fresh = of(batch.first, t) > 0;
    auto imagined = t < context ? Carry{} : model.imagine(carry, action, {}, rng);
    // A new episode cannot be predicted: it is looked at.
    if (t < context || fresh.any().item<bool>()) {
      carry = model.observe(where_fresh(fresh, nothing, carry), action, {of(batch.image, t), of(batch.vector, t)}, rng);
      std::erase_if(carry, [&](const auto& part) { return !nothing.contains(part.first); });
    }
    if (t >= context) carry = fresh.any().item<bool>() ? where_fresh(fresh, carry, imagined) : std::move(imagined);
    // Few enough columns to be seen: evenly to the end, from the first frame on.
    const bool column = t % stride == 0;
    if (!column && t + 1 != context) continue;
    const auto painted = model.predict(carry).frame;
    if (!painted.defined()) return {};
    const auto real = of(batch.image, t).permute({0, 3, 1, 2}).to(torch::kFloat32).div(255),
               frame = painted.to(torch::kFloat32);
    if (t < context) seen = real, rebuilt = frame;
    if (!column) continue;
    truth.push_back(real), made.push_back(frame);
    if (t < context) continue;
    const auto dreamt = fresh.logical_not().to(torch::kFloat32);
    error += (dreamt * (real - frame).square().mean({1, 2, 3})).sum().item<double>();
    cells += dreamt.sum().item<double>();
  }
  const auto all_truth = torch::stack(truth), all_made = torch::stack(made);  // [K, L, C, H, W]
  const auto difference = ((all_truth - all_made).abs() / brightest_difference).clamp(0, 1);
  const auto rows = torch::stack({all_truth, all_made, difference}, 2);  // [K, L, 3, C, H, W]
  const auto sheet = rows.permute({3, 1, 2, 4, 0, 5})
                         .reshape({rows.size(3), rows.size(1) * 3 * rows.size(4), rows.size(0) * rows.size(5)});
  const auto picture = [](const torch::Tensor& x) {
    return std::make_shared<const Image>(image_from(x.to(torch::kCPU)));
  };
  std::vector<Frame> frames{{"real", "from the replay", -1, picture(seen[0])},
                            {"reconstruction", "the model's picture of the same frame",
                             (seen[0] - rebuilt[0]).square().mean().item<double>(), picture(rebuilt[0])},
                            {"open loop",
                             std::to_string(context) + " frames seen, then imagined to step " + std::to_string(steps) +
                                 " under the true actions",
                             cells > 0 ? error / cells : -1, picture(sheet)}};
  for (std::int64_t lane = 0; lane < lanes; ++lane)
    for (const auto* row : {"truth", "dream", "difference"}) frames.back().rows.push_back(row);
  frames.back().columns = static_cast<int>(truth.size());
  frames.back().seen = static_cast<int>((context + stride - 1) / stride);
  frames.back().stride = static_cast<int>(stride);
  return frames;
}

void report_predicted(WorldModel& model, const SequenceBatch& batch, std::int64_t context, const Valued& valued,
                      ProbeSink& sink, at::Generator rng) {
  const bool values = valued.value && sink.wants("predicted/value");
  const auto priced = batch.extra.find(cost_column);
  const bool costs = priced != batch.extra.end() && sink.wants("predicted/cost");
  if (!values && !costs && !sink.wants("predicted/reward") && !sink.wants("predicted/continue")) return;
  torch::NoGradGuard no_grad;
  const auto steps = static_cast<std::size_t>(batch.steps());
  const auto of = [&](const torch::Tensor& x, std::size_t t) {
    return x.defined() ? x[static_cast<std::int64_t>(t)].slice(0, 0, 1) : x;
  };
  const auto is = [&](const torch::Tensor& x, std::size_t t) { return of(x, t).item<double>(); };
  std::vector<double> x(steps), reward(steps), true_reward(steps), going_on(steps, 1), true_going_on(steps),
      value(steps), cost(steps), true_cost(steps);
  auto dream = model.initial(1);
  for (std::size_t t = 0; t < steps; ++t) {
    const bool first = is(batch.first, t) > 0;
    if (first) dream = model.initial(1);
    dream = static_cast<std::int64_t>(t) < context || first
                ? model.observe(dream, of(batch.action, t), {of(batch.image, t), of(batch.vector, t)}, rng)
                : model.imagine(dream, of(batch.action, t), {}, rng);
    const auto outcome = model.outcome(dream);
    x[t] = static_cast<double>(t);
    if (outcome.reward.defined()) reward[t] = outcome.reward.item<double>();
    if (outcome.done.defined()) going_on[t] = 1 - outcome.done.item<double>();
    true_reward[t] = model.reward_to_target(of(batch.reward, t)).item<double>();
    true_going_on[t] = 1 - is(batch.terminated, t);
    if (costs && outcome.cost.defined()) cost[t] = outcome.cost.item<double>();
    if (costs) true_cost[t] = is(priced->second, t);
    if (values) value[t] = valued.value(model.features(dream)).item<double>();
  }
  const std::string caption =
      ", " + std::to_string(context) + " frames seen and the rest imagined under the true actions";
  const auto put = [&](const char* name, const char* title, const std::string& meaning, const char* unit,
                       std::vector<Line> lines) {
    Curve curve;
    curve.x = x;
    curve.x_unit = "step of the sequence";
    curve.y_unit = unit;
    curve.lines = std::move(lines);
    sink.put(name, title, meaning + caption, std::move(curve));
  };
  if (sink.wants("predicted/reward")) {
    put("predicted/reward", "Reward, predicted and true", "r_t of the batch's first sequence", "reward",
        {{"imagined", reward}, {"came true", true_reward, true}});
  }
  if (sink.wants("predicted/continue")) {
    put("predicted/continue", "Continue, predicted and true", "P(the episode goes on)", "probability",
        {{"imagined", going_on}, {"came true", true_going_on, true}});
  }
  if (costs) {
    put("predicted/cost", "Cost, predicted and true", "c_t of the batch's first sequence", "cost",
        {{"imagined", cost}, {"came true", true_cost, true}});
  }
  if (!values) return;
  // Backwards: what followed each state, as far as the sequence knows, and what the imagination promised.
  std::vector<double> followed(steps), promised(steps);
  for (std::size_t t = steps; t-- > 0;) {
    if (t + 1 == steps || is(batch.last, t) > 0) {
      followed[t] = promised[t] = is(batch.terminated, t) > 0 ? 0 : value[t];
      continue;
    }
    followed[t] = true_reward[t + 1] + valued.discount * followed[t + 1];
    promised[t] = reward[t + 1] + valued.discount * going_on[t + 1] *
                                      ((1 - valued.lambda) * value[t + 1] + valued.lambda * promised[t + 1]);
  }
  put("predicted/value", "Value, predicted and true",
      "v(s_t) of the critic and the λ-return of the imagined steps, against the discounted return that followed",
      "reward", {{"value", value}, {"return that followed", followed, true}, {"λ-return", promised}});
}

}  // namespace dream
