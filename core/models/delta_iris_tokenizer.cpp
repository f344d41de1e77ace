#include "core/models/delta_iris_tokenizer.h"

#include <cmath>
#include <string>

#include "api/error.h"
#include "core/nn/precision.h"

namespace dream {
namespace {

constexpr double delta_deviation = 0.02;  // of the first weights of linear layers and tables
constexpr double code_memory = 0.99, use_memory_of_codes = 0.98;
constexpr double expired = 0.1;           // of what each code would have, were all alike
constexpr double bits_to_spare = 2;       // fewer bits than codes could have, less these, and codes are revived
constexpr double hardly_one = 1;          // bits: below it they always are

torch::Tensor unit_length(const torch::Tensor& x) {
  return x / x.norm(2, -1, true).clamp_min(1e-12);
}

torch::Tensor action_planes(const torch::Tensor& action, const torch::Tensor& table, std::int64_t side) {
  return action.matmul(table).view({action.size(0), -1, side, side});
}

}  // namespace

DeltaIrisTokenizerImpl::DeltaIrisTokenizerImpl(const DeltaIrisTokenizerOptions& options, at::IntArrayRef picture, std::int64_t actions)
    : options_(options), picture_side_(picture.size() == 3 ? picture[1] : 0), side_(picture_side_ >> frame_halvings),
      grid_(std::llround(std::sqrt(static_cast<double>(options.tokens)))) {
  if (side_ < 1 || picture[1] != picture[2] || side_ << frame_halvings != picture_side_)
    throw Error("its coders halve the side of a picture three times, and these are not square, or do not halve so often");
  if (grid_ * grid_ != options.tokens || side_ % grid_ != 0)
    throw Error("tokenizer.tokens = " + std::to_string(options.tokens) + " is no square that parts " + std::to_string(side_) + " x " +
                std::to_string(side_) + " cells evenly");
  const auto table = [&](const char* name, std::int64_t width) {
    return register_parameter(name, delta_deviation * torch::randn({actions, width}));
  };
  encoder_actions_ = table("encoder_actions", picture_side_ * picture_side_);
  decoder_actions_ = table("decoder_actions", options.acted * side_ * side_);
  const auto coder = [&](const char* name, std::int64_t channels, bool decodes, std::int64_t from, std::int64_t to) {
    return register_module(name, FrameCoder(FrameCoderOptions{channels, options.levels}, decodes, from, to));
  };
  encoder_ = coder("encoder", options.channels, false, 2 * picture[0] + 1, options.latent);
  decoder_ = coder("decoder", options.channels, true, options.seen + options.acted + options.latent, picture[0]);
  frame_coder_ = coder("frame_coder", options.frame_channels, false, picture[0], options.seen);
  const auto cells = side_ / grid_, each = options.latent * cells * cells;
  before_ = register_module("before", torch::nn::Linear(each, options.width));
  after_ = register_module("after", torch::nn::Linear(options.width, each));
  torch::NoGradGuard no_grad;
  for (auto* layer : {&before_, &after_}) (*layer)->weight.normal_(0, delta_deviation), (*layer)->bias.zero_();
  const auto within = 1.0 / static_cast<double>(options.codes);
  codebook_ = register_buffer("codebook", torch::empty({options.codes, options.width}).uniform_(-within, within));
  use_ = register_buffer("use", torch::full({options.codes}, within));
  updates_ = register_buffer("updates", torch::zeros({}, torch::kInt64));
}

torch::Tensor DeltaIrisTokenizerImpl::parted(const torch::Tensor& cells) const {
  const auto each = side_ / grid_;
  const auto rows = cells.reshape({cells.size(0), options_.latent, grid_, each, grid_, each}).permute({0, 2, 4, 3, 5, 1});
  return rows.reshape({cells.size(0), places(), -1});
}

torch::Tensor DeltaIrisTokenizerImpl::joined(const torch::Tensor& rows) const {
  const auto each = side_ / grid_;
  const auto cells = rows.view({rows.size(0), grid_, grid_, each, each, options_.latent}).permute({0, 5, 1, 3, 2, 4});
  return cells.reshape({rows.size(0), options_.latent, side_, side_});
}

DeltaIrisTokenizerImpl::Encoded DeltaIrisTokenizerImpl::encode(const torch::Tensor& frame, const torch::Tensor& action, const torch::Tensor& next) {
  torch::Tensor cells;
  {
    Autocast autocast(bfloat16_, frame.device());
    cells = encoder_(torch::cat({frame, action_planes(action, encoder_actions_, picture_side_), next}, 1));
  }
  const auto z = unit_length(before_(parted(cells.to(torch::kFloat32))));
  return {z, z.detach().matmul(codebook_.t()).argmax(-1)};
}

torch::Tensor DeltaIrisTokenizerImpl::decode(const torch::Tensor& frame, const torch::Tensor& action, const torch::Tensor& values) {
  const auto changed = joined(after_(values));
  Autocast autocast(bfloat16_, frame.device());
  const auto seen = frame_coder_(frame);
  const auto cells = torch::cat({seen, action_planes(action, decoder_actions_, side_).to(seen.scalar_type()), changed.to(seen.scalar_type())}, 1);
  return decoder_(cells).to(torch::kFloat32);
}

torch::Tensor DeltaIrisTokenizerImpl::frames(const torch::Tensor& frame, const torch::Tensor& action, const torch::Tensor& codes) {
  return decode(frame, action, values(codes)).clamp(0, 1).mul(255).round().div(255);
}

DeltaIrisTokenizerImpl::Loss DeltaIrisTokenizerImpl::loss(const torch::Tensor& frame, const torch::Tensor& action, const torch::Tensor& next) {
  const auto encoded = encode(frame, action, next);
  const auto &z = encoded.z, q = values(encoded.codes);
  const auto off = next - decode(frame, action, z + (q - z).detach());
  Loss loss;
  loss.amount = off.abs().mean();
  loss.square = off.square().mean();
  loss.worst = off.square().flatten(1).amax(1).mean();
  loss.commitment = (z - q).square().mean();
  loss.total = options_.amount * loss.amount + loss.square + options_.worst * loss.worst + options_.commitment * loss.commitment;
  loss.codes = encoded.codes;
  loss.encoded = z.detach().flatten(0, 1);
  return loss;
}

double DeltaIrisTokenizerImpl::entropy() const {
  return -torch::xlogy(use_, use_).sum().item<double>() / std::log(2.0);
}

std::int64_t DeltaIrisTokenizerImpl::learn_codes(const Loss& loss, at::Generator rng) {
  torch::NoGradGuard no_grad;
  const auto rows = loss.encoded.size(0), all = options_.codes;
  const auto codes = loss.codes.flatten();
  const auto counts = torch::bincount(codes, {}, all).to(torch::kFloat32);
  const auto sums = torch::zeros_like(codebook_).index_add_(0, codes, loss.encoded);
  codebook_.lerp_(unit_length(sums), 1 - code_memory);
  use_.lerp_(counts / static_cast<double>(rows), 1 - use_memory_of_codes);
  std::int64_t revived = 0;
  const auto bits = entropy();
  const bool may = bits < hardly_one || updates_.item<std::int64_t>() < options_.revive_until;
  if (may && bits < std::floor(std::log2(static_cast<double>(all))) - bits_to_spare) {
    const auto idle = (use_ < expired / static_cast<double>(all)).nonzero().squeeze(1);
    const auto shuffled = [&](std::int64_t count) { return torch::randperm(count, rng, idle.options()); };
    revived = std::min(idle.size(0), rows);
    const auto chosen = idle.index_select(0, shuffled(idle.size(0)).slice(0, 0, revived));
    codebook_.index_copy_(0, chosen, loss.encoded.index_select(0, shuffled(rows).slice(0, 0, revived)));
    use_.index_fill_(0, chosen, 1 / static_cast<double>(all));
  }
  codebook_.copy_(unit_length(codebook_));
  updates_.add_(1);
  return revived;
}

std::vector<torch::Tensor> DeltaIrisTokenizerImpl::decayed() const {
  return {before_->weight, after_->weight};
}

}  // namespace dream
