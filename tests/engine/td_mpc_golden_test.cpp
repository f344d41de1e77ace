// One update of TD-MPC2 and of TD-MPC beside the authors' own code: same weights, pieces and draws in, same targets,
// losses, gradients and weights out. See tests/golden/make_td_mpc2.py and make_td_mpc.py.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/engine/td_mpc/td_mpc.h"
#include "core/nn/generator.h"

namespace dream {
namespace td_mpc_golden_test {

constexpr double tolerance = 1e-4;  // relative to the largest value of a tensor

class TdMpcGolden : public ::testing::TestWithParam<const char*> {
 protected:
  TdMpcGolden()
      : first_(GetParam() == std::string("v1")),
        file_(Checkpoint::load(DREAMSCOPE_SOURCE_DIR "/tests/golden/td_mpc/" + std::string(GetParam()) +
                               ".safetensors")) {
    torch::set_num_threads(1);
    for (int i = 0; i < 5; ++i) spaces_.vector_names.push_back("v" + std::to_string(i));
    spaces_.action.axes = {"a", "b"};
    spaces_.action.low = {-1, -1}, spaces_.action.high = {1, 1}, spaces_.action.idle = {0, 0};
    set_published(options_, first_ ? "td-mpc" : "td-mpc2", 2, 200);
    auto& world = options_.world;
    world.latent = first_ ? 7 : 16, world.units = 12, world.encoder_units = 10, world.episodic = !first_;
    auto& behaviour = options_.behaviour;
    behaviour.units = 12, behaviour.dropout = 0, behaviour.members = first_ ? 2 : 5;
    if (!first_) behaviour.discount = td_discount(200);
    model_ = std::make_unique<TdMpc>(world, spaces_);
    policy_ = std::make_unique<TdPolicy>(model_->feature_count(), spaces_.action, behaviour);
    {
      torch::NoGradGuard no_grad;
      for (auto& [name, tensor] : parameters()) tensor.copy_(file_.tensors.at("weight/" + name));
    }
    batch_.vector = in("obs");
    const auto led = [](const torch::Tensor& x) { return torch::cat({torch::zeros_like(x.slice(0, 0, 1)), x}); };
    batch_.action = led(in("action")), batch_.reward = led(in("reward"));
    batch_.terminated = first_ ? torch::zeros_like(batch_.reward) : led(in("terminated"));
    batch_.first = torch::zeros_like(batch_.reward), batch_.last = batch_.terminated;
    const auto both = torch::tensor({0, 1});
    given_ = {in("target_noise"), in("policy_noise"), first_ ? both : in("target_pair"),
              first_ ? both : in("policy_pair"), false};
  }

  torch::Tensor in(const std::string& name) const { return file_.tensors.at("in/" + name); }
  torch::Tensor out(const std::string& name) const { return file_.tensors.at("out/" + name); }
  std::vector<std::pair<std::string, torch::Tensor>> parameters() {
    std::vector<std::pair<std::string, torch::Tensor>> all;
    for (const auto* module :
         {static_cast<torch::nn::Module*>(model_.get()), static_cast<torch::nn::Module*>(policy_.get())})
      for (const auto& p : module->named_parameters()) all.emplace_back(p.key(), p.value());
    return all;
  }
  static void close(const std::string& what, const torch::Tensor& ours, const torch::Tensor& theirs) {
    const auto a = ours.detach().to(torch::kFloat64).flatten(), b = theirs.to(torch::kFloat64).flatten();
    ASSERT_EQ(a.numel(), b.numel()) << what;
    const double size = std::max(1e-3, b.abs().max().item<double>());
    EXPECT_LE((a - b).abs().max().item<double>() / size, tolerance) << what;
  }
  TdModelLoss model_loss() {
    return td_model_loss(*model_, *policy_, batch_, options_.loss, given_, make_generator(torch::kCPU, 1));
  }
  TdPolicy::Loss policy_loss(const TdModelLoss& model) {
    return td_policy_loss(*policy_, model, options_.loss, given_, make_generator(torch::kCPU, 1));
  }

  bool first_;
  Checkpoint file_;
  Spaces spaces_;
  TdMpcRunOptions options_;
  std::unique_ptr<TdMpc> model_;
  std::unique_ptr<TdPolicy> policy_;
  SequenceBatch batch_;
  TdGiven given_;
};

TEST_P(TdMpcGolden, TheModelsLossIsTheirs) {
  const auto loss = model_loss();
  const double steps = first_ ? 3 : 1;  // TD-MPC sums over the horizon and divides the gradient
  close("td_target", loss.target, out("td_target"));
  close("z", loss.z, out("z"));
  for (const auto& [name, term] : loss.terms) close(name, steps * term, out(name + "_loss"));
  EXPECT_EQ(loss.terms.size(), first_ ? 3u : 4u);
  close("total", steps * loss.total, out("total_loss"));
  loss.total.backward();
  auto squares = torch::zeros({});
  for (const auto& [name, tensor] : parameters()) {
    if (name.starts_with("policy.") || name.starts_with("slow_")) {
      EXPECT_FALSE(tensor.grad().defined()) << name;
      continue;
    }
    close(name, tensor.grad(), file_.tensors.at("grad/" + name));
    squares += tensor.grad().square().sum();
  }
  close("gradient", squares.sqrt(), out("grad_norm"));
}

/// Theirs is taken after the model's step, with the Q-functions as they are then.
TEST_P(TdMpcGolden, ThePolicysLossIsTheirs) {
  const auto model = model_loss();
  {
    torch::NoGradGuard no_grad;
    for (auto& [name, tensor] : parameters())
      if (name.starts_with("q.")) tensor.copy_(file_.tensors.at("after/" + name));
  }
  const auto loss = policy_loss(model);
  close("policy", loss.total, out("pi_loss"));
  if (!first_) {
    close("entropy", loss.entropy, out("pi_entropy"));
    close("scale", torch::full({1}, policy_->scale()), out("scale"));
  }
  loss.total.backward();
  for (const auto& [name, tensor] : parameters())
    if (name.starts_with("policy.")) close(name, tensor.grad(), file_.tensors.at("grad/" + name));
}

/// Adam with the encoder's smaller step and one clip over all; the slow weights follow.
TEST_P(TdMpcGolden, TheWeightsAfterAnUpdateAreTheirs) {
  const auto model = model_loss();
  model.total.backward();
  auto rest = model_->other_parameters();
  for (const auto& p : policy_->q_parameters()) rest.push_back(p);
  const auto encoder = model_->encoder_parameters();
  auto all = rest;
  all.insert(all.end(), encoder.begin(), encoder.end());
  EXPECT_GT(clip_together(all, 1), 1) << "the clip is felt";
  const double rate = options_.learning_rate;
  Optimiser(encoder, td_adam(options_.encoder_share * rate, 1e-8, 0)).step();
  Optimiser(rest, td_adam(rate, 1e-8, 0)).step();
  policy_loss(model).total.backward();
  Optimiser(policy_->policy_parameters(), td_adam(rate, options_.policy_eps, 1)).step();
  policy_->update_target(options_.behaviour.target_every);
  model_->update_target(options_.behaviour.target_share);
  for (const auto& [name, tensor] : parameters()) {
    auto away = (tensor.detach() - file_.tensors.at("after/" + name)).abs();
    // Where a gradient is nothing but rounding, Adam makes a whole step of it.
    if (!name.starts_with("slow_")) away = away.masked_select(file_.tensors.at("grad/" + name).abs() > 1e-5);
    if (away.numel() == 0) continue;
    EXPECT_LE(away.max().item<double>(), 0.01 * rate) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Both, TdMpcGolden, ::testing::Values("v1", "v2"),
                         [](const auto& of) { return std::string(of.param); });

}  // namespace td_mpc_golden_test
}  // namespace dream
