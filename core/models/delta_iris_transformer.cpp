#include "core/models/delta_iris_transformer.h"

#include "api/error.h"
#include "core/nn/categorical.h"
#include "core/nn/dropout.h"
#include "core/nn/precision.h"

namespace dream {
namespace {

constexpr double first_deviation = 0.02;  // of the first weights
constexpr std::int64_t delta_reward_bins = 255;

TransformerOptions delta_stack(const DeltaIrisTransformerOptions& options) {
  return {.width = options.width, .layers = options.layers, .heads = options.heads, .dropout = options.dropout, .between = Between::gelu};
}

/// Mean cross-entropy of logits [B, T, ..., C] where `counts` [B, T] is 1; labels int64 [B, T, ...].
torch::Tensor told_badly(const torch::Tensor& logits, const torch::Tensor& labels, const torch::Tensor& counts) {
  const auto some = counts > 0.5;
  return torch::cross_entropy_loss(logits.index({some}).view({-1, logits.size(-1)}), labels.index({some}).flatten());
}

}  // namespace

DeltaIrisTransformerImpl::DeltaIrisTransformerImpl(const DeltaIrisTransformerOptions& options, at::IntArrayRef picture, std::int64_t places,
                                                   std::int64_t codes, std::int64_t actions)
    : options_(options), places_(places), slots_(places + 2), stack_(register_module("stack", Transformer(delta_stack(options)))),
      steps_(stack_, delta_stack(options), places + 1) {
  const auto cells = (picture[1] >> frame_halvings) * (picture[2] >> frame_halvings);
  if (options.width % cells != 0)
    throw Error("world.width = " + std::to_string(options.width) + " does not share out over the " + std::to_string(cells) +
                " cells of a coded picture");
  const auto table = [&](const char* name, std::int64_t rows) {
    return register_parameter(name, first_deviation * torch::randn({rows, options.width}));
  };
  of_code_ = table("of_code", codes);
  of_action_ = table("of_action", actions);
  of_position_ = table("of_position", options.frames * slots_);
  const FrameCoderOptions coder{options.frame_channels, options.levels};
  frame_coder_ = register_module("frame_coder", FrameCoder(coder, false, picture[0], options.width / cells));
  frame_norm_ = register_module("frame_norm", NormLayer(options.width, LayerStyle{.norm = Norm::layer, .eps = 1e-5}));
  const auto head = [&](const char* name, std::int64_t outputs) { return IrisHead(*this, name, options.width, outputs); };
  codes_ = head("codes", codes), reward_ = head("reward", reward_size()), end_ = head("end", 2);
  if (options.reward == DeltaReward::number) bins_ = TwoHot(TwoHot::Kind::symlog, delta_reward_bins, torch::kCPU);
  torch::NoGradGuard no_grad;
  for (auto& weight : decayed()) weight.normal_(0, first_deviation);
}

std::int64_t DeltaIrisTransformerImpl::reward_size() const {
  return options_.reward == DeltaReward::number ? delta_reward_bins : 3;
}

std::vector<torch::Tensor> DeltaIrisTransformerImpl::decayed() const {
  std::vector<torch::Tensor> weights;
  for (const auto& item : named_parameters())
    if (item.key().ends_with(".weight") && item.value().dim() == 2) weights.push_back(item.value());
  return weights;
}

torch::Tensor DeltaIrisTransformerImpl::embedded(const torch::Tensor& frames) {
  torch::Tensor cells;
  {
    Autocast autocast(bfloat16_, frames.device());
    cells = frame_coder_(frames);
  }
  return frame_norm_(cells.to(torch::kFloat32).permute({0, 2, 3, 1}).flatten(1));
}

torch::Tensor DeltaIrisTransformerImpl::mean_reward(const torch::Tensor& logits) const {
  if (options_.reward == DeltaReward::number) return bins_.mean(logits);
  const auto signs = logits.softmax(-1);
  return signs.select(-1, 2) - signs.select(-1, 0);
}

// -- whole sequences ----------------------------------------------------------------------------------------------------

DeltaIrisTransformerImpl::Logits DeltaIrisTransformerImpl::forward(const torch::Tensor& frames, const torch::Tensor& actions,
                                                                   const torch::Tensor& codes, std::optional<at::Generator> chance) {
  const auto batch = frames.size(0), steps = frames.size(1), tokens = steps * slots_;
  const auto seen = embedded(frames.flatten(0, 1)).view({batch, steps, 1, -1});
  auto x = torch::cat({seen, actions.matmul(of_action_).unsqueeze(2), of_code_.index({codes})}, 2).view({batch, tokens, -1});
  x = x + of_position_.slice(0, 0, tokens);
  if (chance) x = dropout(x, options_.dropout, *chance);
  {
    Autocast autocast(bfloat16_, x.device());
    x = stack_(x, torch::Tensor(), nullptr, chance);
  }
  x = x.to(torch::kFloat32).view({batch, steps, slots_, -1});
  const auto acted = x.select(2, 1);
  // The last Δ-token is followed by a frame, which nobody has to tell.
  return {codes_(x.slice(2, 1, slots_ - 1)), reward_(acted), end_(acted)};
}

DeltaIrisTransformerImpl::Loss DeltaIrisTransformerImpl::loss(const torch::Tensor& frames, const torch::Tensor& actions, const torch::Tensor& codes,
                                                              const torch::Tensor& reward, const torch::Tensor& end, const torch::Tensor& follows,
                                                              const torch::Tensor& acts, std::optional<at::Generator> chance) {
  const auto logits = forward(frames, actions, codes, std::move(chance));
  Loss loss;
  loss.codes = told_badly(logits.codes, codes, follows);
  loss.reward = options_.reward == DeltaReward::number ? (bins_.loss(logits.reward, reward) * acts).sum() / acts.sum()
                                                       : told_badly(logits.reward, (reward.sign() + 1).to(torch::kInt64), acts);
  loss.end = told_badly(logits.end, (end > 0.5).to(torch::kInt64), acts);
  loss.total = options_.codes_weight * loss.codes + options_.reward_weight * loss.reward + options_.end_weight * loss.end;
  return loss;
}

// -- token by token -----------------------------------------------------------------------------------------------------

DeltaIrisTransformerImpl::Memory DeltaIrisTransformerImpl::nothing(std::int64_t batch) const {
  const auto like = of_code_.options().requires_grad(false);
  return {std::vector<torch::Tensor>(static_cast<std::size_t>(options_.frames), torch::zeros(page_shape(batch), like)),
          torch::zeros({batch}, like.dtype(torch::kInt64))};
}

torch::Tensor DeltaIrisTransformerImpl::step(const Memory& past, torch::Tensor& page, const torch::Tensor& tokens, std::int64_t slot) {
  // A window begins with its first frame, the last token of a page. The frame that no window has room for is looked at in turn().
  const auto from = (past.count * slots_ - (slots_ - 1) + slot).unsqueeze(1);
  const auto at = (from + torch::arange(tokens.size(1), from.options())).clamp(0, of_position_.size(0) - 1);
  return steps_.next(tokens + of_position_.detach().index({at}), past, page, slot);
}

void DeltaIrisTransformerImpl::turn(const Memory& past, torch::Tensor page, const torch::Tensor& frame, Next& next) {
  next.emptied = past.count >= options_.frames;
  if (next.emptied.any().item<bool>()) {
    auto alone = torch::zeros_like(page);
    const auto state = step({past.pages, torch::zeros_like(past.count)}, alone, frame.unsqueeze(1), slots_ - 1).select(1, 0);
    page = torch::where(next.emptied.view({-1, 1, 1, 1}), alone, page);
    next.state = torch::where(next.emptied.unsqueeze(1), state, next.state);
  }
  next.memory.pages = past.pages;
  auto& pages = next.memory.pages;
  if (static_cast<std::int64_t>(pages.size()) == options_.frames) pages.erase(pages.begin());
  pages.push_back(page);
  next.memory.count = torch::where(next.emptied, torch::ones_like(past.count), past.count + 1);
}

DeltaIrisTransformerImpl::Next DeltaIrisTransformerImpl::see(const Memory& memory, const torch::Tensor& action, const torch::Tensor& codes,
                                                             const torch::Tensor& frame) {
  torch::NoGradGuard no_grad;
  Next next;
  next.codes = codes, next.frame = frame;
  auto page = torch::zeros_like(memory.pages.back());
  const auto seen = embedded(frame);
  const auto x = step(memory, page, torch::cat({action.matmul(of_action_).unsqueeze(1), of_code_.index({codes}), seen.unsqueeze(1)}, 1), 0);
  next.expected = codes_(x.slice(1, 0, places_)).log_softmax(-1);
  next.reward = reward_(x.select(1, 0)), next.end = end_(x.select(1, 0)).log_softmax(-1);
  next.state = x.select(1, slots_ - 1);
  turn(memory, page, seen, next);
  return next;
}

void DeltaIrisTransformerImpl::fill(const Memory& past, torch::Tensor page, Next& next, torch::Tensor logits, const torch::Tensor& expected,
                                    double temperature, const torch::Tensor& chance, const Painter& painter) {
  std::vector<torch::Tensor> told, codes;
  torch::Tensor last;
  for (std::int64_t k = 0; k < places_; ++k) {
    if (k > 0) logits = codes_(step(past, page, last, k).select(1, 0));
    if (k > 0 && expected.defined()) logits = torch::where((past.count < 1).unsqueeze(1), expected.select(1, k), logits);
    told.push_back(logits.log_softmax(-1));
    codes.push_back(class_at(logits, temperature, chance.select(1, k)));
    last = of_code_.detach().index({codes.back()}).unsqueeze(1);
  }
  next.codes = torch::stack(codes, 1), next.expected = torch::stack(told, 1);
  next.frame = painter(next.codes);
  const auto seen = embedded(next.frame);
  next.state = step(past, page, torch::cat({last, seen.unsqueeze(1)}, 1), places_).select(1, 1);
  turn(past, page, seen, next);
}

DeltaIrisTransformerImpl::Next DeltaIrisTransformerImpl::draw(const Memory& memory, const torch::Tensor& action, double temperature,
                                                              const torch::Tensor& chance, const Painter& painter) {
  torch::NoGradGuard no_grad;
  Next next;
  auto page = torch::zeros_like(memory.pages.back());
  const auto x = step(memory, page, action.matmul(of_action_).unsqueeze(1), 0).select(1, 0);
  next.reward = reward_(x), next.end = end_(x).log_softmax(-1);
  fill(memory, page, next, codes_(x), {}, temperature, chance, painter);
  return next;
}

DeltaIrisTransformerImpl::Memory DeltaIrisTransformerImpl::before(const Memory& memory) const {
  return {{memory.pages.begin(), memory.pages.end() - 1}, (memory.count - 1).clamp_min(0)};
}

DeltaIrisTransformerImpl::Next DeltaIrisTransformerImpl::draw_again(const Memory& memory, const torch::Tensor& expected, double temperature,
                                                                    const torch::Tensor& chance, const Painter& painter) {
  torch::NoGradGuard no_grad;
  Next next;
  fill(before(memory), memory.pages.back().clone(), next, expected.select(1, 0), expected, temperature, chance, painter);
  return next;
}

DeltaIrisTransformerImpl::Next DeltaIrisTransformerImpl::exchanged(const Memory& memory, const torch::Tensor& codes, const torch::Tensor& frame) {
  torch::NoGradGuard no_grad;
  Next next;
  next.codes = codes, next.frame = frame;
  const auto past = before(memory);
  auto page = memory.pages.back().clone();
  const auto seen = embedded(frame);
  next.state = step(past, page, torch::cat({of_code_.index({codes}), seen.unsqueeze(1)}, 1), 1).select(1, places_);
  turn(past, page, seen, next);
  return next;
}

}  // namespace dream
