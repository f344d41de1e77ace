#include "core/nn/categorical.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "core/nn/categorical_kernel.h"
#include "core/nn/kernel_path.h"

namespace dream {

namespace {

constexpr std::int64_t grain = 16384;  // numbers that are worth a thread

template <typename Work>
void each_rows(const torch::Tensor& x, const Work& work) {
  const auto classes = x.size(-1);
  at::parallel_for(0, x.numel() / classes, std::max<std::int64_t>(1, grain / classes),
                   [&](std::int64_t begin, std::int64_t end) { work(end - begin, begin * classes, begin); });
}

torch::Tensor plain_unimix(const torch::Tensor& wide, double share) {
  if (share <= 0) return torch::log_softmax(wide, -1);
  return torch::log(torch::softmax(wide, -1) * (1 - share) + share / static_cast<double>(wide.size(-1)));
}

torch::Tensor fused_unimix(const torch::Tensor& logits, double share) {
  const auto out = torch::empty_like(logits, at::MemoryFormat::Contiguous);
  const auto* from = logits.const_data_ptr<float>();
  auto* to = out.mutable_data_ptr<float>();
  each_rows(logits, [&](std::int64_t rows, std::int64_t at, std::int64_t) {
    unimix_forward(rows, logits.size(-1), static_cast<float>(share), from + at, to + at);
  });
  return out;
}

class Unimix : public torch::autograd::Function<Unimix> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& logits, double share) {
    const auto out = fused_unimix(logits, share);
    context->save_for_backward({out});
    context->saved_data["share"] = share;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto out = context->get_saved_variables()[0], gradient = gradients[0].contiguous();
    const auto share = static_cast<float>(context->saved_data["share"].toDouble());
    auto dx = torch::empty_like(out);
    const auto *of = out.const_data_ptr<float>(), *g = gradient.const_data_ptr<float>();
    auto* to = dx.mutable_data_ptr<float>();
    each_rows(out, [&](std::int64_t rows, std::int64_t at, std::int64_t) {
      unimix_backward(rows, out.size(-1), share, of + at, g + at, to + at);
    });
    return {dx, {}};
  }
};

/// The draw going forward, d/d probabilities going back.
class StraightThrough : public torch::autograd::Function<StraightThrough> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& one_hot,
                               const torch::Tensor& log_probabilities) {
    context->save_for_backward({log_probabilities});
    return one_hot.view_as(one_hot);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    return {{}, gradients[0] * context->get_saved_variables()[0].exp()};
  }
};

}  // namespace

torch::Tensor unimix(const torch::Tensor& logits, double share) {
  const auto wide = logits.to(torch::kFloat32).contiguous();
  if (!kernels_serve(wide) || wide.numel() == 0) return plain_unimix(wide, share);
  return torch::GradMode::is_enabled() && wide.requires_grad() ? Unimix::apply(wide, share) : fused_unimix(wide, share);
}

torch::Tensor sample_one_hot(const torch::Tensor& log_probabilities, at::Generator rng) {
  torch::NoGradGuard no_grad;
  const auto wide = log_probabilities.contiguous();
  auto sizes = wide.sizes().vec();
  sizes.pop_back();
  const auto uniform = torch::rand(sizes, rng, wide.options());
  auto one_hot = torch::empty_like(wide);
  if (!kernels_serve(wide)) {
    const auto drawn = (wide.exp().cumsum(-1) <= uniform.unsqueeze(-1)).sum(-1, true).clamp_max(wide.size(-1) - 1);
    return one_hot.zero_().scatter_(-1, drawn, 1);
  }
  const auto *of = wide.const_data_ptr<float>(), *by = uniform.const_data_ptr<float>();
  auto* to = one_hot.mutable_data_ptr<float>();
  each_rows(wide, [&](std::int64_t rows, std::int64_t at, std::int64_t row) {
    one_hot_draw(rows, wide.size(-1), of + at, by + row, to + at);
  });
  return one_hot;
}

torch::Tensor class_at(const torch::Tensor& logits, double temperature, const torch::Tensor& chance) {
  const auto reached = (logits / temperature).softmax(-1).cumsum(-1);
  const auto wanted = chance.unsqueeze(1) * reached.slice(1, -1);
  return (reached <= wanted).sum(1).clamp_max(logits.size(1) - 1);
}

torch::Tensor straight_through(const torch::Tensor& one_hot, const torch::Tensor& log_probabilities) {
  return StraightThrough::apply(one_hot, log_probabilities);
}

torch::Tensor categorical_kl(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.exp() * (a - b)).sum(-1);
}

torch::Tensor categorical_entropy(const torch::Tensor& log_probabilities) {
  return -(log_probabilities.exp() * log_probabilities).sum(-1);
}

torch::Tensor normal_kl(const torch::Tensor& mean_a, const torch::Tensor& std_a, const torch::Tensor& mean_b,
                        const torch::Tensor& std_b) {
  const auto ratio = (std_a / std_b).square();
  return 0.5 * (ratio + ((mean_a - mean_b) / std_b).square() - 1 - ratio.log());
}

}  // namespace dream
