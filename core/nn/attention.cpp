#include "core/nn/attention.h"

#include <ATen/Parallel.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/nn/attention_kernel.h"
#include "core/nn/kernel_path.h"
#include "core/nn/torch.h"

namespace dream {
namespace {

constexpr std::int64_t attention_grain = 1 << 15;  // products that are worth a thread

struct AttentionLayout {
  AttentionLayout(const torch::Tensor& x, std::int64_t heads, bool causal)
      : heads(heads), groups(x.size(0)), columns(x.size(2)), width(x.size(3) / 3) {
    shape = {x.size(1), width / heads, width, columns * 3 * width, columns * width, causal};
  }
  /// Calls work(query, answer, weight, scratch) with where they begin for every head of every window.
  template <typename Work>
  void each(const Work& work) const {
    const auto cost = shape.tokens * shape.tokens * shape.each;
    at::parallel_for(0, groups * columns * heads, std::max<std::int64_t>(1, attention_grain / cost),
                     [&](std::int64_t begin, std::int64_t end) {
                       std::vector<float> scratch(static_cast<std::size_t>(attention_scratch(shape)));
                       for (auto i = begin; i < end; ++i) {
                         const auto head = i % heads, column = i / heads % columns, group = i / heads / columns;
                         const auto token = group * shape.tokens * columns + column;
                         work(token * 3 * width + head * shape.each, token * width + head * shape.each,
                              i * shape.tokens, scratch.data());
                       }
                     });
  }
  AttentionShape shape;
  std::int64_t heads, groups, columns, width;
};

torch::Tensor attended(const torch::Tensor& x, const AttentionLayout& layout, torch::Tensor& weight) {
  auto out = torch::empty({x.size(0), x.size(1), x.size(2), layout.width}, x.options().requires_grad(false));
  weight = torch::empty({layout.groups * layout.columns * layout.heads, layout.shape.tokens}, out.options());
  const auto* from = x.const_data_ptr<float>();
  auto *to = out.mutable_data_ptr<float>(), *sums = weight.mutable_data_ptr<float>();
  layout.each([&](std::int64_t query, std::int64_t answer, std::int64_t row, float* scratch) {
    attention_forward(layout.shape, from + query, to + answer, sums + row, scratch);
  });
  return out;
}

class AttentionFunction : public torch::autograd::Function<AttentionFunction> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x, std::int64_t heads,
                               bool causal) {
    torch::Tensor weight;
    const auto out = attended(x, {x, heads, causal}, weight);
    context->save_for_backward({x, out, weight});
    context->saved_data["heads"] = heads;
    context->saved_data["causal"] = causal;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &out = saved[1], &weight = saved[2];
    const AttentionLayout layout(x, context->saved_data["heads"].toInt(), context->saved_data["causal"].toBool());
    const auto dout = gradients[0].contiguous();
    auto dx = torch::empty_like(x);
    const auto *from = x.const_data_ptr<float>(), *answers = out.const_data_ptr<float>(),
               *sums = weight.const_data_ptr<float>(), *slopes = dout.const_data_ptr<float>();
    auto* to = dx.mutable_data_ptr<float>();
    layout.each([&](std::int64_t query, std::int64_t answer, std::int64_t row, float* scratch) {
      attention_backward(layout.shape, from + query, answers + answer, sums + row, slopes + answer, to + query,
                         scratch);
    });
    return {dx, {}, {}};
  }
};

/// Of q over k and v, [..., tokens, each]; `hidden` keys, where defined, are not looked at.
torch::Tensor plain_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                              const torch::Tensor& hidden) {
  auto weights = q.matmul(k.transpose(-1, -2)) / std::sqrt(static_cast<double>(q.size(-1)));
  if (hidden.defined()) weights = weights.masked_fill(hidden, -std::numeric_limits<float>::infinity());
  return weights.softmax(-1).to(v.scalar_type()).matmul(v);
}

}  // namespace

torch::Tensor attention(const torch::Tensor& query_key_value, std::int64_t heads, bool causal) {
  const auto tokens = query_key_value.size(1), width = query_key_value.size(3) / 3;
  if (kernels_serve(query_key_value) && query_key_value.scalar_type() == torch::kBFloat16)
    return attention(query_key_value.to(torch::kFloat32), heads, causal).to(torch::kBFloat16);
  if (!kernels_serve(query_key_value) || query_key_value.scalar_type() != torch::kFloat32) {
    const auto parts = query_key_value.unflatten(3, {3, heads, width / heads})
                           .permute({3, 0, 2, 4, 1, 5});  // [3, N, M, heads, L, each]
    torch::Tensor later;
    if (causal) later = torch::ones({tokens, tokens}, query_key_value.options().dtype(torch::kBool)).triu(1);
    return plain_attention(parts[0], parts[1], parts[2], later).permute({0, 3, 1, 2, 4}).flatten(3);
  }
  const auto x = query_key_value.contiguous();
  if (torch::GradMode::is_enabled() && x.requires_grad()) return AttentionFunction::apply(x, heads, causal);
  torch::Tensor weight;
  return attended(x, {x, heads, causal}, weight);
}

torch::Tensor attention_of_next(const torch::Tensor& query_key_value, const torch::Tensor& before,
                                const torch::Tensor& count, std::int64_t heads) {
  const auto batch = before.size(0), frames = before.size(1), places = before.size(2), width = before.size(3) / 3,
             each = width / heads;
  const bool recorded = torch::GradMode::is_enabled() && (query_key_value.requires_grad() || before.requires_grad());
  if (recorded || !kernels_serve(before) || before.scalar_type() != torch::kFloat32 ||
      query_key_value.scalar_type() != torch::kFloat32) {
    const auto all = torch::cat({before, query_key_value.unsqueeze(1).to(before.scalar_type())}, 1)
                         .view({batch, frames + 1, places, 3, heads, each})
                         .permute({3, 0, 2, 4, 1, 5});  // [3, B, S, heads, T + 1, each]
    auto hidden = torch::arange(frames + 1, count.options()) >= count.unsqueeze(1);
    hidden.select(1, frames).fill_(false);  // it sees itself
    return plain_attention(all[0].slice(-2, frames), all[1], all[2], hidden.view({batch, 1, 1, 1, -1}))
        .reshape({batch, places, width});
  }
  const auto now = query_key_value.contiguous(), past = before.contiguous(), there = count.contiguous();
  auto out = torch::empty({batch, places, width}, now.options());
  const AttentionShape shape{1, each, width, places * 3 * width, width, false};
  const auto *queries = now.const_data_ptr<float>(), *keys = past.const_data_ptr<float>();
  const auto* counts = there.const_data_ptr<std::int64_t>();
  auto* to = out.mutable_data_ptr<float>();
  at::parallel_for(0, batch * places, std::max<std::int64_t>(1, attention_grain / (width * (frames + 1))),
                   [&](std::int64_t begin, std::int64_t end) {
                     std::vector<float> scores(static_cast<std::size_t>(frames + 1));
                     for (auto i = begin; i < end; ++i) {
                       const auto lane = i / places, place = i % places;
                       for (std::int64_t head = 0; head < heads; ++head)
                         attention_next(shape, counts[lane], queries + i * 3 * width + head * each,
                                        keys + (lane * frames * places + place) * 3 * width + width + head * each,
                                        to + i * width + head * each, scores.data());
                     }
                   });
  return out;
}

}  // namespace dream
