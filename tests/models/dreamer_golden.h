// What the authors' own code says of Dreamer's models (tests/golden/dreamer, see its README), and how its weights lie
// in our modules.
#pragma once
#include <gtest/gtest.h>
#include "core/nn/torch.h"

#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/nn/checkpoint.h"
#include "tests/support/hashed.h"

namespace dream::test {

constexpr double golden_tolerance = 1e-4;  // relative to the largest value of a tensor

/// Our parameters by name, made from the reference's, which `ref` gives by theirs.
using Source = std::function<torch::Tensor(const std::string&)>;
using Weights = std::map<std::string, torch::Tensor>;
using Layout = std::function<Weights(const Source& ref)>;

class Golden {
 public:
  explicit Golden(const std::string& name)
      : file_(Checkpoint::load(DREAMSCOPE_SOURCE_DIR "/tests/golden/dreamer/" + name + ".safetensors")) {}

  bool has(const std::string& name) const { return file_.tensors.contains(name); }
  torch::Tensor operator()(const std::string& name) const { return file_.tensors.at(name); }
  double number(const std::string& name) const { return (*this)(name).item<double>(); }
  /// [B, T, ...] as [T, B, ...].
  torch::Tensor steps(const std::string& name) const { return (*this)(name).transpose(0, 1).contiguous(); }

  /// Expects agreement to golden_tolerance and keeps the worst difference, which the test's report shows.
  void close(const std::string& what, const torch::Tensor& ours, const torch::Tensor& expected) {
    check(what, relative_error(ours, expected));
  }
  void close(const std::string& what, const torch::Tensor& ours) { close(what, ours, (*this)(what)); }
  ~Golden() {
    std::ostringstream text;
    text << worst_ << " " << worst_name_;
    ::testing::Test::RecordProperty("worst", text.str());
  }
  Golden(const Golden&) = delete;
  Golden& operator=(const Golden&) = delete;

  /// Puts the weights into `module`; every parameter that `layout` speaks of must be there, and no other but those
  /// whose name contains `spare`.
  void fill(torch::nn::Module& module, const Layout& layout, const std::string& spare = "\n") const {
    torch::NoGradGuard no_grad;
    auto weights = layout([&](const std::string& name) { return (*this)("weight/" + name); });
    for (auto& parameter : module.named_parameters()) {
      const auto found = weights.find(parameter.key());
      if (found == weights.end()) {
        if (parameter.key().find(spare) != std::string::npos) continue;
        ADD_FAILURE() << parameter.key() << " has no golden weight";
        continue;
      }
      ASSERT_EQ(parameter.value().sizes(), found->second.sizes()) << parameter.key();
      parameter.value().copy_(found->second);
      weights.erase(found);
    }
    for (const auto& [name, tensor] : weights) ADD_FAILURE() << name << " is no parameter of ours";
  }

  /// The gradients that `module` has now, in the reference's layout: entries where the file has them (all, or the first
  /// 64), norms everywhere. Parameters whose reference's name contains a part of `other` are left away.
  void close_gradients(torch::nn::Module& module, const Layout& layout, const std::vector<std::string>& other = {}) {
    // Numbers in place of the weights tell where every entry of ours lies in the reference's.
    std::map<std::string, std::int64_t> begins;
    std::int64_t count = 0;
    const auto places = layout([&](const std::string& name) {
      const auto like = (*this)("weight/" + name);
      if (!begins.contains(name)) begins[name] = count, count += like.numel();
      return torch::arange(begins[name], begins[name] + like.numel(), torch::kInt64).view(like.sizes());
    });
    auto all = torch::zeros({count}, torch::kFloat32);
    for (const auto& parameter : module.named_parameters()) {
      const auto& gradient = parameter.value().grad();
      if (gradient.defined() && places.contains(parameter.key()))
        all.scatter_add_(0, places.at(parameter.key()).flatten(), gradient.flatten());
    }
    for (const auto& part : other)
      std::erase_if(begins, [&](const auto& entry) { return entry.first.find(part) != std::string::npos; });
    double largest = 0;
    for (const auto& [name, begin] : begins) largest = std::max(largest, number("gradnorm/" + name));
    for (const auto& [name, begin] : begins) {
      const auto ours = all.slice(0, begin, begin + (*this)("weight/" + name).numel());
      const auto entries = (*this)("grad/" + name).flatten();
      const double norm = number("gradnorm/" + name), floor = 1e-5 * largest;  // below that rounding rules
      check("gradnorm/" + name, std::abs(ours.norm().item<double>() - norm) / std::max(norm, floor));
      const double size = std::max(entries.abs().max().item<double>(), floor);
      check("grad/" + name, (ours.slice(0, 0, entries.numel()) - entries).abs().max().item<double>() / size);
    }
  }

 private:
  void check(const std::string& what, double error) {
    EXPECT_LT(error, golden_tolerance) << what;
    if (!(error <= worst_)) worst_ = error, worst_name_ = what;
  }
  Checkpoint file_;
  double worst_ = 0;
  std::string worst_name_;
};

/// Builds `Weights` layer by layer. Kernels of JAX and Keras are [in, out] and [H, W, in, out].
struct Mapping {
  const Source& ref;
  Weights out = {};

  static torch::Tensor as_is(const torch::Tensor& kernel) { return kernel; }
  using Rows = std::function<torch::Tensor(const torch::Tensor&)>;

  void linear(const std::string& ours, const std::string& theirs, const Rows& rows = as_is) {
    out[ours + ".weight"] = rows(ref(theirs + "/kernel")).t();
    out[ours + ".bias"] = ref(theirs + "/bias");
  }
  void conv(const std::string& ours, const std::string& theirs) {
    out[ours + ".weight"] = ref(theirs + "/kernel").permute({3, 2, 0, 1});
    out[ours + ".bias"] = ref(theirs + "/bias");
  }
  /// Two heads of the reference, mean and deviation, in one output.
  void twin(const std::string& ours, const std::string& mean, const std::string& deviation) {
    out[ours + ".weight"] = torch::cat({ref(mean + "/kernel"), ref(deviation + "/kernel")}, 1).t();
    out[ours + ".bias"] = torch::cat({ref(mean + "/bias"), ref(deviation + "/bias")});
  }
};

}  // namespace dream::test
