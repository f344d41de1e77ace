// What ctallec/world-models saves of V, M and C as a run: files of its names, two of them written by torch.save, and what its arithmetic
// makes of them (tests/golden/make_ctallec.py).
#include "core/behaviours/linear_controller.h"
#include "core/models/vmc.h"
#include "core/nn/generator.h"
#include "core/nn/state_dict.h"
#include "tests/engine/brought_fixture.h"
#include "tests/support/hashed_golden.h"

namespace dream {
namespace brought_ctallec_test {

using test::HashedGolden;

const CtallecShape small{5, 3, 16, 4};
constexpr std::int64_t steps = 6, lanes = 2;

std::filesystem::path golden_file(const std::string& name) {
  return DREAMSCOPE_SOURCE_DIR "/tests/golden/ctallec/" + name;
}
torch::Tensor frames() {  // uint8 [9, 64, 64, 3]
  return ((test::hashed_pictures("frames", {9, 3, 64, 64}) + 1) * 127.5f).round().to(torch::kUInt8).permute({0, 2, 3, 1}).contiguous();
}

class BroughtCtallec : public test::BroughtTest {
 protected:
  /// As trainvae.py saves it.
  Tensors v_file() {
    Tensors file = {{"optimizer.state.0.exp_avg", torch::zeros({3})}};
    for (const auto& p : Vae(small.latent)->named_parameters()) {
      const auto name = ctallec_parts(small, "model/v." + p.key()).at(0).name;
      HashedGolden::fill(file["state_dict." + name] = torch::empty(p.value().sizes()), name);
    }
    return file;
  }
  Tensors m_file() { return read_state_dict(golden_file("mdrnn.tar")).tensors; }
  Tensors c_file() { return read_state_dict(golden_file("ctrl.tar")).tensors; }

  Brought of_files(const std::vector<std::filesystem::path>& files, const std::string& world = "CarRacing") {
    BroughtSpec spec;
    spec.files = files, spec.kind = "ctallec", spec.environment = world;
    return bring(spec);
  }
  Brought of_tensors(const Tensors& v, const Tensors& m, const Tensors& c, const std::string& world = "CarRacing") {
    return of_files({written(v, "v.safetensors"), written(m, "m.safetensors"), written(c, "c.safetensors")}, world);
  }
  void says(const std::function<void()>& what, const std::vector<std::string>& parts) {
    try {
      what();
      ADD_FAILURE() << "not refused: " << parts[0];
    } catch (const Error& error) {
      for (const auto& part : parts) EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << part << " in " << error.what();
    }
  }
  std::filesystem::path v_ = written(v_file(), "vae.safetensors");
};

TEST_F(BroughtCtallec, SaysWhatItsArithmeticSays) {
  torch::NoGradGuard no_grad;
  const HashedGolden golden("ctallec/ctallec.npz");
  const auto what = of_files({v_, golden_file("mdrnn.tar"), golden_file("ctrl.tar")});
  const auto system = opened(what);
  auto& model = dynamic_cast<VmcModel&>(*system->model);
  const auto close = [&](const std::string& name, const torch::Tensor& ours) {
    golden.close(name, ours, 1e-5);
    RecordProperty(name, std::to_string(test::relative_error(ours, golden(name)) * 1e6) + "e-6");  // for the test's report
  };

  const auto seen = model.v()->encode(frames());
  close("mu", seen.mean);
  close("logsigma", 0.5 * seen.log_variance);
  EXPECT_LT(test::relative_error(model.v()->encode(frames().slice(0, 0, 3)).mean, golden("mu").slice(0, 0, 3)), 1e-5) << "few frames take another way";
  const auto every = [](const torch::Tensor& pictures) { return pictures.slice(0, 0, 3).slice(2, 0, 64, 4).slice(3, 0, 64, 4); };
  close("rebuilt", every(model.v()->decode(seen.mean)));
  {
    torch::AutoGradMode recorded(true);
    close("rebuilt", every(model.v()->decode(seen.mean)).detach());
  }
  const auto carry = model.observe(model.initial(9), torch::zeros({9, 3}), {frames(), {}, {}}, make_generator(torch::kCPU, 1));
  EXPECT_TRUE(torch::equal(carry.at("z"), carry.at("mean"))) << "nothing is drawn";

  const auto z = test::hashed_by_name("z", {steps + 1, lanes, small.latent}) * 2, actions = test::hashed_by_name("actions", {steps, lanes, small.actions}) * 1.5;
  std::map<std::string, std::vector<torch::Tensor>> said;
  auto state = model.m()->initial(lanes);
  for (std::int64_t t = 0; t < steps; ++t) {
    state = model.m()->step(z[t], actions[t], state);
    const auto out = model.m()->output(state.h);
    said["mus"].push_back(out.mean.transpose(1, 2)), said["sigmas"].push_back(out.log_deviation.exp().transpose(1, 2));
    for (std::int64_t d = 1; d < small.latent; ++d) EXPECT_TRUE(torch::equal(out.log_weights.select(1, d), out.log_weights.select(1, 0)));
    said["logpi"].push_back(out.log_weights.select(1, 0)), said["reward"].push_back(out.reward), said["done"].push_back(out.done_logit);
    said["h"].push_back(state.h), said["nll"].push_back(latent_nll(out, z[t + 1]));
    const auto outcome = model.m()->outcome(state.h);
    EXPECT_LT(test::relative_error(outcome.reward, out.reward), 1e-6);
    EXPECT_LT(test::relative_error(outcome.done_logit, out.done_logit), 1e-6);
  }
  for (const auto& [name, values] : said) close(name, torch::stack(values));
  close("c", state.c);
  const auto loss = model.m()->loss(z, actions, torch::zeros({steps, lanes}), torch::zeros({steps, lanes}));
  EXPECT_NEAR(loss.nll.item<double>() / (golden("nll").mean().item<double>() / small.latent), 1, 1e-5) << "learned from whole sequences";

  auto& controller = dynamic_cast<LinearController&>(*system->behaviour);
  const auto action = controller.act(model.features({{"z", z[steps]}, {"h", state.h}}));
  close("action", action);
}

TEST_F(BroughtCtallec, DreamsAndDrives) {
  torch::NoGradGuard no_grad;
  const auto system = opened(of_files({v_, golden_file("mdrnn.tar"), golden_file("ctrl.tar")}));
  EXPECT_EQ(system->recipe, "vmc-ctallec");
  EXPECT_TRUE(system->phases.empty());
  auto rng = make_generator(torch::kCPU, 3);
  const auto env = system->make_env();
  const auto& spaces = env->spaces();
  ASSERT_EQ(spaces.image_bytes(), 64u * 64 * 3);
  env->reset(1);
  Observation seen{torch::empty({1, 64, 64, 3}, torch::kUInt8), {}, {}};
  auto carry = system->model->initial(1);
  auto action = torch::zeros({1, 3});
  for (int t = 0; t < 3; ++t) {
    env->observe_image({seen.image.data_ptr<std::uint8_t>(), spaces.image_bytes()});
    carry = system->model->observe(carry, action, seen, rng);
    action = system->behaviour->decide({system->model.get(), carry, seen}, {}, Mode::judge, rng).action * 4;  // beyond what the world takes
    env->step({action.data_ptr<float>(), 3});
  }
  EXPECT_TRUE(torch::isfinite(system->model->surprise(carry)).all().item<bool>());
  const auto knobs = system->model->knobs();
  ASSERT_EQ(knobs.size(), 2u);
  for (const auto& [mixture, sigma] : {std::pair{1.0, 1.0}, {0.1, 1.0}, {1.0, 0.05}}) {
    auto dream = carry;
    for (int t = 0; t < 4; ++t) {
      dream = system->model->imagine(dream, action, {{"tau_mixture", mixture}, {"tau_sigma", sigma}}, rng);
      EXPECT_TRUE((dream.at("component") == dream.at("component").slice(1, 0, 1)).all().item<bool>());
      const auto prediction = system->model->predict(dream);
      EXPECT_EQ(prediction.frame.sizes(), (at::IntArrayRef{1, 3, 64, 64}));
      EXPECT_TRUE(prediction.reward.defined() && prediction.done.item<double>() >= 0 && prediction.done.item<double>() <= 1);
    }
    // √0.05 of σ: z lies nearer to its component's mean.
    const auto out = dynamic_cast<VmcModel&>(*system->model).m()->output(dream.at("h"));
    const auto at = dream.at("component").unsqueeze(-1);
    const auto apart = (dream.at("z") - out.mean.gather(-1, at).squeeze(-1)).abs() / out.log_deviation.gather(-1, at).squeeze(-1).exp();
    EXPECT_LT(apart.max().item<double>(), 5 * std::sqrt(sigma));
  }
}

TEST_F(BroughtCtallec, TheNamesOfACellAreTheSameModel) {
  auto m = m_file();
  Tensors cell;
  for (const auto& [name, tensor] : m) cell[name.ends_with("_l0") ? name.substr(0, name.size() - 3) : name] = tensor;
  EXPECT_EQ(fingerprint(*opened(of_tensors(v_file(), m, c_file()))), fingerprint(*opened(of_tensors(v_file(), cell, c_file()))));
}

TEST_F(BroughtCtallec, WithoutAControllerItDoesNothing) {
  const auto what = of_files({v_, golden_file("mdrnn.tar")});
  ASSERT_EQ(what.remarks.size(), 2u);
  EXPECT_NE(what.remarks[0].find("no controller among these files (ctrl/best.tar)"), std::string::npos) << what.remarks[0];
  const auto system = opened(what);
  auto& controller = dynamic_cast<LinearController&>(*system->behaviour);
  EXPECT_EQ(controller.act(torch::ones({2, small.latent + small.hidden})).abs().max().item<double>(), 0);
  EXPECT_EQ(of_files({v_, golden_file("mdrnn.tar"), golden_file("ctrl.tar")}).remarks.size(), 1u);
}

TEST_F(BroughtCtallec, WhatDoesNotFitIsRefusedInASentence) {
  says([&] { of_files({v_}); }, {"vae.safetensors'", "M is missing, which lies in mdrnn/best.tar", "'gmm_linear.weight'"});
  says([&] { of_files({golden_file("mdrnn.tar")}); }, {"mdrnn.tar'", "V is missing, which lies in vae/best.tar", "'encoder.fc_mu.weight'"});
  says([&] { of_files({v_, golden_file("mdrnn.tar"), golden_file("mdrnn.tar")}); }, {"mdrnn.tar' holds", "as a file before it does"});
  says([&] { of_files({golden_file("ctallec.npz")}); }, {"ctallec.npz"});
  auto m = m_file();
  m.erase("state_dict.rnn.bias_hh_l0");
  says([&] { of_tensors(v_file(), m, c_file()); }, {"m.safetensors'", "there is no 'rnn.bias_hh_l0'", "'model/m.lstm.bias' [64]", "of the shape [64]"});
  m = m_file();
  m["state_dict.gmm_linear.weight"] = torch::zeros({45, 16});
  says([&] { of_tensors(v_file(), m, c_file()); }, {"'gmm_linear.weight' has 45 rows", "11 for each component and 2 more"});
  m = m_file();
  m["state_dict.rnn.weight_ih_l0"] = torch::zeros({64, 5});
  says([&] { of_tensors(v_file(), m, c_file()); }, {"'rnn.weight_ih_l0' takes 5 numbers"});
  auto c = c_file();
  c["state_dict.fc.weight"] = torch::zeros({21, 3});
  says([&] { of_tensors(v_file(), m_file(), c); }, {"'fc.weight' has the shape [21, 3]", "'behaviour/parameters' [66]", "of the shape [3, 21]"});
  c = c_file();
  c["state_dict.fc2.weight"] = torch::zeros({2});
  says([&] { of_tensors(v_file(), m_file(), c); }, {"'fc2.weight' [2] is left over"});
  auto v = v_file();
  v["state_dict.decoder.fc1.weight"] = torch::zeros({1024, 6});
  says([&] { of_tensors(v, m_file(), c_file()); }, {"'decoder.fc1.weight' has the shape [1024, 6]", "'model/v.expand.weight' [1024, 5]"});
  says([&] { of_tensors(v_file(), m_file(), c_file(), "Pendulum"); }, {"actions of 3", "Pendulum has 1 numbers"});

  RunSpec trained;
  trained.recipe = "vmc-ctallec", trained.directory = folder_ / "run";
  says([&] { make_system(trained); }, {"vmc-ctallec begins no run and learns nothing"});
}

}  // namespace brought_ctallec_test
}  // namespace dream
