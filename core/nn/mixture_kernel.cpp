#include "core/nn/mixture_kernel.h"

#include <cmath>

#include "core/nn/fast_math.h"

namespace dream {
namespace {

constexpr int block = 16;  // scalars side by side: one vector register of floats each
constexpr float half_log_two_pi = 0.918938533f;

}  // namespace

DREAM_VECTOR_CLONES
double mixture_nll_gradient(std::int64_t count, std::int64_t mixtures, const float* outputs, const float* values,
                            float* gradient) {
  double total = 0;
  float logit[most_mixtures][block], mean[most_mixtures][block], deviation[most_mixtures][block];
  float joint[most_mixtures][block];
  const auto width = 3 * mixtures;
  for (std::int64_t start = 0; start < count; start += block) {
    const int lanes = static_cast<int>(count - start < block ? count - start : block);
    float z[block] = {}, top_logit[block], top_joint[block], sum_logit[block] = {}, sum_joint[block] = {};
    for (int lane = 0; lane < lanes; ++lane) z[lane] = values[start + lane];
    // Transposed into lanes; idle lanes repeat the first, so that nothing below branches.
    for (int lane = 0; lane < block; ++lane) {
      const float* row = outputs + (start + (lane < lanes ? lane : 0)) * width;
      for (std::int64_t k = 0; k < mixtures; ++k) {
        logit[k][lane] = row[k];
        mean[k][lane] = row[mixtures + k];
        deviation[k][lane] = row[2 * mixtures + k];
      }
    }
    for (int lane = 0; lane < block; ++lane) top_logit[lane] = top_joint[lane] = -1e30f;
    for (std::int64_t k = 0; k < mixtures; ++k) {
      for (int lane = 0; lane < block; ++lane) {
        const float s = (z[lane] - mean[k][lane]) * fast_exp(-deviation[k][lane]);
        joint[k][lane] = logit[k][lane] - 0.5f * s * s - deviation[k][lane];
        mean[k][lane] = s;  // from here on: the standardised distance
        top_logit[lane] = top_logit[lane] > logit[k][lane] ? top_logit[lane] : logit[k][lane];
        top_joint[lane] = top_joint[lane] > joint[k][lane] ? top_joint[lane] : joint[k][lane];
      }
    }
    for (std::int64_t k = 0; k < mixtures; ++k) {
      for (int lane = 0; lane < block; ++lane) {
        logit[k][lane] = fast_exp(logit[k][lane] - top_logit[lane]);
        joint[k][lane] = fast_exp(joint[k][lane] - top_joint[lane]);
        sum_logit[lane] += logit[k][lane];
        sum_joint[lane] += joint[k][lane];
      }
    }
    for (int lane = 0; lane < lanes; ++lane) {
      total += static_cast<double>(half_log_two_pi + (top_logit[lane] - top_joint[lane])) +
               std::log(static_cast<double>(sum_logit[lane]) / static_cast<double>(sum_joint[lane]));
    }
    // With r_k the responsibility of component k: d/dlogit = π_k - r_k, d/dμ = -r_k·s/σ, d/dlogσ = r_k·(1 - s²).
    for (std::int64_t k = 0; k < mixtures; ++k) {
      for (int lane = 0; lane < block; ++lane) {
        const float r = joint[k][lane] / sum_joint[lane], s = mean[k][lane];
        logit[k][lane] = logit[k][lane] / sum_logit[lane] - r;
        mean[k][lane] = -r * s * fast_exp(-deviation[k][lane]);
        deviation[k][lane] = r * (1 - s * s);
      }
    }
    for (int lane = 0; lane < lanes; ++lane) {
      float* row = gradient + (start + lane) * width;
      for (std::int64_t k = 0; k < mixtures; ++k) {
        row[k] = logit[k][lane];
        row[mixtures + k] = mean[k][lane];
        row[2 * mixtures + k] = deviation[k][lane];
      }
    }
  }
  return total;
}

}  // namespace dream
