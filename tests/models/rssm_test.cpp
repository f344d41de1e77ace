#include "core/models/rssm.h"

#include <cmath>
#include <functional>
#include <numeric>
#include <set>

#include "api/error.h"
#include "core/nn/optimiser.h"
#include "tests/data/temp_folder.h"
#include "tests/models/rssm_small.h"

namespace dream {
namespace rssm_test {

using test::fill_hashed;
using test::hashed_float;
using test::message_of;
using test::pixels;
using test::published;
using test::relative_error;
using test::seeded;
using test::small;
using test::Variant;
using test::variants;
using test::wandering;

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

class RssmTest : public test::ModelTest {};

TEST_F(RssmTest, EveryVariantLearnsOneBatchByHeart) {
  for (const auto& v : variants) {
    const auto o = small(v);
    Rssm model(o.world, pixels(v.discrete ? 2 : 1, v.discrete));
    const auto batch = wandering(v.discrete);
    auto adam = OptimiserOptions{.kind = OptimiserKind::adam,
                                 .learning_rate = 3e-3,
                                 .eps = 1e-8,
                                 .clip_norm = 100,
                                 .adaptive_clip = 0,
                                 .warm_up = 0};
    Optimiser optimiser(model.parameters(), adam);
    const auto rng = seeded(3);
    const auto judge = [&] {  // errors of the mean picture and of the reward
      torch::NoGradGuard no_grad;
      const auto filtered = model.filter(model.encode({batch.image.flatten(0, 1), {}}, rng), batch, rng, {});
      const auto seen = model.predict(
          {{"h", filtered.h.flatten(0, 1)}, {"z", filtered.z.flatten(0, 1)}, {"started", torch::ones({8, 1})}});
      const auto truth = batch.image.flatten(0, 1).permute({0, 3, 1, 2}).to(torch::kFloat32).div(255);
      return std::pair((seen.frame - truth).square().mean().item<double>(),
                       (seen.reward - batch.reward.flatten()).abs().max().item<double>());
    };
    const auto [picture_before, reward_before] = judge();
    double first = 0, last = 0;
    for (int step = 0; step < 250; ++step) {
      auto loss = model.loss(batch, rng);
      if (step == 0) first = loss.total.item<double>();
      last = loss.total.item<double>();
      loss.total.backward();
      optimiser.step();
    }
    const auto [picture, reward] = judge();
    EXPECT_LT(last, first) << v.recipe << v.constants;
    EXPECT_LT(picture, 0.1 * picture_before) << v.recipe << v.constants;
    EXPECT_LT(reward, 0.3) << v.recipe << v.constants << ", before " << reward_before;
  }
}

TEST_F(RssmTest, V3BeginsByForetellingNothingAndWithinItsFreeNats) {
  for (const auto& [constants, expected] : {std::pair{"2024", 1.1}, {"2023", 0.6}}) {
    const Variant v{"dreamer-v3", constants, true};
    Rssm model(small(v).world, pixels(2));
    {
      torch::NoGradGuard no_grad;  // prior and posterior that agree: nothing is to be won there
      for (const char* name : {"prior.out.weight", "posterior.out.weight"}) model.named_parameters()[name].zero_();
    }
    const auto loss = model.loss(wandering(true), seeded(1));
    std::map<std::string, torch::Tensor> terms(loss.terms.begin(), loss.terms.end());
    EXPECT_NEAR(terms.at("reward").item<double>(), std::log(255.0), 1e-5);  // 5.541264
    const auto& o = model.options();
    EXPECT_NEAR(o.dynamics_scale * terms.at("dynamics").item<double>() +
                    o.representation_scale * terms.at("representation").item<double>(),
                expected, 1e-6);
    loss.total.backward();
    EXPECT_EQ(model.named_parameters()["prior.out.weight"].grad().abs().max().item<float>(), 0);
    EXPECT_EQ(model.outcome({{"h", hashed_float(1, {5, 32}, 1)}, {"z", hashed_float(2, {5, 36}, 1)}})
                  .reward.abs()
                  .max()
                  .item<float>(),
              0);
  }
}

TEST_F(RssmTest, EachSideOfTheKlLearnsFromItsOwnTerm) {
  // One step: there h comes from no posterior.
  auto batch = wandering(true);
  for (auto* x : {&batch.image, &batch.action, &batch.reward, &batch.terminated, &batch.last, &batch.first})
    *x = x->slice(0, 0, 1);
  auto o = small({"dreamer-v3", "2024", true}).world;
  o.free_nats = 0;
  const auto gradient = [&](const char* name, double dynamics, double representation) {
    o.dynamics_scale = dynamics;
    o.representation_scale = representation;
    Rssm model(o, pixels(2));
    fill_hashed(model, 1);
    Rssm::Given given;
    given.draws = torch::zeros({1, 2, 36});
    model.loss(batch, seeded(1), given).total.backward();
    const auto& found = model.named_parameters()[name].grad();
    return found.defined() ? found.clone() : torch::zeros_like(model.named_parameters()[name]);
  };
  const auto change = [&](const char* name, double dynamics, double representation) {
    return (gradient(name, dynamics, representation) - gradient(name, 0, 0)).abs().max().item<double>();
  };
  EXPECT_GT(change("prior.out.weight", 1, 0), 1e-4);
  EXPECT_EQ(change("prior.out.weight", 0, 1), 0);
  EXPECT_GT(change("posterior.out.weight", 0, 1), 1e-4);
  EXPECT_EQ(change("posterior.out.weight", 1, 0), 0);
}

TEST_F(RssmTest, AnEpisodesBeginForgetsWhatWasBefore) {
  for (const auto& v : variants) {
    const auto o = small(v);
    Rssm model(o.world, pixels(v.discrete ? 2 : 1, v.discrete));
    fill_hashed(model, 1);
    torch::NoGradGuard no_grad;
    auto batch = wandering(v.discrete);
    batch.first[2][0] = 1;  // in one lane of the two
    const auto embedded = model.encode({batch.image.flatten(0, 1), {}}, seeded(1)).view({4, 2, -1});
    Rssm::Given given;
    given.draws = hashed_float(9, {4, 2, model.categorical() ? 36 : 6}, 1);
    const auto whole = model.filter(embedded.flatten(0, 1), batch, seeded(1), given);
    const auto from = [](torch::Tensor x) { return x.slice(0, 2); };
    SequenceBatch rest{
        from(batch.image), {}, from(batch.action), from(batch.reward), from(batch.terminated), from(batch.last),
        from(batch.first)};
    given.draws = from(given.draws);
    const auto fresh = model.filter(from(embedded).flatten(0, 1), rest, seeded(1), given);
    EXPECT_LT(relative_error(whole.h.slice(0, 2).select(1, 0), fresh.h.select(1, 0)), 1e-5) << v.recipe;
    EXPECT_LT(relative_error(whole.posterior.slice(0, 2).select(1, 0), fresh.posterior.select(1, 0)), 1e-5) << v.recipe;
    EXPECT_GT(relative_error(whole.h.slice(0, 2).select(1, 1), fresh.h.select(1, 1)), 1e-3) << v.recipe;
  }
}

/// A piece goes on from the state before it; where none is known, and where an episode begins, it begins as that does.
TEST_F(RssmTest, APieceGoesOnFromTheStateBeforeIt) {
  for (const auto& v : variants) {
    auto o = small(v);
    Rssm model(o.world, pixels(v.discrete ? 2 : 1, v.discrete));
    fill_hashed(model, 1);
    torch::NoGradGuard no_grad;
    auto batch = wandering(v.discrete);
    batch.first.zero_();
    const auto initial = model.initial(2);
    auto known = model.observe(initial, batch.action[0], {batch.image[0], {}}, seeded(4));
    const auto loss_from = [&](const Carry& before, double first = 0) {
      batch.before = before;
      batch.first[0].fill_(first);
      return model.loss(batch, seeded(5)).features;
    };
    const auto as_begun = loss_from({}), gone_on = loss_from(known);
    Rssm::Given given;
    given.h = known.at("h"), given.z = known.at("z");
    EXPECT_TRUE(torch::equal(gone_on, model.loss(batch, seeded(5), given).features)) << v.recipe;
    EXPECT_GT(relative_error(gone_on[0], as_begun[0]), 1e-3) << v.recipe;
    EXPECT_LT(relative_error(loss_from(known, 1), loss_from({}, 1)), 1e-6) << v.recipe << v.constants;
    // One lane of two is not known: all zeros.
    for (auto& [name, tensor] : known) tensor = tensor * torch::tensor({1.0f, 0.0f}).view({2, 1});
    const auto half = loss_from(known);
    EXPECT_LT(relative_error(half[0][0], gone_on[0][0]), 1e-6) << v.recipe << v.constants;
    EXPECT_LT(relative_error(half[0][1], as_begun[0][1]), 1e-6) << v.recipe << v.constants;
  }
}

TEST_F(RssmTest, ACarryIsARowAndARowIsACarry) {
  Rssm model(small(variants[3]).world, pixels(2));
  const Carry carry = {{"h", torch::arange(64).view({2, 32}).to(torch::kFloat32)},
                       {"z", torch::ones({2, 36})},
                       {"started", torch::ones({2, 1})},
                       {"posterior", torch::ones({2, 36})}};
  const auto rows = rows_of(carry, model.initial(1));
  EXPECT_EQ(rows.sizes(), (std::vector<std::int64_t>{2, 32 + 1 + 36}));
  const auto back = carry_of(rows, model.initial(1));
  EXPECT_EQ(back.size(), 3u);
  for (const auto& [name, tensor] : back) EXPECT_TRUE(torch::equal(tensor, carry.at(name))) << name;
}

/// Without memory two pasts that end in the same frame are one; what comes next is still predicted from state and
/// action.
TEST_F(RssmTest, WithoutMemoryOnlyThePresentFrameCounts) {
  for (const bool memory : {true, false}) {
    auto o = small(variants[3]);
    o.world.recurrent = memory;
    Rssm model(o.world, pixels(2, true));
    fill_hashed(model, 1);
    torch::NoGradGuard no_grad;
    const auto batch = wandering(true);
    auto other = batch;
    other.image = batch.image.clone();
    other.image.slice(0, 0, 3) = 255 - other.image.slice(0, 0, 3);
    Rssm::Given given;
    given.draws = hashed_float(9, {4, 2, 36}, 1);
    const auto filter = [&](const SequenceBatch& b) {
      return model.filter(model.encode({b.image.flatten(0, 1), {}}, seeded(1)), b, seeded(1), given);
    };
    const auto a = filter(batch), b = filter(other);
    EXPECT_GT(relative_error(a.posterior[2], b.posterior[2]), 1e-3);
    given.draws = given.draws.clone();
    given.draws[2] = given.draws[2].roll(1, -1);  // other thoughts on the way
    const auto c = filter(other);
    EXPECT_EQ(a.posterior[3].equal(c.posterior[3]), !memory);
    EXPECT_EQ(a.h[3].equal(c.h[3]), !memory);
    EXPECT_FALSE(a.prior[3].equal(c.prior[3]));
  }
}

TEST_F(RssmTest, StepByStepIsTheWholeSequence) {
  for (std::size_t i = 0; i < 2 * variants.size(); ++i) {
    const auto& v = variants[i / 2];
    auto o = small(v);
    o.world.recurrent = i % 2 == 0;
    Rssm model(o.world, pixels(v.discrete ? 2 : 1, v.discrete));
    fill_hashed(model, 1);
    torch::NoGradGuard no_grad;
    const auto batch = wandering(v.discrete);
    Rssm::Given given;
    given.draws = hashed_float(9, {4, 2, model.categorical() ? 36 : 6}, 1);
    const auto filtered =
        model.filter(model.encode({batch.image.flatten(0, 1), {}}, seeded(1)), batch, seeded(1), given);
    auto carry = model.initial(2);
    for (std::int64_t t = 0; t < 4; ++t) {
      // The first action is anything: it led nowhere.
      const auto imagined = model.imagine(carry, batch.action[t], {}, seeded(1));
      carry = model.observe(carry, t == 0 ? torch::ones({2, 1}) : batch.action[t], {batch.image[t], {}}, seeded(1));
      // PlaNet dithers its pictures, so the same picture is never seen twice alike.
      const double tolerance = o.world.five_bits ? 0.1 : 1e-5;
      EXPECT_LT(relative_error(carry.at("h"), filtered.h[t]), 1e-5) << v.recipe << t;
      EXPECT_LT(relative_error(carry.at("prior"), filtered.prior[t]), 1e-5) << v.recipe << t;
      EXPECT_LT(relative_error(carry.at("posterior"), filtered.posterior[t]), tolerance) << v.recipe << t;
      if (t > 0) {
        EXPECT_LT(relative_error(imagined.at("prior"), filtered.prior[t]), 1e-5) << v.recipe << t;
      }
      carry["z"] = filtered.z[t];
    }
  }
}

TEST_F(RssmTest, NarrowNumbersChangeLittle) {
  for (const auto& v : variants) {
    Rssm model(small(v).world, pixels(v.discrete ? 2 : 1, v.discrete));
    const auto batch = wandering(v.discrete);
    Rssm::Given given;
    given.draws = torch::zeros({4, 2, model.categorical() ? 36 : 6});
    const auto wide = model.loss(batch, seeded(1), given).total.item<double>();
    model.set_bfloat16(true);
    const auto narrow = model.loss(batch, seeded(1), given);
    EXPECT_NEAR(narrow.total.item<double>() / wide, 1, 0.03) << v.recipe;
    narrow.total.backward();
    for (const auto& p : model.named_parameters()) {
      EXPECT_TRUE(!p.value().grad().defined() || p.value().grad().isfinite().all().item<bool>()) << p.key();
    }
  }
}

TEST_F(RssmTest, AFiveBitPictureHasNoLowerBits) {
  Rssm model(small(variants[0]).world, pixels(1, false));
  auto picture = torch::full({1, 64, 64, 3}, 64, torch::kUInt8), near = torch::full_like(picture, 71),
       next = torch::full_like(picture, 72);
  const auto code = [&](const torch::Tensor& x) { return model.encode({x, {}}, seeded(1)); };
  EXPECT_TRUE(torch::equal(code(picture), code(near)));
  EXPECT_FALSE(torch::equal(code(picture), code(next)));
}

TEST_F(RssmTest, ForcedClassesAndFreshDraws) {
  Rssm model(small(variants[3]).world, pixels(2));
  auto carry = model.observe(model.initial(3), torch::zeros({3, 1}),
                             {wandering(true).image[0].slice(0, 0, 1).expand({3, 64, 64, 3}), {}}, seeded(1));
  const auto edited = model.edit(carry, "latent/z", 2 * 6 + 4, 0);
  const auto z = edited.at("z").view({3, 6, 6});
  EXPECT_TRUE(torch::equal(z.select(1, 2), torch::one_hot(torch::full({3}, 4, torch::kInt64), 6).to(torch::kFloat32)));
  EXPECT_TRUE(torch::equal(z.select(1, 3), carry.at("z").view({3, 6, 6}).select(1, 3)));
  EXPECT_TRUE(
      torch::equal(model.randomise(carry, "latent/z", seeded(2)).at("z").view({3, 6, 6}).sum(-1), torch::ones({3, 6})));
  EXPECT_SAYS(message_of<Error>([&] { model.edit(carry, "latent/z", 36, 1); }), "0 to 35");
  EXPECT_SAYS(message_of<Error>([&] { model.edit(carry, "hidden/h", 0, 1); }), "latent/z");
}

TEST_F(RssmTest, SaysWhichLatentsAreOfNoUse) {
  Rssm model(small(variants[3]).world, pixels(2));
  EXPECT_TRUE(model.latent_warnings().empty());
  torch::NoGradGuard no_grad;
  for (const char* name : {"prior.out.weight", "posterior.out.weight"}) model.named_parameters()[name].zero_();
  for (const char* name : {"prior.out.bias", "posterior.out.bias"})
    model.named_parameters()[name].view({6, 6}).select(1, 0).fill_(20);  // one class of every group
  model.loss(wandering(true), seeded(1));
  const auto found = model.latent_warnings();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_SAYS(found[0], "6 of 6 groups of z have collapsed (0, 1, 2, 3, 4, 5)");
  EXPECT_SAYS(found[0], "lower the free nats");
  EXPECT_SAYS(found[1], "30 of 36 classes are dead (0.1, 0.2, 0.3, 0.4, 0.5, 1.1 …)");
}

std::map<std::string, Probe> reported(const std::function<void(ProbeSink&)>& report,
                                      const std::set<std::string>& names) {
  ProbeSink sink(names);
  report(sink);
  std::map<std::string, Probe> found;
  for (auto& probe : sink.take()) found.emplace(probe.name, probe);
  return found;
}

/// Posterior and prior that stand in one picture are of one state, and the KL beside them is theirs.
TEST_F(RssmTest, TheKlPerGroupIsThatOfThePairThatIsShown) {
  Rssm model(small(variants[3]).world, pixels(2));
  torch::NoGradGuard no_grad;
  const auto carry =
      model.observe(model.initial(1), torch::zeros({1, 1}), {wandering(true).image[0].slice(0, 0, 1), {}}, seeded(1));
  const auto found = reported([&](ProbeSink& sink) { model.report(carry, sink); },
                              {"latent/seen", "latent/kl", "horizon/reward_bins"});
  ASSERT_EQ(found.size(), 3u);
  const auto& pair = std::get<Categorical>(*found.at("latent/seen").value);
  const auto& kl = std::get<Vector>(*found.at("latent/kl").value);
  for (std::size_t g = 0; g < 6; ++g) {
    double sum = 0;
    for (std::size_t c = 0; c < 6; ++c) {
      const double q = pair.posterior[6 * g + c], p = pair.prior[6 * g + c];
      sum += q * std::log(q / p);
    }
    EXPECT_NEAR(kl.values[g], sum, 1e-4) << g;
  }
  const auto& bins = std::get<Curve>(*found.at("horizon/reward_bins").value);
  EXPECT_NEAR(std::accumulate(bins.lines[0].y.begin(), bins.lines[0].y.end(), 0.0), 1, 0.01)
      << "uniform at the start: every bin is shown";
  const auto dreamt = model.imagine(carry, torch::zeros({1, 1}), {}, seeded(1));
  EXPECT_TRUE(reported([&](ProbeSink& sink) { model.report(dreamt, sink); }, {"latent/seen", "latent/kl"}).empty())
      << "a dream has seen nothing";
}

TEST_F(RssmTest, TheEntropyOfABatchIsThatOfItsPosterior) {
  Rssm model(small(variants[3]).world, pixels(2));
  torch::NoGradGuard no_grad;
  model.named_parameters()["posterior.out.weight"].zero_();
  model.named_parameters()["posterior.out.bias"].zero_();
  model.named_parameters()["posterior.out.bias"].view({6, 6})[2][1].fill_(20);
  model.loss(wandering(true), seeded(1));
  const auto found = reported([&](ProbeSink& sink) { model.report_batch(sink); }, {"batch/entropy"});
  const auto& entropy = std::get<Vector>(*found.at("batch/entropy").value).values;
  EXPECT_NEAR(entropy[0], std::log(6), 1e-4);
  EXPECT_LT(entropy[2], 0.1);
}

/// V2's α moves the weight of the KL between its two sides and keeps its sum.
TEST_F(RssmTest, TheBalanceSharesBothScales) {
  auto o = small(variants[2]).world;
  o.dynamics_scale = 0.7, o.representation_scale = 0.3, o.free_nats = 0;
  Rssm model(o, pixels(2));
  const auto total = [&](double balance) {
    model.live_options().kl_balance = balance;
    const auto loss = model.loss(wandering(true), seeded(1));
    double kl = 0;
    for (const auto& [name, term] : loss.terms) {
      if (name == "dynamics") kl = term.item<double>();
    }
    loss.total.backward();
    const auto grad = model.named_parameters()["prior.out.weight"].grad().norm().item<double>();
    model.zero_grad();
    return std::tuple(loss.total.item<double>(), grad, kl);
  };
  const auto [none, plain, kl] = total(0);
  const auto [same, equal, kl_same] = total(0.7);
  const auto [other, less, kl_other] = total(0.35);
  EXPECT_GT(kl, 0.01);
  EXPECT_NEAR(same, none, 1e-4 * std::abs(none));
  EXPECT_NEAR(other, none, 1e-4 * std::abs(none)) << "both sides have the same value";
  EXPECT_NEAR(equal, plain, 1e-4 * plain);
  EXPECT_NEAR(less, plain / 2, 1e-3 * plain) << "the prior is pulled half as hard";
}

TEST_F(RssmTest, SquashedRewardsComeBackInTheWorldsUnits) {
  auto o = small(variants[2]).world;
  ASSERT_TRUE(o.tanh_rewards);
  Rssm model(o, pixels(2));
  const auto reward = torch::tensor({-1.0f, 0.0f, 2.0f});
  EXPECT_TRUE(torch::allclose(model.reward_to_target(reward), torch::tanh(reward)));
  EXPECT_TRUE(torch::allclose(model.reward_from_target(model.reward_to_target(reward)), reward, 1e-3, 1e-3));
  o.tanh_rewards = false;
  EXPECT_TRUE(torch::equal(Rssm(o, pixels(2)).reward_to_target(reward), reward));
}

TEST_F(RssmTest, RefusesWhatItCannotSee) {
  auto o = small(variants[3]).world;
  Spaces blind = pixels(2);
  blind.image_height = blind.image_width = blind.image_channels = 0;
  EXPECT_SAYS(message_of<Error>([&] { Rssm(o, blind); }), "world.observe = image");
  o.observe = Sees::both;
  EXPECT_SAYS(message_of<Error>([&] { Rssm(o, pixels(2)); }), "vectors");
  Spaces large = pixels(2);
  large.image_height = 96;
  o.observe = Sees::image;
  EXPECT_SAYS(message_of<Error>([&] { Rssm(o, large); }), "64");
  o.depth = 3;
  EXPECT_SAYS(message_of<Error>([&] { Rssm(o, pixels(2)); }), "world.depth = 3");
  o.depth = 4;
  o.deter = 33;
  EXPECT_SAYS(message_of<Error>([&] { Rssm(o, pixels(2)); }), "blocks");
}

}  // namespace rssm_test
}  // namespace dream
