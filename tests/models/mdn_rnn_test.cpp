// M. Figures: Ha & Schmidhuber 2018 and the code beside it (hardmaru/WorldModelsExperiments).
#include "core/models/mdn_rnn.h"

#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "core/nn/mixture_kernel.h"
#include "tests/models/model_test.h"

namespace dream {
namespace mdn_rnn_test {

using test::count;
using test::golden;
using test::hashed_float;
using test::relative_error;
using test::seeded;
using test::tolerance;

using MdnRnnTest = test::ModelTest;

TEST_F(MdnRnnTest, HasThePublishedParameters) {
  EXPECT_EQ(count(*MdnRnn(MdnRnnOptions{})), 422368);
  MdnRnnOptions heads;
  heads.heads = true;
  EXPECT_EQ(count(*MdnRnn(heads)), 422368 + 514);
  MdnRnnOptions doom{64, 1, 512, 5};
  doom.restarts = true;
  EXPECT_EQ(count(*MdnRnn(doom)), 1678785);
  doom.heads = true;
  EXPECT_THROW(MdnRnn{doom}, Error) << "two ways to end an episode";
  heads.joint = true;
  EXPECT_EQ(count(*MdnRnn(heads)), 291 * 1024 + 1024 + 257 * (65 * 5 + 2)) << "ctallec's, with one bias of its LSTM's two";
}

class Restarts : public test::ModelTest {
 protected:
  static MdnRnnOptions options() {
    MdnRnnOptions small{4, 2, 6, 3};
    small.restarts = true;
    return small;
  }
  MdnRnn m_{options()};
  // Two episodes of 5 and 3 steps; the second ends by its own, the first was cut.
  torch::Tensor z_ = hashed_float(1, {6, 2, 4}, 1), actions_ = hashed_float(2, {5, 2, 2}, 1), lengths_ = torch::tensor({5, 3});
  torch::Tensor dones_ = torch::zeros({5, 2}).index_put_({2, 1}, 1.0f);
};

// Each step by itself, and each episode by itself: the same numbers.
TEST_F(Restarts, WholeEpisodesAreLearnedAsTheyAreLived) {
  const auto loss = m_->episodes_loss(z_, actions_, dones_, lengths_);
  torch::NoGradGuard no_grad;
  double nll = 0, done = 0;
  int lived = 0, onward = 0;
  for (std::int64_t lane = 0; lane < 2; ++lane) {
    auto state = m_->initial(1);
    for (std::int64_t t = 0; t < lengths_[lane].item<std::int64_t>(); ++t, ++lived) {
      const auto row = [&](const torch::Tensor& all, std::int64_t at) { return all[at].slice(0, lane, lane + 1); };
      state = m_->step(row(z_, t), row(actions_, t), state, torch::full({1, 1}, t == 0 ? 1.0 : 0.0));
      const auto out = m_->output(state.h);
      const double p = torch::sigmoid(out.done_logit).item<double>();
      const bool ends = dones_[t][lane].item<float>() > 0;
      done -= ends ? MdnRnnImpl::end_weight * std::log(p) : std::log(1 - p);
      if (ends) continue;
      nll += mixture_nll(row(z_, t + 1), out.log_weights, out.mean, out.log_deviation).mean().item<double>();
      ++onward;
    }
  }
  EXPECT_EQ(lived, 8);
  EXPECT_NEAR(loss.nll.item<double>(), nll / onward, 1e-5);
  EXPECT_NEAR(loss.done.item<double>(), done / lived, 1e-5);
  EXPECT_NEAR(loss.total.item<double>(), nll / onward + done / lived, 1e-5);
  EXPECT_FALSE(loss.reward.defined());
}

TEST_F(Restarts, NothingIsLearnedFromWhatStandsBehindAnEpisode) {
  auto z = z_.clone(), actions = actions_.clone(), dones = dones_.clone();
  z.slice(0, 3).select(1, 1).fill_(7);  // the frame that its last step led to is not seen either
  actions.slice(0, 3).select(1, 1).fill_(-7);
  dones.slice(0, 3).select(1, 1).fill_(1);
  const auto expected = m_->episodes_loss(z_, actions_, dones_, lengths_);
  expected.total.backward();
  std::vector<torch::Tensor> gradients;
  for (auto& parameter : m_->parameters()) gradients.push_back(parameter.grad().clone()), parameter.mutable_grad().zero_();
  const auto loss = m_->episodes_loss(z, actions, dones, lengths_);
  EXPECT_EQ(loss.total.item<double>(), expected.total.item<double>());
  loss.total.backward();
  for (std::size_t i = 0; i < gradients.size(); ++i)
    EXPECT_LT(relative_error(m_->parameters()[i].grad(), gradients[i]), 1e-5) << i;
}

// Sheet, check 8: a logit of 0 costs 0.6931 where an episode goes on, and 6.931 where it ends.
TEST_F(Restarts, AnEndWeighsTenTimes) {
  torch::NoGradGuard no_grad;
  for (auto& item : m_->named_parameters())
    if (item.key().starts_with("output")) item.value().zero_();
  EXPECT_NEAR(m_->episodes_loss(z_, actions_, torch::zeros_like(dones_), lengths_).done.item<double>(), 0.6931, 1e-4);
  EXPECT_NEAR(m_->episodes_loss(z_, actions_, dones_, lengths_).done.item<double>(), (7 * 0.6931 + 6.931) / 8, 1e-3);
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
  const auto weights = torch::log(torch::tensor({0.5, 0.5})), mean = torch::tensor({-1.0, 1.0}),
             zero = torch::zeros({2}, torch::kFloat64);
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
  EXPECT_EQ(MdnRnnImpl::sample(output, 0.01, 1, seeded(9)).component.min().item<double>(), 1)
      << "τ → 0 takes the likeliest";
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

/// z of 3, two components of whole z: near -100 with a quarter of the weight, near 100 with the rest.
class JointMixture : public test::ModelTest {
 protected:
  JointMixture() {
    torch::NoGradGuard no_grad;
    auto parameters = m_->named_parameters();
    parameters["output_weight"].zero_();
    auto bias = parameters["output_bias"];
    bias.slice(0, 0, 12).view({3, 2, 2}).copy_(torch::tensor({-100.0f, 100.0f, std::log(0.5f), std::log(0.5f)}).view({1, 2, 2}).expand({3, 2, 2}));
    bias.slice(0, 12, 14).copy_(torch::tensor({0.0f, std::log(3.0f)}));
  }
  static MdnRnnOptions options() {
    MdnRnnOptions joint{3, 2, 6, 2, true};
    joint.joint = true;
    return joint;
  }
  MdnRnn m_{options()};
};

TEST_F(JointMixture, DrawsOneComponentForAllOfZ) {
  torch::NoGradGuard no_grad;
  const auto h = torch::zeros({20000, 6});
  const std::pair<double, double> table[] = {{1, 0.75}, {0.5, 0.9}, {2, 0.634}};
  for (const auto& [tau, share] : table) {
    const auto draw = m_->draw(h, tau, 1, seeded(7));
    EXPECT_TRUE((draw.component == draw.component.slice(1, 0, 1)).all().item<bool>());
    const auto up = draw.z > 0;
    EXPECT_TRUE((up == up.slice(1, 0, 1)).all().item<bool>()) << "no z of both";
    EXPECT_TRUE(torch::equal(up, draw.component == 1));
    EXPECT_NEAR(up.to(torch::kFloat32).mean().item<double>(), share, 0.012) << "tau " << tau;
    const auto noise = (draw.z - torch::where(up, 100.0f, -100.0f)) / 0.5;
    EXPECT_LT((noise.t().mm(noise) / 20000 - torch::eye(3)).abs().max().item<double>(), 0.04) << "each dimension has noise of its own";
  }
  EXPECT_LT((m_->draw(h, 1, 0.25, seeded(8)).z.abs() - 100).std().item<double>(), 0.26);
}

TEST_F(JointMixture, NllIsTheClosedForm) {
  torch::NoGradGuard no_grad;
  const auto output = m_->output(torch::zeros({4, 6}));
  EXPECT_EQ(output.log_weights.sizes(), (at::IntArrayRef{4, 3, 2}));
  auto z = torch::tensor({{100.0f, 100.5f, 99.0f}, {-100.0f, -100.0f, -99.5f}, {100.0f, 100.0f, -100.0f}, {0.0f, 0.0f, 0.0f}});
  const auto nll = latent_nll(output, z);
  const double constant = 3 * (0.9189385 + std::log(0.5));
  EXPECT_NEAR(nll[0].item<double>(), constant + 0.5 * (1 + 4) - std::log(0.75), 1e-4);
  EXPECT_NEAR(nll[1].item<double>(), constant + 0.5 - std::log(0.25), 1e-4);
  EXPECT_NEAR(nll[2].item<double>() / (constant + 0.5 * 400 * 400 - std::log(0.75)), 1, 1e-5) << "of two components in one z there is none";
  EXPECT_NEAR(nll[3].item<double>() / (constant + 0.5 * 3 * 200 * 200), 1, 1e-5);
  z = hashed_float(1, {6, 2, 3}, 50);
  const auto loss = m_->loss(z, hashed_float(2, {5, 2, 2}, 1), torch::zeros({5, 2}), torch::zeros({5, 2}));
  const auto each = latent_nll(m_->output(torch::zeros({5, 2, 6})), z.slice(0, 1));
  EXPECT_NEAR(loss.nll.item<double>() / (each.mean().item<double>() / 3), 1, 1e-5);
}

TEST_F(JointMixture, OfOneComponentIsWhatEachDimensionHasOnItsOwn) {
  torch::NoGradGuard no_grad;
  auto joint = options(), apart = options();
  joint.mixtures = apart.mixtures = 1, apart.joint = false;
  MdnRnn a(joint), b(apart);
  EXPECT_EQ(count(*a), count(*b) - 2 * 7) << "one logit in the place of three";
  test::fill_hashed(*a, 30);
  const auto out = a->output(hashed_float(1, {4, 6}, 1));
  const auto z = hashed_float(2, {4, 3}, 1);
  EXPECT_LT(relative_error(latent_nll(out, z), mixture_nll(z, out.log_weights, out.mean, out.log_deviation).sum(-1)), 1e-6);
}

TEST_F(JointMixture, LearnsOneBatch) {
  MdnRnn m(options());
  const auto z = hashed_float(1, {9, 3, 3}, 1.5), actions = hashed_float(2, {8, 3, 2}, 1);
  torch::optim::Adam adam(m->parameters(), 2e-2);
  double first = 0, last = 0;
  for (int step = 0; step < 200; ++step) {
    adam.zero_grad();
    const auto loss = m->loss(z, actions, torch::zeros({8, 3}), torch::zeros({8, 3}));
    loss.total.backward();
    torch::nn::utils::clip_grad_value_(m->parameters(), 1.0);
    adam.step();
    last = loss.nll.item<double>();
    if (step == 0) first = last;
  }
  EXPECT_LT(last, first - 0.5) << "from " << first;
}

TEST_F(MdnRnnTest, OnePassDrawsWhatTheOperationsDraw) {
  torch::NoGradGuard no_grad;
  for (const auto& [latent, mixtures, heads] :
       {std::tuple{7, 3, true}, {32, 5, false}, {1, 1, false}, {17, most_mixtures, true}}) {
    MdnRnn m(MdnRnnOptions{latent, 2, 9, mixtures, heads});
    test::fill_hashed(*m, 40);
    for (auto& item : m->named_parameters()) {
      if (item.key() == "output_weight") item.value().mul_(20);
    }
    const auto h = hashed_float(1, {37, 9}, 1);
    for (const auto& [tau_mixture, tau_sigma] : {std::pair{1.0, 1.0}, {0.3, 2.0}, {1.15, 0.0}}) {
      const auto fast = m->draw(h, tau_mixture, tau_sigma, seeded(6)),
                 plain = MdnRnnImpl::sample(m->output(h), tau_mixture, tau_sigma, seeded(6));
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
  const auto p = exact->step(input, torch::zeros({300, 3}), {h, h}),
             q = near->step(input, torch::zeros({300, 3}), {h, h});
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

TEST_F(MdnRnnTest, EqualsPyTorch) {
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
  }
  const auto loss = m->loss(z, actions, {}, {});
  EXPECT_LT(relative_error(loss.nll, golden("m/nll")), tolerance);
  loss.total.backward();
  auto parameters = m->named_parameters();
  EXPECT_LT(relative_error(parameters["lstm.bias"].grad(), golden("m/gradient/lstm.bias")), tolerance);
  EXPECT_LT(relative_error(parameters["lstm.kernel"].grad().slice(0, 0, 291, 40), golden("m/gradient/lstm.kernel")),
            tolerance);
  EXPECT_LT(relative_error(parameters["output_bias"].grad(), golden("m/gradient/output_bias")), tolerance);
  EXPECT_LT(relative_error(parameters["output_weight"].grad().slice(0, 0, 256, 32), golden("m/gradient/output_weight")),
            tolerance);
}

}  // namespace mdn_rnn_test
}  // namespace dream
