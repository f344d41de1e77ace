// V, M and both together. Figures: Ha & Schmidhuber 2018 and the code beside it (hardmaru/WorldModelsExperiments);
// golden data: tests/golden/make_vmc.py.
#include "core/models/vmc.h"

#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "core/base/npy.h"
#include "core/behaviours/linear_controller.h"
#include "core/engine/checkpoint.h"
#include "core/engine/lanes.h"
#include "core/nn/mixture_kernel.h"
#include "tests/support/hashed.h"

namespace dream {
namespace {

using test::hashed_float;
using test::relative_error;

at::Generator seeded(std::uint64_t seed) { return make_generator(torch::kCPU, seed); }

std::int64_t count(const torch::nn::Module& module) {
  std::int64_t sum = 0;
  for (const auto& parameter : module.parameters()) sum += parameter.numel();
  return sum;
}

torch::Tensor plain_frames(std::int64_t batch, int value) {
  return torch::full({batch, 64, 64, 3}, value, torch::kUInt8);
}

/// V whose encoder says (mean, log_variance) whatever it sees.
Vae blind_vae(float mean, float log_variance) {
  Vae v(32);
  torch::NoGradGuard no_grad;
  for (auto& item : v->named_parameters()) {
    if (item.key() == "mean.weight" || item.key() == "log_variance.weight") item.value().zero_();
    if (item.key() == "mean.bias") item.value().fill_(mean);
    if (item.key() == "log_variance.bias") item.value().fill_(log_variance);
  }
  return v;
}

class ModelTest : public ::testing::Test {
 protected:
  ModelTest() {
    torch::set_num_threads(1);
    torch::manual_seed(1);
  }
};
using VaeTest = ModelTest;
using MdnRnnTest = ModelTest;
using VmcTest = ModelTest;
using GoldenTest = ModelTest;

// -- V ---------------------------------------------------------------------------------------------------------

TEST_F(VaeTest, HasThePublishedParametersAndShapes) {
  EXPECT_EQ(count(*Vae(32)), 4348547);
  EXPECT_EQ(count(*Vae(64)), 4446915);
  torch::NoGradGuard no_grad;
  Vae v(32);
  auto children = v->named_children();
  auto x = torch::zeros({1, 3, 64, 64});
  for (const auto& [name, size] : {std::pair{"conv1", 31}, {"conv2", 14}, {"conv3", 6}, {"conv4", 2}}) {
    x = std::dynamic_pointer_cast<torch::nn::Conv2dImpl>(children[name])->forward(x);
    EXPECT_EQ(x.size(2), size) << name;
  }
  EXPECT_EQ(x.numel(), 1024);
  x = x.reshape({1, 1024, 1, 1});
  for (const auto& [name, size] : {std::pair{"deconv1", 5}, {"deconv2", 13}, {"deconv3", 30}, {"deconv4", 64}}) {
    x = std::dynamic_pointer_cast<torch::nn::ConvTranspose2dImpl>(children[name])->forward(x);
    EXPECT_EQ(x.size(3), size) << name;
  }
}

// Sheet, check 3: at first x̂ is about 0.5, the KL about 0, which counts as the tolerance and moves no weight.
TEST_F(VaeTest, KlBelowTheToleranceCountsAsTheToleranceAndMovesNothing) {
  Vae v(32);
  const auto loss = v->loss(torch::cat({plain_frames(2, 0), plain_frames(2, 255)}), seeded(1));
  EXPECT_NEAR(loss.reconstruction.item<double>(), 3072, 300);
  EXPECT_LT(loss.kl.item<double>(), 16);
  EXPECT_NEAR((loss.total - loss.reconstruction).item<double>(), 16, 1e-3);
  (loss.total - loss.reconstruction).backward();
  for (const auto& item : v->named_parameters()) {
    if (!item.value().grad().defined()) continue;
    EXPECT_EQ(item.value().grad().abs().max().item<double>(), 0) << item.key();
  }
}

// Sheet, check 4.
TEST_F(VaeTest, KlInClosedForm) {
  torch::NoGradGuard no_grad;
  auto unit = blind_vae(1, 0)->loss(plain_frames(2, 0), seeded(1));
  EXPECT_NEAR(unit.kl.item<double>(), 16, 1e-5);
  auto wide = blind_vae(0, std::log(4.0f))->loss(plain_frames(2, 0), seeded(1));
  EXPECT_NEAR(wide.kl.item<double>(), 32 * 0.806853, 1e-3);
  EXPECT_NEAR((wide.total - wide.reconstruction).item<double>(), 32 * 0.806853, 1e-2);
}

TEST_F(VaeTest, TheToleranceIsPerSample) {
  torch::NoGradGuard no_grad;
  Vae v(32);
  for (auto& item : v->named_parameters()) {
    if (item.key() == "mean.weight") item.value().mul_(50);  // black frames: μ = 0; white ones: far away
  }
  const auto frames = torch::cat({plain_frames(1, 0), plain_frames(1, 255)});
  const auto posterior = v->encode(frames);
  const double white = 0.5 * (posterior.mean[1].square() + posterior.log_variance[1].exp() - 1 - posterior.log_variance[1])
                                 .sum().item<double>();
  ASSERT_GT(white, 40);
  const auto loss = v->loss(frames, seeded(1));
  EXPECT_NEAR((loss.total - loss.reconstruction).item<double>() / ((16 + white) / 2), 1, 1e-3);
}

TEST_F(VaeTest, SamplesSpreadAsThePosteriorSays) {
  torch::NoGradGuard no_grad;
  const VaeImpl::Posterior posterior{torch::full({4000, 8}, 3.0f), torch::full({4000, 8}, std::log(0.25f))};
  const auto z = posterior.sample(seeded(4));
  EXPECT_NEAR(z.mean().item<double>(), 3, 0.02);
  EXPECT_NEAR(z.std().item<double>(), 0.5, 0.02);
  EXPECT_TRUE(torch::equal(z, posterior.sample(seeded(4))));
  EXPECT_FALSE(torch::equal(z, posterior.sample(seeded(5))));
}

TEST_F(VaeTest, OverfitsOneBatch) {
  Vae v(32);
  // Four pictures of blocks.
  auto frames = torch::empty({4, 64, 64, 3}, torch::kUInt8);
  for (std::int64_t i = 0; i < 4; ++i) {
    const auto blocks = ((test::hashed(static_cast<std::uint32_t>(i), {4, 4, 3}) + 1) * 127).to(torch::kUInt8);
    frames[i] = blocks.repeat_interleave(16, 0).repeat_interleave(16, 1);
  }
  torch::optim::Adam adam(v->parameters(), 1e-3);
  auto rng = seeded(1);
  double first = 0, last = 0;
  for (int step = 0; step < 90; ++step) {
    adam.zero_grad();
    const auto loss = v->loss(frames, rng);
    loss.total.backward();
    adam.step();
    last = loss.reconstruction.item<double>();
    if (step == 0) first = last;
  }
  EXPECT_LT(last, 0.15 * first) << "from " << first;
}

// Without gradients the first two decoder layers are one matrix, which must follow the weights.
TEST_F(VaeTest, FoldedDecodingIsTheLayersAndFollowsTheirWeights) {
  Vae v(6), other(6);
  const auto z = hashed_float(1, {3, 6}, 2);
  const auto folded = [&] {
    torch::NoGradGuard no_grad;
    return v->decode(z);
  };
  EXPECT_LT(relative_error(folded(), v->decode(z)), 1e-5);
  const auto before = folded();
  {
    torch::NoGradGuard no_grad;
    v->named_parameters()["expand.bias"].add_(0.3);
  }
  EXPECT_LT(relative_error(folded(), v->decode(z)), 1e-5);
  EXPECT_GT((folded() - before).abs().max().item<double>(), 1e-4);
  Checkpoint weights;
  store_module(weights, "v", *other);
  load_module(weights, "v", *v);
  EXPECT_LT(relative_error(folded(), other->decode(z)), 1e-5) << "weights from a file";
  torch::optim::Adam adam(v->parameters(), 1e-2);
  v->decode(z).sum().backward();
  adam.step();
  EXPECT_LT(relative_error(folded(), v->decode(z)), 1e-5) << "weights from a training step";
  EXPECT_GT(relative_error(folded(), other->decode(z)), 1e-3);
}

TEST_F(VaeTest, HalfPrecisionStaysNearSinglePrecision) {
  torch::NoGradGuard no_grad;
  Vae v(32);
  test::fill_hashed(*v, 100);
  auto frames = torch::empty({16, 64, 64, 3}, torch::kUInt8);
  for (std::int64_t i = 0; i < 16; ++i) frames[i].fill_(i * 16);
  const auto exact = v->encode(frames);
  const auto decoded = v->decode(exact.mean);
  v->set_bfloat16(true);
  const auto near = v->encode(frames);
  EXPECT_EQ(near.mean.scalar_type(), torch::kFloat32);
  EXPECT_LT(relative_error(near.mean, exact.mean), 0.03);
  EXPECT_LT((v->decode(exact.mean) - decoded).abs().max().item<double>(), 0.02);
  EXPECT_TRUE(torch::equal(v->encode(frames.slice(0, 0, 2)).mean, (v->set_bfloat16(false), v->encode(frames.slice(0, 0, 2)).mean)))
      << "small batches, as in the window, stay exact";
}

TEST_F(VaeTest, RefusesOtherShapes) {
  Vae v(32);
  EXPECT_THROW(v->encode(torch::zeros({1, 3, 64, 64}, torch::kUInt8)), Error);
  EXPECT_THROW(v->decode(torch::zeros({1, 31})), Error);
}

// -- M ---------------------------------------------------------------------------------------------------------

TEST_F(MdnRnnTest, HasThePublishedParameters) {
  EXPECT_EQ(count(*MdnRnn(MdnRnnOptions{})), 422368);
  MdnRnnOptions heads;
  heads.heads = true;
  EXPECT_EQ(count(*MdnRnn(heads)), 422368 + 514);
  // Doom's M has 513 more: the logit of the restart.
  EXPECT_EQ(count(*MdnRnn(MdnRnnOptions{64, 2, 512, 5, false})), 1678785 - 513);
}

TEST_F(MdnRnnTest, RefusesMoreMixturesThanItsKernelHolds) {
  EXPECT_THROW(MdnRnn(MdnRnnOptions{2, 1, 4, most_mixtures + 1, false}), Error);
  EXPECT_THROW(MdnRnn(MdnRnnOptions{2, 1, 4, 0, false}), Error);
}

// Sheet, check 5: a silent head is a standard normal, whatever K.
TEST_F(MdnRnnTest, SilentHeadIsAStandardNormal) {
  torch::NoGradGuard no_grad;
  const auto z = hashed_float(1, {12, 3, 7}, 2), actions = hashed_float(2, {11, 3, 2}, 1);
  const double expected = 0.918939 + 0.5 * z.slice(0, 1).square().mean().item<double>();
  for (const int mixtures : {1, 5, 17}) {
    MdnRnn m(MdnRnnOptions{7, 2, 9, mixtures, false});
    for (auto& item : m->named_parameters()) {
      if (item.key().starts_with("output")) item.value().zero_();
    }
    EXPECT_NEAR(m->loss(z, actions, {}, {}).nll.item<double>(), expected, 1e-5) << mixtures;
  }
}

// Sheet, check 6.
TEST_F(MdnRnnTest, MixtureInClosedForm) {
  const auto weights = torch::log(torch::tensor({0.5, 0.5})), mean = torch::tensor({-1.0, 1.0}), zero = torch::zeros({2}, torch::kFloat64);
  EXPECT_NEAR(mixture_nll(torch::tensor(0.0, torch::kFloat64), weights, mean, zero).item<double>(), 1.418939, 1e-6);
  EXPECT_NEAR(mixture_nll(torch::tensor(1.0, torch::kFloat64), weights, mean, zero).item<double>(), 1.485158, 1e-6);
}

// Sheet, check 7: logits (0, ln 3).
TEST_F(MdnRnnTest, TemperaturesWorkOnWeightsAndSpreadSeparately) {
  torch::NoGradGuard no_grad;
  constexpr std::int64_t draws = 40000;
  MdnRnnImpl::Output output;
  output.log_weights = torch::tensor({0.25f, 0.75f}).log().expand({draws, 1, 2});
  output.mean = torch::tensor({-100.0f, 100.0f}).expand({draws, 1, 2});
  output.log_deviation = torch::full({draws, 1, 2}, std::log(0.5f));
  const std::pair<double, double> table[] = {{1, 0.75}, {0.5, 0.9}, {2, 0.634}};
  for (const auto& [tau, share] : table) {
    const auto draw = MdnRnnImpl::sample(output, tau, 1, seeded(7));
    EXPECT_NEAR(draw.component.to(torch::kFloat32).mean().item<double>(), share, 0.012) << "tau " << tau;
    const auto apart = draw.z - torch::where(draw.component == 1, 100.0f, -100.0f);  // z lies near its own component
    EXPECT_NEAR(apart.std().item<double>(), 0.5, 0.01) << "the mixture's temperature leaves the spread alone";
  }
  for (const double tau : {0.25, 1.0, 1.15, 4.0}) {
    const auto draw = MdnRnnImpl::sample(output, 1, tau, seeded(8));
    const auto apart = draw.z - torch::where(draw.component == 1, 100.0f, -100.0f);
    EXPECT_NEAR(apart.std().item<double>(), 0.5 * std::sqrt(tau), 0.01 * std::sqrt(tau)) << "tau " << tau;
    EXPECT_NEAR(draw.component.to(torch::kFloat32).mean().item<double>(), 0.75, 0.012) << "tau " << tau;
  }
  EXPECT_EQ(MdnRnnImpl::sample(output, 1, 0, seeded(9)).z.abs().min().item<double>(), 100) << "τ_σ = 0 has no spread";
  EXPECT_EQ(MdnRnnImpl::sample(output, 0.01, 1, seeded(9)).component.min().item<double>(), 1) << "τ → 0 takes the likeliest";
}

TEST_F(MdnRnnTest, EveryDimensionDrawsItsOwnComponent) {
  torch::NoGradGuard no_grad;
  MdnRnnImpl::Output output;
  output.log_weights = torch::full({500, 4, 2}, std::log(0.5f));
  output.mean = torch::zeros({500, 4, 2});
  output.log_deviation = torch::zeros({500, 4, 2});
  const auto component = MdnRnnImpl::sample(output, 1, 1, seeded(3)).component;
  const auto alike = (component == component.slice(1, 0, 1)).to(torch::kFloat32).mean({0});
  for (std::int64_t dim = 1; dim < 4; ++dim) EXPECT_NEAR(alike[dim].item<double>(), 0.5, 0.1);
}

TEST_F(MdnRnnTest, OnePassDrawsWhatTheOperationsDraw) {
  torch::NoGradGuard no_grad;
  for (const auto& [latent, mixtures, heads] : {std::tuple{7, 3, true}, {32, 5, false}, {1, 1, false}, {17, most_mixtures, true}}) {
    MdnRnn m(MdnRnnOptions{latent, 2, 9, mixtures, heads});
    test::fill_hashed(*m, 40);
    for (auto& item : m->named_parameters()) {
      if (item.key() == "output_weight") item.value().mul_(20);
    }
    const auto h = hashed_float(1, {37, 9}, 1);
    for (const auto& [tau_mixture, tau_sigma] : {std::pair{1.0, 1.0}, {0.3, 2.0}, {1.15, 0.0}}) {
      const auto fast = m->draw(h, tau_mixture, tau_sigma, seeded(6)), plain = MdnRnnImpl::sample(m->output(h), tau_mixture, tau_sigma, seeded(6));
      EXPECT_TRUE(torch::equal(fast.component, plain.component)) << latent << " " << tau_mixture;
      EXPECT_LT(relative_error(fast.z, plain.z), 1e-5) << latent << " " << tau_mixture;
    }
  }
}

TEST_F(MdnRnnTest, HalfPrecisionStaysNearSinglePrecision) {
  MdnRnn exact(MdnRnnOptions{}), near(MdnRnnOptions{});
  test::fill_hashed(*exact, 200);
  test::fill_hashed(*near, 200);
  near->set_bfloat16(true);
  const auto z = hashed_float(3, {21, 2, 32}, 2), actions = hashed_float(4, {20, 2, 3}, 1);
  const auto a = exact->loss(z, actions, {}, {}), b = near->loss(z, actions, {}, {});
  EXPECT_NEAR(b.nll.item<double>(), a.nll.item<double>(), 0.005);
  a.total.backward();
  b.total.backward();
  for (const auto& item : exact->named_parameters()) {
    const auto ours = near->named_parameters()[item.key()].grad(), theirs = item.value().grad();
    EXPECT_EQ(ours.scalar_type(), torch::kFloat32);
    EXPECT_LT(((ours - theirs).norm() / theirs.norm()).item<double>(), 0.05) << item.key();
  }
  torch::NoGradGuard no_grad;
  const auto h = hashed_float(5, {300, 256}, 0.3), input = hashed_float(6, {300, 32}, 1);
  const auto p = exact->step(input, torch::zeros({300, 3}), {h, h}), q = near->step(input, torch::zeros({300, 3}), {h, h});
  EXPECT_LT(relative_error(q.h, p.h), 0.02);
  EXPECT_GT(relative_error(q.h, p.h), 0) << "a batch of 300 takes bf16";
  const auto drawn = exact->draw(h, 1, 1, seeded(2)).z, nearly = near->draw(h, 1, 1, seeded(2)).z;
  EXPECT_LT((drawn - nearly).abs().median().item<double>(), 0.02);
}

TEST_F(MdnRnnTest, HeadsAddRewardAndDoneAsOneDimensionEach) {
  MdnRnnOptions options{4, 2, 8, 3, true};
  MdnRnn m(options);
  {
    torch::NoGradGuard no_grad;
    for (auto& item : m->named_parameters()) {
      if (item.key().starts_with("output")) item.value().zero_();
    }
  }
  const auto z = hashed_float(1, {6, 2, 4}, 1), actions = hashed_float(2, {5, 2, 2}, 1);
  auto dones = torch::zeros({5, 2});
  dones[4][1] = 1;
  const auto loss = m->loss(z, actions, torch::full({5, 2}, 3.0f), dones);
  EXPECT_NEAR(loss.reward.item<double>(), 9, 1e-5);
  EXPECT_NEAR(loss.done.item<double>(), std::log(2.0), 1e-5);
  EXPECT_NEAR(loss.total.item<double>(), loss.nll.item<double>() + (9 + std::log(2.0)) / 4, 1e-4);
  EXPECT_THROW(m->loss(z, actions, {}, {}), Error);
  loss.total.backward();
  EXPECT_GT(m->named_parameters()["output_bias"].grad().slice(0, 36).abs().min().item<double>(), 0);
}

TEST_F(MdnRnnTest, OverfitsOneBatch) {
  MdnRnn m(MdnRnnOptions{4, 2, 24, 3, true});
  const auto z = hashed_float(1, {13, 3, 4}, 1.5), actions = hashed_float(2, {12, 3, 2}, 1);
  const auto rewards = hashed_float(3, {12, 3}, 1);
  auto dones = torch::zeros({12, 3});
  dones[11].fill_(1);
  torch::optim::Adam adam(m->parameters(), 1e-2);
  double first = 0;
  MdnRnnImpl::Loss loss;
  for (int step = 0; step < 400; ++step) {
    adam.zero_grad();
    loss = m->loss(z, actions, rewards, dones);
    loss.total.backward();
    torch::nn::utils::clip_grad_value_(m->parameters(), 1.0);
    adam.step();
    if (step == 0) first = loss.nll.item<double>();
  }
  EXPECT_LT(loss.nll.item<double>(), first - 1.5) << "from " << first;
  EXPECT_LT(loss.reward.item<double>(), 0.05);
  EXPECT_LT(loss.done.item<double>(), 0.15);
}

// -- golden ----------------------------------------------------------------------------------------------------

torch::Tensor golden(const std::string& name) {
  static const Npz npz = read_npz(DREAMSCOPE_SOURCE_DIR "/tests/golden/vmc/vmc.npz");
  const auto& array = npz.at(name);
  std::vector<std::int64_t> shape(array.shape.begin(), array.shape.end());
  return torch::tensor(array.to_floats()).view(shape);
}

constexpr double tolerance = 1e-4;  // relative to the largest value; float32 here, float64 there

torch::Tensor golden_frames() {
  auto frames = torch::empty({3, 64, 64, 3}, torch::kUInt8);
  const auto bits = test::hash32(1, static_cast<std::size_t>(frames.numel()));
  auto* to = frames.data_ptr<std::uint8_t>();
  for (const auto x : bits) *to++ = static_cast<std::uint8_t>(x >> 24);
  return frames;
}

TEST_F(GoldenTest, VEqualsPyTorch) {
  Vae v(32);
  test::fill_hashed(*v, 100);
  {
    torch::NoGradGuard no_grad;
    const auto posterior = v->encode(golden_frames());
    EXPECT_LT(relative_error(posterior.mean, golden("v/mean")), tolerance);
    EXPECT_LT(relative_error(posterior.log_variance, golden("v/log_variance")), tolerance);
    EXPECT_LT(relative_error(v->decode(hashed_float(2, {1, 32}, 2)), golden("v/decoded")), tolerance);
    for (auto& item : v->named_parameters()) {  // σ = e^-30: the loss without noise
      if (item.key() == "log_variance.weight") item.value().zero_();
      if (item.key() == "log_variance.bias") item.value().fill_(-60);
    }
  }
  const auto loss = v->loss(golden_frames(), seeded(1));
  EXPECT_LT(relative_error(torch::stack({loss.total, loss.reconstruction, loss.kl}), golden("v/loss")), tolerance);
  loss.total.backward();
  for (const char* name : {"conv1.weight", "conv4.bias", "mean.bias", "expand.bias", "deconv4.weight", "deconv4.bias"}) {
    EXPECT_LT(relative_error(v->named_parameters()[name].grad(), golden(std::string("v/gradient/") + name)), tolerance) << name;
  }
}

TEST_F(GoldenTest, MEqualsPyTorch) {
  MdnRnn m(MdnRnnOptions{});
  test::fill_hashed(*m, 200);
  const auto z = hashed_float(3, {21, 2, 32}, 2), actions = hashed_float(4, {20, 2, 3}, 1);
  {
    torch::NoGradGuard no_grad;
    auto state = m->initial(2);
    std::vector<torch::Tensor> h;
    for (std::int64_t t = 0; t < 20; ++t) {
      state = m->step(z[t], actions[t], state);
      h.push_back(state.h[0].clone());
    }
    EXPECT_LT(relative_error(torch::stack(h), golden("m/h")), tolerance);
    EXPECT_LT(relative_error(state.c, golden("m/c")), tolerance);
    const auto output = m->output(state.h);
    EXPECT_LT(relative_error(output.log_weights, golden("m/log_weights")), tolerance);
    EXPECT_LT(relative_error(output.mean, golden("m/mean")), tolerance);
    EXPECT_LT(relative_error(output.log_deviation, golden("m/log_deviation")), tolerance);

    // The tempered mixture, as the window shows it.
    VmcModel model(MdnRnnOptions{});
    test::fill_hashed(*model.m(), 200);
    auto carry = model.imagine({{"z", z[19]}, {"h", torch::zeros({2, 256})}, {"c", torch::zeros({2, 256})}, {"started", torch::ones({2, 1})}},
                               actions[19], {0.5, 0.25}, seeded(1));
    carry["h"] = state.h;
    ProbeSink sink({"mixture/z"});
    model.report(carry, sink);
    const auto probes = sink.take();
    ASSERT_EQ(probes.size(), 1u);
    const auto& shown = std::get<Mixture>(*probes[0].value);
    EXPECT_LT(relative_error(torch::tensor(shown.weights).view({32, 5}), golden("m/tempered")[0]), tolerance);
    EXPECT_LT(relative_error(torch::tensor(shown.deviations).view({32, 5}), golden("m/log_deviation")[0].exp() * 0.5), tolerance);
    const auto entropy = -(golden("m/tempered")[0] * golden("m/tempered")[0].log()).sum(-1);
    EXPECT_LT(relative_error(torch::tensor(shown.entropy), entropy), tolerance);
  }
  const auto loss = m->loss(z, actions, {}, {});
  EXPECT_LT(relative_error(loss.nll, golden("m/nll")), tolerance);
  loss.total.backward();
  auto parameters = m->named_parameters();
  EXPECT_LT(relative_error(parameters["lstm.bias"].grad(), golden("m/gradient/lstm.bias")), tolerance);
  EXPECT_LT(relative_error(parameters["lstm.kernel"].grad().slice(0, 0, 291, 40), golden("m/gradient/lstm.kernel")), tolerance);
  EXPECT_LT(relative_error(parameters["output_bias"].grad(), golden("m/gradient/output_bias")), tolerance);
  EXPECT_LT(relative_error(parameters["output_weight"].grad().slice(0, 0, 256, 32), golden("m/gradient/output_weight")), tolerance);
}

TEST_F(GoldenTest, CEqualsPyTorch) {
  LinearController controller(288, {Squash::tanh, Squash::half, Squash::cut});
  const auto flat = test::hashed(5, {867}) * 0.2;
  controller.set_flat({flat.data_ptr<double>(), flat.data_ptr<double>() + 867});
  EXPECT_LT(relative_error(controller.act(hashed_float(6, {4, 288}, 1), {}), golden("c/action")), tolerance);
}

// -- together --------------------------------------------------------------------------------------------------

class SmallVmc : public ModelTest {
 protected:
  SmallVmc() : model_(MdnRnnOptions{4, 3, 8, 3, true}) { frames_.image = golden_frames().slice(0, 0, 2); }
  torch::NoGradGuard no_grad_;
  VmcModel model_;
  Observation frames_;
};

TEST_F(SmallVmc, TheFirstFrameOfALaneDoesNotStepTheLstm) {
  const auto action = hashed_float(1, {2, 3}, 1);
  const auto first = model_.observe(model_.initial(2), action, frames_, seeded(1));
  EXPECT_EQ(first.at("h").abs().max().item<double>(), 0) << "the paper has h_0 = 0";
  const auto second = model_.observe(first, action, frames_, seeded(2));
  const auto stepped = model_.m()->step(first.at("z"), action, {first.at("h"), first.at("c")});
  EXPECT_TRUE(torch::equal(second.at("h"), stepped.h));

  // One lane begins anew beside one that goes on.
  const auto mixed = where_fresh(torch::tensor({true, false}), model_.initial(2), second);
  const auto third = model_.observe(mixed, action, frames_, seeded(3));
  EXPECT_EQ(third.at("h")[0].abs().max().item<double>(), 0);
  EXPECT_GT(third.at("h")[1].abs().max().item<double>(), 0);
}

TEST_F(SmallVmc, ImaginesWithTheStateThatTheControllerSaw) {
  const auto action = hashed_float(1, {2, 3}, 1);
  const auto seen = model_.observe(model_.initial(2), action, frames_, seeded(1));
  const auto before = seen.at("z").clone();
  const auto dream = model_.imagine(seen, action, {1, 1}, seeded(2));
  EXPECT_TRUE(torch::equal(seen.at("z"), before)) << "a carry is a value";
  EXPECT_TRUE(torch::equal(dream.at("h"), model_.m()->step(before, action, {seen.at("h"), seen.at("c")}).h));
  EXPECT_TRUE(torch::equal(model_.features(dream), torch::cat({dream.at("z"), dream.at("h")}, 1)));
  EXPECT_EQ(model_.feature_count(), 12);
  EXPECT_TRUE(torch::equal(dream.at("z"), model_.imagine(seen, action, {1, 1}, seeded(2)).at("z")));
  EXPECT_FALSE(torch::equal(dream.at("z"), model_.imagine(seen, action, {1, 1}, seeded(3)).at("z")));

  const auto prediction = model_.predict(dream);
  EXPECT_EQ(prediction.frame.sizes(), (std::vector<std::int64_t>{2, 3, 64, 64}));
  EXPECT_GE(prediction.frame.min().item<double>(), 0);
  EXPECT_LE(prediction.frame.max().item<double>(), 1);
  const auto outcome = model_.outcome(dream);
  EXPECT_FALSE(outcome.frame.defined());
  EXPECT_TRUE(torch::equal(outcome.reward, prediction.reward));
  EXPECT_TRUE(((outcome.done > 0) & (outcome.done < 1)).all().item<bool>());
  EXPECT_FALSE(VmcModel(MdnRnnOptions{4, 3, 8, 3, false}).outcome(dream).reward.defined());

  const auto lane = select_lane(dream, 1);
  EXPECT_TRUE(torch::equal(lane.at("h")[0], dream.at("h")[1]));
}

TEST_F(SmallVmc, PublishesWhatIsWatchedAlone) {
  const auto action = torch::zeros({2, 3});
  const auto seen = model_.observe(model_.initial(2), action, frames_, seeded(1));
  const auto dream = model_.imagine(seen, action, {0.5, 4}, seeded(2));
  ProbeSink none({});
  model_.report(dream, none);
  EXPECT_TRUE(none.take().empty());

  ProbeSink of_frame({"latent/z", "mixture/z"});
  model_.report(seen, of_frame);
  const auto encoder = of_frame.take();
  ASSERT_EQ(encoder.size(), 1u) << "nothing was drawn from a mixture yet";
  const auto& bars = std::get<Vector>(*encoder[0].value);
  EXPECT_TRUE(encoder[0].editable);
  EXPECT_EQ(bars.values.size(), 4u);
  EXPECT_FLOAT_EQ(bars.deviation[2], std::exp(0.5f * seen.at("log_variance")[0][2].item<float>()));

  const auto names = model_.probe_names();
  ProbeSink all({names.begin(), names.end()});
  model_.report(dream, all);
  const auto probes = all.take();
  ASSERT_EQ(probes.size(), names.size());
  for (const auto& probe : probes) {
    if (const auto* mixture = std::get_if<Mixture>(probe.value.get())) {
      EXPECT_EQ(mixture->dims, 4);
      EXPECT_EQ(mixture->components, 3);
      ASSERT_EQ(mixture->drawn.size(), 4u);
      for (int dim = 0; dim < 4; ++dim) {
        const auto first = static_cast<std::size_t>(dim) * 3;
        EXPECT_NEAR(mixture->weights[first] + mixture->weights[first + 1] + mixture->weights[first + 2], 1, 1e-5);
        EXPECT_GE(mixture->drawn[static_cast<std::size_t>(dim)], 0);
        EXPECT_LT(mixture->drawn[static_cast<std::size_t>(dim)], 3);
        EXPECT_FLOAT_EQ(mixture->draw[static_cast<std::size_t>(dim)], dream.at("z")[0][dim].item<float>());
      }
    }
  }
}

TEST_F(SmallVmc, EditsOneLatentOfACopy) {
  const auto seen = model_.observe(model_.initial(2), torch::zeros({2, 3}), frames_, seeded(1));
  const auto edited = model_.edit(seen, "latent/z", 2, -1.5);
  EXPECT_EQ(edited.at("z")[0][2].item<double>(), -1.5);
  EXPECT_NE(seen.at("z")[0][2].item<double>(), -1.5);
  EXPECT_TRUE(torch::equal(edited.at("z").slice(1, 0, 2), seen.at("z").slice(1, 0, 2)));
  EXPECT_THROW(model_.edit(seen, "latent/z", 4, 0), Error);
  EXPECT_THROW(model_.edit(seen, "latent/z", -1, 0), Error);
  EXPECT_THROW(model_.edit(seen, "hidden/h", 0, 0), Error);
  EXPECT_THROW(model_.randomise(seen, "hidden/h", seeded(1)), Error);
  const auto random = model_.randomise(seen, "latent/z", seeded(1));
  EXPECT_FALSE(torch::equal(random.at("z"), seen.at("z")));
  EXPECT_TRUE(torch::equal(random.at("h"), seen.at("h")));
}

}  // namespace
}  // namespace dream
