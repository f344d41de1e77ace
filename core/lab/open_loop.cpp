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

}  // namespace dream
