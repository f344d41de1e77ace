#include "core/nn/sample_kernel.h"

#include "core/nn/fast_math.h"

namespace dream {
namespace {

constexpr int block = 16;  // scalars side by side

}  // namespace

DREAM_VECTOR_CLONES
void mixture_sample(std::int64_t count, std::int64_t mixtures, const float* outputs, float tau_mixture, float spread,
                    const float* uniform, const float* normal, float* value, std::int64_t* component) {
  const auto width = 3 * mixtures;
  const float inverse_tau = 1.0f / tau_mixture;
  for (std::int64_t start = 0; start < count; start += block) {
    const int lanes = static_cast<int>(count - start < block ? count - start : block);
    const float* row[block];
    for (int lane = 0; lane < block; ++lane) row[lane] = outputs + (start + (lane < lanes ? lane : 0)) * width;
    float top[block], sum[block] = {}, target[block], cumulative[block] = {};
    std::int32_t chosen[block] = {};
    for (int lane = 0; lane < block; ++lane) top[lane] = -1e30f;
    for (std::int64_t k = 0; k < mixtures; ++k) {
      for (int lane = 0; lane < block; ++lane) top[lane] = top[lane] > row[lane][k] ? top[lane] : row[lane][k];
    }
    for (std::int64_t k = 0; k < mixtures; ++k) {
      for (int lane = 0; lane < block; ++lane) sum[lane] += fast_exp((row[lane][k] - top[lane]) * inverse_tau);
    }
    for (int lane = 0; lane < block; ++lane) target[lane] = uniform[start + (lane < lanes ? lane : 0)] * sum[lane];
    for (std::int64_t k = 0; k + 1 < mixtures; ++k) {
      for (int lane = 0; lane < block; ++lane) {
        cumulative[lane] += fast_exp((row[lane][k] - top[lane]) * inverse_tau);
        chosen[lane] += target[lane] > cumulative[lane];
      }
    }
    float mean[block], deviation[block];
    for (int lane = 0; lane < block; ++lane) {
      mean[lane] = row[lane][mixtures + chosen[lane]];
      deviation[lane] = row[lane][2 * mixtures + chosen[lane]];
    }
    for (int lane = 0; lane < lanes; ++lane) {
      value[start + lane] = mean[lane] + fast_exp(deviation[lane]) * spread * normal[start + lane];
      component[start + lane] = chosen[lane];
    }
  }
}

}  // namespace dream
