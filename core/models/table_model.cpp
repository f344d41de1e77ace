#include "core/models/table_model.h"

#include <algorithm>

#include "api/error.h"
#include "core/probe/from_tensor.h"

namespace dream {

TableModel::TableModel(const Spaces& spaces)
    : states_(spaces.states), choices_(static_cast<std::int64_t>(spaces.action.choices.size())),
      columns_(spaces.state_columns) {
  if (states_ < 1) throw Error("a table needs a world with a number of states");
  if (choices_ < 1) throw Error("a table needs actions that are choices");
  const std::vector<std::int64_t> shape{states_, choices_};
  next_ = register_buffer("next", torch::arange(states_, torch::kInt64).unsqueeze(1).repeat({1, choices_}));
  reward_ = register_buffer("reward", torch::zeros(shape, torch::kFloat64));
  done_ = register_buffer("done", torch::zeros(shape, torch::kBool));
  time_ = register_buffer("time", torch::zeros(shape, torch::kInt64));
  visits_ = register_buffer("visits", torch::zeros({states_}, torch::kInt64));
  if (spaces.image_bytes() > 0)
    pictures_ = register_buffer("pictures", torch::zeros({states_, spaces.image_height, spaces.image_width,
                                                          spaces.image_channels}, torch::kUInt8));
}

void TableModel::learn(std::int64_t state, std::int64_t action, double reward, std::int64_t next, bool done,
                       std::int64_t time) {
  const auto at = state * choices_ + action;
  next_.data_ptr<std::int64_t>()[at] = next;
  reward_.data_ptr<double>()[at] = reward;
  done_.data_ptr<bool>()[at] = done;
  time_.data_ptr<std::int64_t>()[at] = time;
  ++visits_.data_ptr<std::int64_t>()[next];
}

void TableModel::learn_picture(std::int64_t state, const std::uint8_t* pixels) {
  if (!pictures_.defined()) return;
  const auto size = pictures_.stride(0);
  std::copy_n(pixels, size, pictures_.data_ptr<std::uint8_t>() + state * size);
}

TableModel::Outcome TableModel::at(std::int64_t state, std::int64_t action) const {
  const auto at = state * choices_ + action;
  return {reward_.const_data_ptr<double>()[at], next_.const_data_ptr<std::int64_t>()[at],
          done_.const_data_ptr<bool>()[at], time_.const_data_ptr<std::int64_t>()[at]};
}

double TableModel::known() const {
  return (time_ > 0).to(torch::kFloat64).mean().item<double>();
}

Carry TableModel::initial(std::int64_t batch) {
  return {{"state", torch::zeros({batch, 1})}, {"reward", torch::zeros({batch})}, {"done", torch::zeros({batch})}};
}

/// Whatever a carry says, an index of the table.
torch::Tensor TableModel::index_of(const Carry& carry) const {
  return carry.at("state").select(1, 0).round().to(torch::kInt64).clamp(0, states_ - 1);
}

Carry TableModel::observe(const Carry& carry, const torch::Tensor&, const Observation& observation, at::Generator) {
  const auto& batch = carry.at("reward");
  return {{"state", observation.vector.slice(1, 0, 1)},
          {"reward", torch::zeros_like(batch)},
          {"done", torch::zeros_like(batch)}};
}

Carry TableModel::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues&, at::Generator) {
  // A choice may also come as a one-hot.
  const auto choice = action.size(-1) == choices_ && choices_ > 1 ? action.argmax(-1) : action.select(-1, 0).round();
  const auto at = index_of(carry) * choices_ + choice.to(torch::kInt64).clamp(0, choices_ - 1);
  const auto of = [&](const torch::Tensor& table) { return table.flatten().index_select(0, at).to(torch::kFloat32); };
  return {{"state", of(next_).unsqueeze(1)}, {"reward", of(reward_)}, {"done", of(done_)}};
}

Prediction TableModel::predict(const Carry& carry) {
  auto prediction = outcome(carry);
  if (pictures_.defined())
    prediction.frame =
        pictures_.index_select(0, index_of(carry)).permute({0, 3, 1, 2}).to(torch::kFloat32).div(255).contiguous();
  return prediction;
}

Prediction TableModel::outcome(const Carry& carry) {
  return {{}, carry.at("reward"), carry.at("done")};
}

torch::Tensor TableModel::features(const Carry& carry) {
  return torch::one_hot(index_of(carry), states_).to(torch::kFloat32);
}

void TableModel::report(const Carry&, ProbeSink& sink) {
  if (sink.wants("table/visits")) {
    sink.put("table/visits", "Visits", "How often a real step led to each state, square root",
             heatmap_of_states(visits_.to(torch::kFloat32).sqrt(), columns_));
  }
  if (sink.wants("table/known")) {
    sink.put("table/known", "Known actions", "Of how many actions in each state the table knows what follows",
             heatmap_of_states((time_ > 0).sum(1).to(torch::kFloat32), columns_));
  }
}

Carry TableModel::edit(const Carry&, const std::string& probe, std::int64_t, double) {
  throw Error("'" + probe + "' cannot be edited");
}

Carry TableModel::randomise(const Carry&, const std::string& probe, at::Generator) {
  throw Error("'" + probe + "' cannot be drawn anew");
}

Heatmap heatmap_of_states(const torch::Tensor& cells, std::int64_t columns) {
  const auto count = cells.numel();
  const auto wide = columns > 0 ? columns : static_cast<std::int64_t>(columns_for(count));
  const auto whole = torch::constant_pad_nd(cells, {0, (wide - count % wide) % wide});
  const auto high = std::max(1e-6f, cells.max().item<float>());
  return heatmap_from(whole, static_cast<int>(wide), 0, high, false);
}

}  // namespace dream
