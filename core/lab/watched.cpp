#include "core/lab/watched.h"

#include <algorithm>

namespace dream {
namespace {

constexpr std::int64_t imagined_lanes = 32;  // imagined at once, so that nobody waits long for a step

}  // namespace

Whole whole(const std::vector<LivedEpisode>& episodes, std::size_t first, std::size_t count,
            const torch::Device& device) {
  Whole made;
  made.first = first;
  std::vector<LivedEpisode> padded(
      episodes.begin() + static_cast<std::ptrdiff_t>(first),
      episodes.begin() + static_cast<std::ptrdiff_t>(std::min(first + count, episodes.size())));
  std::size_t longest = 0;
  for (const auto& each : padded) longest = std::max(longest, each.data.length());
  const auto stand_still = [](auto& values, std::size_t width, std::size_t rows) {
    if (width == 0) return;
    const std::vector last(values.end() - static_cast<std::ptrdiff_t>(width), values.end());
    while (values.size() < rows * width) values.insert(values.end(), last.begin(), last.end());
  };
  for (auto& each : padded) {
    auto& data = each.data;
    made.frames.push_back(static_cast<std::int64_t>(data.length()) + 1);
    stand_still(data.frames, data.frame_bytes(), longest + 1);
    stand_still(data.vectors, static_cast<std::size_t>(data.vector_size), longest + 1);
    for (auto& [name, column] : data.extra)
      if (column.per_frame) stand_still(column.values, static_cast<std::size_t>(column.width), longest + 1);
    data.actions.resize(longest * static_cast<std::size_t>(data.action_size), 0);
    data.rewards.resize(longest, 0), data.terminated.resize(longest, 0), data.truncated.resize(longest, 0);
  }
  made.batch = stretches(padded, static_cast<std::int64_t>(longest), 1, device).batch;
  return made;
}

void imagine_from(
    WorldModel& model, const Whole& episodes, const std::vector<Watched>& starts, std::int64_t horizon,
    at::Generator rng,
    const std::function<void(std::int64_t k, const Carry& carry, const std::vector<Began>& lanes)>& each) {
  const auto& batch = episodes.batch;
  const auto together = static_cast<std::size_t>(std::max<std::int64_t>(1, imagined_lanes / batch.lanes()));
  for (std::size_t from = 0; from < starts.size(); from += together) {
    const auto to = std::min(starts.size(), from + together);
    std::map<std::string, std::vector<torch::Tensor>> parts;
    std::vector<torch::Tensor> actions;
    std::vector<Began> lanes;
    for (std::size_t i = from; i < to; ++i) {
      const auto& [t, carry] = starts[i];
      for (const auto& [name, tensor] : carry) parts[name].push_back(tensor);
      // Beyond the batch nothing happens: whoever hears of it asks Whole::real.
      auto taken = batch.action.slice(0, std::min(t + 1, batch.steps()), t + 1 + horizon);
      if (taken.size(0) < horizon)
        taken = torch::cat({taken, batch.action[0].unsqueeze(0).expand({horizon - taken.size(0), -1, -1})});
      actions.push_back(taken);
      for (std::int64_t lane = 0; lane < batch.lanes(); ++lane) lanes.push_back({lane, t});
    }
    Carry start;
    for (const auto& [name, tensors] : parts) start[name] = torch::cat(tensors);
    imagine_on(model, start, torch::cat(actions, 1), {}, rng,
               [&](std::int64_t k, const Carry& carry) { each(k, carry, lanes); });
  }
}

StateParts parts_of(WorldModel& model, const Carry& carry) {
  StateParts parts;
  const auto features = model.features(carry).to(torch::kFloat32);
  const auto latent = model.belief(carry).latent;
  if (!latent.defined()) {
    parts.memory = features;  // a state without halves
    return parts;
  }
  parts.latent = latent.flatten(1).to(torch::kFloat32);
  const auto size = parts.latent.size(1), all = features.size(1);
  parts.memory = features;
  if (size < all && torch::equal(features.slice(1, 0, size), parts.latent))
    parts.memory = features.slice(1, size);
  else if (size < all && torch::equal(features.slice(1, all - size), parts.latent))
    parts.memory = features.slice(1, 0, all - size);
  else if (size == all && torch::equal(features, parts.latent))
    parts.memory = torch::Tensor();
  return parts;
}

std::vector<std::int64_t> most_varying(const torch::Tensor& rows, std::int64_t most) {
  const auto spread = rows.to(torch::kCPU, torch::kFloat64).var(0, false);
  const auto order = std::get<1>(spread.sort(true, 0, true));  // stable, falling
  std::vector<std::int64_t> which;
  for (std::int64_t i = 0; i < std::min(most, order.size(0)); ++i)
    if (const auto column = order[i].item<std::int64_t>(); spread[column].item<double>() > 1e-10)
      which.push_back(column);
  std::ranges::sort(which);
  return which;
}

torch::Tensor cpu_floats(const torch::Tensor& x) {
  return x.to(torch::kCPU, torch::kFloat32);
}

torch::Tensor stacked_rows(const std::vector<torch::Tensor>& rows) {
  return rows.empty() ? torch::Tensor() : cpu_floats(torch::cat(rows));
}

}  // namespace dream
