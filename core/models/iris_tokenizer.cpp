#include "core/models/iris_tokenizer.h"

#include <string>

#include "api/error.h"
#include "core/nn/attention.h"
#include "core/nn/group_norm.h"
#include "core/nn/precision.h"

namespace dream {
namespace {

constexpr double told_apart = 0.25;  // of the deviation of what was encoded: nearer to a code nothing needs one of its own
constexpr std::int64_t iris_group = 2;  // channels of a group: 32 groups of 64
constexpr double iris_eps = 1e-6, use_memory = 0.97;
constexpr double unused = 0.05;  // of what each would have, were all alike

torch::nn::Conv2d iris_conv(std::int64_t from, std::int64_t to, std::int64_t kernel, std::int64_t stride = 1) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, kernel).stride(stride).padding(stride == 1 ? kernel / 2 : 0));
}

/// Of neighbouring pixels, below and to the right.
torch::Tensor detail_error(const torch::Tensor& x, const torch::Tensor& y) {
  const auto off = x - y;
  return (off.slice(2, 1) - off.slice(2, 0, -1)).abs().mean() + (off.slice(3, 1) - off.slice(3, 0, -1)).abs().mean();
}

/// Where an error is larger than 1/8 it weighs more than by its amount, and more the farther a pixel is from the mean picture.
torch::Tensor focused_error(const torch::Tensor& x, const torch::Tensor& y, double focus) {
  const auto weight = 1 + focus * (x - x.mean(0, true)).abs().amax(1, true);
  return 4 * (weight / weight.mean() * (x - y).square()).mean();
}

}  // namespace

IrisNormImpl::IrisNormImpl(std::int64_t channels) {
  if (channels % iris_group != 0)
    throw Error("tokenizer.channels = " + std::to_string(channels) + ": an even number was expected, as two channels are normed together");
  weight = register_parameter("weight", torch::ones({channels}));
  bias = register_parameter("bias", torch::zeros({channels}));
}

torch::Tensor IrisNormImpl::forward(const torch::Tensor& x, bool silu) {
  const auto like = [&](const torch::Tensor& t) { return t.unsqueeze(0).to(x.scalar_type()); };
  return group_norm(x, std::max<std::int64_t>(1, x.size(1) / iris_group), iris_eps, like(weight), like(bias), silu);
}

IrisBlockImpl::IrisBlockImpl(std::int64_t channels) {
  norm1 = register_module("norm1", IrisNorm(channels));
  conv1 = register_module("conv1", iris_conv(channels, channels, 3));
  norm2 = register_module("norm2", IrisNorm(channels));
  conv2 = register_module("conv2", iris_conv(channels, channels, 3));
}

torch::Tensor IrisBlockImpl::forward(const torch::Tensor& x) {
  return x + conv2(norm2(conv1(norm1(x, true)), true));
}

IrisLookImpl::IrisLookImpl(std::int64_t channels) {
  norm = register_module("norm", IrisNorm(channels));
  query_key_value = register_module("query_key_value", iris_conv(channels, 3 * channels, 1));
  seen = register_module("seen", iris_conv(channels, channels, 1));
}

torch::Tensor IrisLookImpl::forward(const torch::Tensor& x) {
  const auto asked = query_key_value(norm(x)).permute({0, 2, 3, 1}).flatten(1, 2).unsqueeze(2);  // [N, H W, 1, 3 C]
  const auto looked = attention(asked, 1, false).view({x.size(0), x.size(2), x.size(3), x.size(1)});
  return x + seen(looked.permute({0, 3, 1, 2}));
}

IrisCoderImpl::IrisCoderImpl(const IrisTokenizerOptions& options, std::int64_t side, bool decodes, std::int64_t from, std::int64_t to)
    : decodes_(decodes) {
  const auto channels = options.channels;
  in_ = register_module("in", iris_conv(from, channels, 3));
  for (std::int64_t i = 0; i < options.levels; ++i) {
    const auto name = "level" + std::to_string(i) + "_";
    Level level;
    const auto here = side >> (decodes ? options.levels - 1 - i : i);
    for (std::int64_t b = 0; b < options.blocks + (decodes ? 1 : 0); ++b) {
      level.blocks.push_back(register_module(name + "block" + std::to_string(b), IrisBlock(channels)));
      if (here >= 8 && here <= options.attention) level.looks.push_back(register_module(name + "look" + std::to_string(b), IrisLook(channels)));
    }
    if (i + 1 < options.levels) level.resized = register_module(name + "resized", iris_conv(channels, channels, 3, decodes ? 1 : 2));
    levels_.push_back(std::move(level));
  }
  for (int i = 0; i < 2; ++i) middle_.push_back(register_module("middle" + std::to_string(i), IrisBlock(channels)));
  look_ = register_module("middle_look", IrisLook(channels));
  norm_ = register_module("norm", IrisNorm(channels));
  out_ = register_module("out", iris_conv(channels, to, 3));
}

torch::Tensor IrisCoderImpl::through(Level& level, torch::Tensor x) {
  for (std::size_t i = 0; i < level.blocks.size(); ++i) {
    x = level.blocks[i](x);
    if (!level.looks.empty()) x = level.looks[i](x);
  }
  if (level.resized.is_empty()) return x;
  // A stride of two pads below and to the right alone.
  return level.resized(decodes_ ? torch::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}) : torch::constant_pad_nd(x, {0, 1, 0, 1}));
}

torch::Tensor IrisCoderImpl::forward(torch::Tensor x) {
  x = in_(x.contiguous(at::MemoryFormat::ChannelsLast));
  if (decodes_) x = middle(x);
  for (auto& level : levels_) x = through(level, x);
  if (!decodes_) x = middle(x);
  return out_(norm_(x, true));
}

IrisTokenizerImpl::IrisTokenizerImpl(const IrisTokenizerOptions& options, at::IntArrayRef picture)
    : options_(options), side_(picture.size() == 3 ? picture[1] >> (options.levels - 1) : 0) {
  if (side_ < 1 || picture[1] != picture[2] || side_ << (options.levels - 1) != picture[1])
    throw Error("tokenizer.levels = " + std::to_string(options.levels) + " halves the side of pictures " + std::to_string(options.levels - 1) +
                " times, and these are not square, or do not halve so often");
  encoder_ = register_module("encoder", IrisCoder(options, picture[1], false, picture[0], options.width));
  before_ = register_module("before", iris_conv(options.width, options.width, 1));
  const auto codebook = torch::empty({options.codes, options.width});
  const auto within = 1.0 / static_cast<double>(options.codes);
  codebook_ = register_parameter("codebook", options.first_codes > 0 ? codebook.normal_(0, options.first_codes) : codebook.uniform_(-within, within));
  after_ = register_module("after", iris_conv(options.width, options.width, 1));
  decoder_ = register_module("decoder", IrisCoder(options, picture[1], true, options.width, picture[0]));
  use_ = register_buffer("use", torch::full({options.codes}, 1.0 / static_cast<double>(options.codes)));
}

IrisTokenizerImpl::Encoded IrisTokenizerImpl::encode(const torch::Tensor& pictures) {
  torch::Tensor z;
  {
    Autocast autocast(bfloat16_, pictures.device());
    z = before_(encoder_(2 * pictures - 1));
  }
  z = z.to(torch::kFloat32);
  const auto rows = z.permute({0, 2, 3, 1}).reshape({-1, options_.width});
  torch::Tensor codes;
  {
    torch::NoGradGuard no_grad;
    // |z − e|² without |z|², which is the same for all codes.
    codes = torch::addmm(codebook_.square().sum(1), rows.detach(), codebook_.t(), 1, -2).argmin(1).view({z.size(0), -1});
  }
  return {z, codebook_.index({codes}).view({z.size(0), side_, side_, -1}).permute({0, 3, 1, 2}), codes};
}

torch::Tensor IrisTokenizerImpl::decode(const torch::Tensor& z) {
  torch::Tensor y;
  {
    Autocast autocast(bfloat16_, z.device());
    y = decoder_(after_(z));
  }
  return y.to(torch::kFloat32);
}

torch::Tensor IrisTokenizerImpl::pictures(const torch::Tensor& tokens) {
  const auto z = values(tokens).view({tokens.size(0), side_, side_, -1}).permute({0, 3, 1, 2});
  return ((decode(z) + 1) / 2).clamp(0, 1);
}

IrisTokenizerImpl::Loss IrisTokenizerImpl::loss(const torch::Tensor& pictures) {
  const auto encoded = encode(pictures);
  const auto &z = encoded.z, &q = encoded.quantised;
  const auto target = 2 * pictures - 1, rebuilt = decode(z + (q - z).detach());
  Loss loss;
  loss.codebook = (z.detach() - q).square().mean() + options_.commitment * (z - q.detach()).square().mean();
  loss.reconstruction = options_.focus > 0 ? focused_error(target, rebuilt, options_.focus) : (target - rebuilt).abs().mean();
  loss.detail = detail_error(target, rebuilt);
  loss.total = loss.codebook + loss.reconstruction + options_.detail * loss.detail;
  loss.codes = encoded.codes;
  loss.encoded = z.detach().permute({0, 2, 3, 1}).reshape({-1, options_.width});
  return loss;
}

std::int64_t IrisTokenizerImpl::note_use(const Loss& loss) {
  torch::NoGradGuard no_grad;
  const auto all = static_cast<double>(options_.codes);
  const auto share = torch::bincount(loss.codes.flatten(), {}, options_.codes).to(torch::kFloat32) / static_cast<double>(loss.codes.numel());
  use_.mul_(use_memory).add_(share, 1 - use_memory);
  if (!options_.revive) return 0;
  const auto idle = (use_ < unused / all).nonzero().squeeze(1);
  if (idle.numel() == 0) return 0;
  auto apart = torch::cdist(loss.encoded, codebook_).amin(1);  // of every place from the nearest code
  const auto near = told_apart * (loss.encoded - loss.encoded.mean(0)).square().sum(1).mean().sqrt() + 1e-6;
  std::int64_t revived = 0;
  for (; revived < idle.size(0); ++revived) {
    const auto farthest = apart.argmax();
    if ((apart.index({farthest}) <= near).item<bool>()) break;
    const auto row = loss.encoded.index({farthest});
    const auto code = idle[revived].item<std::int64_t>();
    codebook_[code].copy_(row);
    use_[code].fill_(1 / all);
    apart = torch::minimum(apart, (loss.encoded - row).norm(2, 1));
  }
  use_.div_(use_.sum());
  return revived;
}

}  // namespace dream
