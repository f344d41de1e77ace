#include "core/lab/starts.h"

namespace dream {

torch::Tensor Starts::of(const torch::Tensor& entries, std::int64_t further) const {
  const auto at = (step + further).clamp_max(entries.size(0) - 1);
  return entries.index({at.to(entries.device()), lane.to(entries.device())});
}

torch::Tensor Starts::actions(const SequenceBatch& batch, std::int64_t steps) const {
  std::vector<torch::Tensor> all;
  for (std::int64_t k = 1; k <= steps; ++k) all.push_back(of(batch.action, k));
  return torch::stack(all);
}

Starts starts_from(const std::vector<Watched>& seen, const Whole& episodes, std::int64_t ahead) {
  Starts made;
  std::vector<std::int64_t> lanes, steps;
  std::map<std::string, std::vector<torch::Tensor>> parts;
  for (const auto& [step, carry] : seen) {
    std::vector<std::int64_t> here;
    for (std::int64_t lane = 0; lane < episodes.batch.lanes(); ++lane)
      if (episodes.real(lane, step + ahead)) here.push_back(lane);
    if (here.empty()) continue;
    lanes.insert(lanes.end(), here.begin(), here.end());
    steps.insert(steps.end(), here.size(), step);
    for (const auto& [name, tensor] : carry)
      parts[name].push_back(tensor.index_select(0, torch::tensor(here, torch::kInt64).to(tensor.device())));
  }
  if (lanes.empty()) return made;
  made.lane = torch::tensor(lanes, torch::kInt64), made.step = torch::tensor(steps, torch::kInt64);
  for (const auto& [name, tensors] : parts) made.carry[name] = torch::cat(tensors);
  return made;
}

std::vector<double> doubles_of(const torch::Tensor& x) {
  const auto wide = x.to(torch::kCPU, torch::kFloat64).contiguous();
  return {wide.data_ptr<double>(), wide.data_ptr<double>() + wide.numel()};
}

}  // namespace dream
