#include "core/models/iris_transformer.h"

#include "core/nn/categorical.h"
#include "core/nn/dropout.h"
#include "core/nn/precision.h"

namespace dream {
namespace {

constexpr double iris_deviation = 0.02;  // of the first weights

TransformerOptions stack_options(const IrisTransformerOptions& options) {
  return {.width = options.width, .layers = options.layers, .heads = options.heads, .dropout = options.dropout, .between = Between::gelu};
}

}  // namespace

IrisTransformerImpl::IrisTransformerImpl(const IrisTransformerOptions& options, std::int64_t places, std::int64_t codes, std::int64_t actions)
    : options_(options), places_(places), stack_(register_module("stack", Transformer(stack_options(options)))), steps_(stack_, stack_options(options)) {
  const auto table = [&](const char* name, std::int64_t rows) {
    return register_parameter(name, iris_deviation * torch::randn({rows, options.width}));
  };
  of_code_ = table("of_code", codes);
  of_action_ = table("of_action", actions);
  of_position_ = table("of_position", options.frames * (places + 1));
  const auto head = [&](const char* name, std::int64_t outputs) { return IrisHead(*this, name, options.width, outputs); };
  codes_ = head("codes", codes), reward_ = head("reward", 3), end_ = head("end", 2);
  // GPT-2's narrower outputs are not IRIS's: all linear layers begin alike.
  torch::NoGradGuard no_grad;
  for (auto& weight : decayed()) weight.normal_(0, iris_deviation);
}

std::vector<torch::Tensor> IrisTransformerImpl::decayed() const {
  std::vector<torch::Tensor> weights;
  for (const auto& item : named_parameters())
    if (item.key().ends_with(".weight")) weights.push_back(item.value());
  return weights;
}

// -- whole sequences ----------------------------------------------------------------------------------------------------

IrisTransformerImpl::Logits IrisTransformerImpl::forward(const torch::Tensor& codes, const torch::Tensor& actions,
                                                         std::optional<at::Generator> chance) {
  const auto batch = codes.size(0), frames = codes.size(1), taken = actions.size(1), block = places_ + 1, tokens = frames * places_ + taken;
  auto acted = actions.matmul(of_action_);
  if (taken < frames) acted = torch::constant_pad_nd(acted, {0, 0, 0, frames - taken});
  auto x = torch::cat({of_code_.index({codes}), acted.unsqueeze(2)}, 2).view({batch, frames * block, -1}).slice(1, 0, tokens);
  x = x + of_position_.slice(0, 0, tokens);
  if (chance) x = dropout(x, options_.dropout, *chance);
  {
    Autocast autocast(bfloat16_, x.device());
    x = stack_(x, torch::Tensor(), nullptr, chance);
  }
  x = x.to(torch::kFloat32);
  // The last token of a frame is followed by an action, which nobody has to tell; the last of all by nothing.
  const auto at = torch::arange(tokens, torch::TensorOptions().dtype(torch::kInt64).device(x.device())), place = at % block;
  const auto tells = at.index({(place != places_ - 1) & (at < tokens - (taken == frames ? 1 : 0))});
  const auto acts = x.index_select(1, at.index({place == places_}));
  return {codes_(x.index_select(1, tells)), reward_(acts), end_(acts)};
}

IrisTransformerImpl::Loss IrisTransformerImpl::loss(const torch::Tensor& codes, const torch::Tensor& actions, const torch::Tensor& reward,
                                                    const torch::Tensor& end, const torch::Tensor& alive, const torch::Tensor& acts,
                                                    std::optional<at::Generator> chance) {
  constexpr std::int64_t nothing = -100;  // to be told
  const auto logits = forward(codes, actions, std::move(chance));
  const auto wanted = codes.masked_fill((alive < 0.5).unsqueeze(-1), nothing).flatten(1).slice(1, 1);
  const auto error = [](const torch::Tensor& of, const torch::Tensor& labels) {
    return torch::cross_entropy_loss(of.flatten(0, 1).to(torch::kFloat32), labels.flatten(), {}, at::Reduction::Mean, nothing);
  };
  const auto silent = acts < 0.5;
  Loss loss;
  loss.codes = error(logits.codes, wanted);
  loss.reward = error(logits.reward, (reward.sign() + 1).to(torch::kInt64).masked_fill(silent, nothing));
  loss.end = error(logits.end, (end > 0.5).to(torch::kInt64).masked_fill(silent, nothing));
  loss.total = loss.codes + loss.reward + loss.end;
  return loss;
}

// -- token by token -----------------------------------------------------------------------------------------------------

IrisTransformerImpl::Memory IrisTransformerImpl::nothing(std::int64_t batch) const {
  const auto like = of_code_.options().requires_grad(false);
  return {{std::vector<torch::Tensor>(static_cast<std::size_t>(options_.frames), torch::zeros(page_shape(batch), like)),
           torch::zeros({batch}, like.dtype(torch::kInt64))},
          torch::zeros({batch, places_}, like.dtype(torch::kInt64))};
}

torch::Tensor IrisTransformerImpl::step(Memory& memory, const torch::Tensor& embedded, std::int64_t slot) {
  TokenPages past{{memory.kept.pages.begin(), memory.kept.pages.end() - 1}, memory.kept.count - 1};
  const auto from = (past.count * (places_ + 1) - 1 + slot).unsqueeze(1);  // of the first frame's action, which is none, −1
  const auto at = (from + torch::arange(embedded.size(1), from.options())).clamp_min(0);
  return steps_.next(embedded + of_position_.detach().index({at}), past, memory.kept.pages.back(), slot);
}

/// The same with a new page at the end, and room for it: a memory that is full keeps the present frame alone, whose tokens begin a
/// window then.
IrisTransformerImpl::Memory IrisTransformerImpl::room(const Memory& memory, torch::Tensor& emptied) {
  emptied = memory.kept.count >= options_.frames;
  auto next = memory;
  if (emptied.any().item<bool>()) {
    Memory begun = memory;
    begun.kept.count = torch::ones_like(memory.kept.count);
    begun.kept.pages.back() = torch::zeros_like(memory.kept.pages.back());
    step(begun, of_code_.detach().index({memory.codes}), 1);
    next.kept.pages.back() = torch::where(emptied.view({-1, 1, 1, 1}), begun.kept.pages.back(), memory.kept.pages.back());
    next.kept.count = torch::where(emptied, begun.kept.count, memory.kept.count);
  }
  auto& pages = next.kept.pages;
  pages.erase(pages.begin());
  pages.push_back(torch::zeros_like(pages.back()));
  next.kept.count = next.kept.count + 1;
  return next;
}

IrisTransformerImpl::Next IrisTransformerImpl::see(const Memory& memory, const torch::Tensor& action, const torch::Tensor& codes) {
  torch::NoGradGuard no_grad;
  Next next;
  next.memory = room(memory, next.emptied);
  next.memory.codes = codes;
  const auto x = step(next.memory, torch::cat({action.matmul(of_action_).unsqueeze(1), of_code_.index({codes})}, 1), 0);
  next.expected = codes_(x.slice(1, 0, places_)).log_softmax(-1);
  next.reward = reward_(x.select(1, 0)).log_softmax(-1), next.end = end_(x.select(1, 0)).log_softmax(-1);
  next.state = x.select(1, places_);
  return next;
}

/// Of the newest page, which has its action, from the logits of the first token on.
void IrisTransformerImpl::fill(Memory& memory, Next& next, torch::Tensor logits, double temperature, const torch::Tensor& chance) {
  std::vector<torch::Tensor> expected, codes;
  for (std::int64_t k = 0; k < places_; ++k) {
    expected.push_back(logits.log_softmax(-1));
    codes.push_back(class_at(logits, temperature, chance.select(1, k)));
    next.state = step(memory, of_code_.index({codes.back()}).unsqueeze(1), k + 1).select(1, 0);
    if (k + 1 < places_) logits = codes_(next.state);
  }
  memory.codes = torch::stack(codes, 1);
  next.expected = torch::stack(expected, 1);
}

IrisTransformerImpl::Next IrisTransformerImpl::draw(const Memory& memory, const torch::Tensor& action, double temperature,
                                                    const torch::Tensor& chance) {
  torch::NoGradGuard no_grad;
  Next next;
  next.memory = room(memory, next.emptied);
  const auto x = step(next.memory, action.matmul(of_action_).unsqueeze(1), 0).select(1, 0);
  next.reward = reward_(x).log_softmax(-1), next.end = end_(x).log_softmax(-1);
  fill(next.memory, next, codes_(x), temperature, chance);
  return next;
}

IrisTransformerImpl::Next IrisTransformerImpl::draw_again(const Memory& memory, const torch::Tensor& first, double temperature,
                                                          const torch::Tensor& chance) {
  torch::NoGradGuard no_grad;
  Next next;
  next.memory = memory;
  next.memory.kept.pages.back() = memory.kept.pages.back().clone();
  fill(next.memory, next, first, temperature, chance);
  return next;
}

IrisTransformerImpl::Next IrisTransformerImpl::exchanged(const Memory& memory, const torch::Tensor& codes) {
  torch::NoGradGuard no_grad;
  Next next;
  next.memory = memory;
  next.memory.codes = codes;
  next.memory.kept.pages.back() = memory.kept.pages.back().clone();
  next.state = step(next.memory, of_code_.index({codes}), 1).select(1, places_ - 1);
  return next;
}

}  // namespace dream
