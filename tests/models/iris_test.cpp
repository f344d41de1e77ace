#include "core/models/iris.h"

#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "core/nn/generator.h"
#include "core/nn/optimiser.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace iris_test {

constexpr std::int64_t places = 4, codes = 16, window = 4;

IrisOptions small_iris() {
  IrisOptions options;
  options.tokenizer = {.channels = 8, .levels = 4, .blocks = 1, .attention = 8, .codes = codes, .width = 8};
  options.transformer = {.width = 64, .layers = 2, .heads = 2, .frames = window, .dropout = 0};
  return options;
}

Spaces small_pictures() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 16, spaces.image_channels = 3;
  spaces.action.choices = {"left", "stay", "right"};
  return spaces;
}

/// With weights that all do something.
std::shared_ptr<IrisModel> made(double more = 0.3) {
  torch::manual_seed(1);
  auto model = std::make_shared<IrisModel>(small_iris(), small_pictures());
  torch::NoGradGuard no_grad;
  for (auto& p : model->transformer()->parameters()) p.add_(more * torch::randn_like(p));
  model->eval();
  return model;
}

Observation noise_seen(std::int64_t batch) {
  return {torch::randint(256, {batch, 16, 16, 3}, torch::kUInt8), {}};
}

torch::Tensor choice(std::int64_t batch, double value) {
  return torch::full({batch, 1}, value);
}

class IrisTest : public ::testing::Test {
 protected:
  IrisTest() {
    torch::set_num_threads(1);
    torch::manual_seed(1);
  }
  at::Generator rng(std::uint64_t seed = 1) { return make_generator(torch::kCPU, seed); }
};

TEST_F(IrisTest, BeginsByKnowingNothing) {
  torch::NoGradGuard no_grad;
  IrisTransformer model(IrisTransformerOptions{.dropout = 0}, 16, 512, 4);
  const auto seen = torch::randint(512, {2, 20, 16}, torch::kInt64);
  const auto actions = torch::one_hot(torch::randint(4, {2, 20}, torch::kInt64), 4).to(torch::kFloat32);
  const auto all = torch::ones({2, 20});
  const auto loss = model->loss(seen, actions, torch::randint(-1, 2, {2, 20}).to(torch::kFloat32), torch::zeros({2, 20}), all, all);
  EXPECT_NEAR(loss.codes.item<double>(), std::log(512), 0.05);
  EXPECT_NEAR(loss.reward.item<double>(), std::log(3), 0.1);
  EXPECT_NEAR(loss.end.item<double>(), std::log(2), 0.1);
  EXPECT_NEAR(loss.total.item<double>(), 8.03, 0.1);
  EXPECT_EQ(model->named_parameters()["of_position"].size(0), 340);
}

TEST_F(IrisTest, NoTokenKnowsALaterOne) {
  torch::NoGradGuard no_grad;
  auto model = made()->transformer();
  const auto seen = torch::randint(codes, {1, window, places}, torch::kInt64);
  const auto actions = torch::one_hot(torch::randint(3, {1, window}, torch::kInt64), 3).to(torch::kFloat32);
  const auto before = model->forward(seen, actions);
  for (std::int64_t t = 0; t < window; ++t) {
    for (std::int64_t k = 0; k < places; ++k) {
      auto other = seen.clone();
      other[0][t][k] = (other[0][t][k] + 1) % codes;
      const auto after = model->forward(other, actions);
      // Row i tells token i + 1; the changed one is number t · places + k.
      const auto changed = (after.codes - before.codes).abs().amax(-1)[0] > 0;
      const auto first = t * places + k;
      EXPECT_FALSE((after.reward - before.reward).abs().slice(1, 0, t).sum().item<double>() > 0) << t;
      EXPECT_FALSE(changed.slice(0, 0, first).any().item<bool>()) << t << ", " << k;
      if (first == changed.size(0)) continue;  // nothing comes after the last
      EXPECT_TRUE(changed.slice(0, first).any().item<bool>()) << t << ", " << k;
    }
  }
  auto acted = actions.clone();
  acted[0][1] = acted[0][1].roll(1);
  const auto after = model->forward(seen, acted);
  const auto changed = (after.codes - before.codes).abs().amax(-1)[0] > 0;
  EXPECT_FALSE(changed.slice(0, 0, 2 * places - 1).any().item<bool>()) << "an action says nothing of its own frame";
  EXPECT_TRUE(changed[2 * places - 1].item<bool>()) << "the first token after an action knows it";
}

TEST_F(IrisTest, PaddedFramesTeachNothing) {
  torch::NoGradGuard no_grad;
  auto model = made()->transformer();
  const auto seen = torch::randint(codes, {2, window, places}, torch::kInt64);
  const auto actions = torch::one_hot(torch::randint(3, {2, window - 1}, torch::kInt64), 3).to(torch::kFloat32);
  const auto reward = torch::randn({2, window - 1}), end = torch::zeros({2, window - 1});
  auto alive = torch::ones({2, window}), acts = torch::ones({2, window - 1});
  alive[1].slice(0, 2).zero_(), acts[1].slice(0, 1).zero_();
  const auto loss = model->loss(seen, actions, reward, end, alive, acts);
  auto other = seen.clone(), rewarded = reward.clone();
  other[1].slice(0, 2).copy_((other[1].slice(0, 2) + 5) % codes), rewarded[1].slice(0, 1).neg_();
  const auto same = model->loss(other, actions, rewarded, end, alive, acts);
  EXPECT_EQ(loss.total.item<double>(), same.total.item<double>());
  other[1][1][0] = (other[1][1][0] + 1) % codes;
  EXPECT_NE(loss.total.item<double>(), model->loss(other, actions, rewarded, end, alive, acts).total.item<double>());
}

TEST_F(IrisTest, CodesAreTheirOwnNearest) {
  auto model = made()->tokenizer();
  torch::NoGradGuard no_grad;
  const auto code = model->named_parameters()["codebook"];
  code.copy_(torch::randn_like(code));
  const auto pictures = torch::rand({3, 3, 16, 16});
  const auto encoded = model->encode(pictures);
  const auto distance = torch::cdist(encoded.z.permute({0, 2, 3, 1}).reshape({-1, 8}), code);
  EXPECT_TRUE(torch::equal(encoded.codes.flatten(), distance.argmin(1)));
  EXPECT_TRUE(torch::equal(model->values(encoded.codes).flatten(0, 1), encoded.quantised.permute({0, 2, 3, 1}).reshape({-1, 8})));
  EXPECT_EQ(encoded.codes.size(1), places);
}

TEST_F(IrisTest, CommitmentIsTheSecondPull) {
  auto model = made()->tokenizer();
  // At β = 1 both pulls are the same number.
  auto options = small_iris();
  options.tokenizer.commitment = 0;
  IrisTokenizer one(options.tokenizer, at::IntArrayRef{3, 16, 16});
  torch::NoGradGuard no_grad;
  auto from = model->parameters();
  auto to = one->parameters();
  for (std::size_t i = 0; i < to.size(); ++i) to[i].copy_(from[i]);
  torch::manual_seed(5);
  const auto pictures = torch::rand({2, 3, 16, 16});
  EXPECT_NEAR(model->loss(pictures).codebook.item<double>(), 2 * one->loss(pictures).codebook.item<double>(), 1e-6);
}

TEST_F(IrisTest, DrawsByWhatItExpects) {
  torch::NoGradGuard no_grad;
  auto model = made()->transformer();
  const auto action = torch::one_hot(torch::tensor({std::int64_t{0}, std::int64_t{2}}), 3).to(torch::kFloat32);
  auto memory = model->see(model->nothing(2), action, torch::randint(codes, {2, places}, torch::kInt64)).memory;
  for (std::int64_t t = 1; t < 2 * window; ++t) {
    const auto drawn = model->draw(memory, action, 1, torch::rand({2, places}));
    const auto seen = model->see(memory, action, drawn.memory.codes);
    EXPECT_LT((drawn.expected - seen.expected).abs().max().item<double>(), 1e-4) << t;
    EXPECT_LT((drawn.reward - seen.reward).abs().max().item<double>(), 1e-4);
    EXPECT_LT((drawn.state - seen.state).abs().max().item<double>(), 1e-4);
    EXPECT_LT((drawn.memory.kept.pages.back() - seen.memory.kept.pages.back()).abs().max().item<double>(), 1e-4);
    EXPECT_EQ(drawn.emptied.all().item<bool>(), t == window || t == 2 * window - 1) << t;
    memory = drawn.memory;
  }
  const auto cold = model->draw(memory, action, 1e-3, torch::rand({2, places}));
  EXPECT_TRUE(torch::equal(cold.memory.codes, cold.expected.argmax(-1))) << "without heat it draws the likeliest";
  // Over many lanes each code comes as often as it is likely.
  const auto many = [](const torch::Tensor& x) { return x.slice(0, 0, 1).expand({4000, -1}).contiguous(); };
  auto crowd = memory;
  for (auto& page : crowd.kept.pages) page = page.slice(0, 0, 1).expand({4000, -1, -1, -1}).contiguous();
  crowd.kept.count = memory.kept.count.slice(0, 0, 1).expand({4000}).contiguous(), crowd.codes = many(memory.codes);
  const auto first = model->draw(crowd, many(action), 1, torch::rand({4000, places}, rng()));
  const auto share = torch::bincount(first.memory.codes.select(1, 0), {}, codes).to(torch::kFloat32) / 4000;
  EXPECT_LT((share - first.expected[0][0].exp()).abs().max().item<double>(), 0.03);
}

TEST_F(IrisTest, TheSameChanceGivesTheSameDream) {
  auto model = made();
  auto carry = model->observe(model->initial(2), choice(2, 0), noise_seen(2), rng());
  auto kept = carry;
  const auto dream = [&](Carry from, std::uint64_t seed) {
    auto chance = rng(seed);
    for (int i = 0; i < 6; ++i) from = model->imagine(from, choice(2, i % 3), {}, chance);
    return from;
  };
  const auto a = dream(carry, 3), b = dream(carry, 3), c = dream(carry, 4);
  for (const auto& [name, tensor] : a) EXPECT_TRUE(torch::equal(tensor, b.at(name))) << name;
  EXPECT_FALSE(torch::equal(a.at("codes"), c.at("codes")));
  for (const auto& [name, tensor] : model->initial(2)) {
    ASSERT_TRUE(a.contains(name)) << name;
    EXPECT_EQ(a.at(name).sizes(), tensor.sizes()) << name;
    EXPECT_TRUE(torch::equal(carry.at(name), kept.at(name)));
  }
  // A step makes one page, and shares the others.
  const auto next = model->imagine(carry, choice(2, 1), {}, rng());
  EXPECT_EQ(next.at("page00").data_ptr(), carry.at("page01").data_ptr());
  // Emptied with the fifth frame, as four fit.
  EXPECT_EQ(a.at("since")[0].item<double>(), 3);
  EXPECT_EQ(a.at("filled")[0].item<double>(), 4);
  const auto frame = model->predict(a).frame;
  EXPECT_EQ(frame.sizes(), (std::vector<std::int64_t>{2, 3, 16, 16}));
  EXPECT_GE(frame.min().item<double>(), 0);
  EXPECT_LE(frame.max().item<double>(), 1);
  EXPECT_NEAR(a.at("reward").sum(1)[0].item<double>(), 1, 1e-5);
}

TEST_F(IrisTest, LanesBeginAnewByThemselves) {
  auto model = made();
  auto carry = model->observe(model->initial(2), choice(2, 0), noise_seen(2), rng());
  for (int i = 0; i < 5; ++i) carry = model->observe(carry, choice(2, 1), noise_seen(2), rng());
  carry = begun_anew(1, model->initial(2), carry);
  const auto seen = noise_seen(2);
  const auto both = model->observe(carry, choice(2, 2), seen, rng());
  const auto alone = model->observe(model->initial(1), choice(1, 0), {seen.image.slice(0, 1), {}}, rng());
  EXPECT_LT((both.at("state")[1] - alone.at("state")[0]).abs().max().item<double>(), 1e-5);
  EXPECT_EQ(both.at("filled").squeeze(1).sum().item<double>(), 4 + 1) << "the other was emptied with its fifth frame, and this is its seventh";
  EXPECT_EQ(both.at("surprise")[1].item<double>(), 0);
  EXPECT_GT(both.at("surprise")[0].item<double>(), 0);
}

TEST_F(IrisTest, ATokenCanBeExchanged) {
  auto model = made();
  auto carry = model->observe(model->initial(1), choice(1, 0), noise_seen(1), rng());
  carry = model->imagine(carry, choice(1, 1), {}, rng());
  const auto code = carry.at("codes")[0][2].item<std::int64_t>(), other = (code + 3) % codes;
  const auto exchanged = model->edit(carry, "tokens/grid", 2 * codes + other, 1);
  EXPECT_EQ(exchanged.at("codes")[0][2].item<std::int64_t>(), other);
  EXPECT_GT((exchanged.at("frame") - carry.at("frame")).abs().max().item<double>(), 0);
  EXPECT_GT((exchanged.at("state") - carry.at("state")).abs().max().item<double>(), 1e-4) << "what is remembered of it is changed as well";
  const auto back = model->edit(exchanged, "tokens/grid", 2 * codes + code, 1);
  for (const char* name : {"codes", "state", "frame", "page03"})
    EXPECT_LT((back.at(name) - carry.at(name)).abs().max().item<double>(), 1e-5) << name;
  EXPECT_EQ(exchanged.at("page02").data_ptr(), carry.at("page02").data_ptr());
  EXPECT_NE(test::message_of<Error>([&] { model->edit(carry, "tokens/grid", places * codes, 1); }).find("no element 64"), std::string::npos);
  EXPECT_NE(test::message_of<Error>([&] { model->edit(carry, "memory/window", 0, 1); }).find("cannot be edited"), std::string::npos);
  const auto anew = model->randomise(carry, "tokens/grid", rng(8));
  EXPECT_FALSE(torch::equal(anew.at("codes"), carry.at("codes")));
}

TEST_F(IrisTest, SurpriseIsWhatTheTokensTold) {
  auto model = made();
  auto carry = model->observe(model->initial(3), choice(3, 0), noise_seen(3), rng());
  carry = model->observe(carry, choice(3, 2), noise_seen(3), rng());
  const auto told = model->surprise(carry);
  const auto belief = model->belief(carry);
  EXPECT_EQ(belief.latent.sizes(), (std::vector<std::int64_t>{3, places * codes}));
  EXPECT_LT((kl_of(belief.posterior, belief.prior).sum(1) - told).abs().max().item<double>(), 0.02);
  const auto put = model->with_latent(carry, carry);
  EXPECT_LT((put.at("state") - carry.at("state")).abs().max().item<double>(), 1e-5);
  EXPECT_FALSE(model->surprise(model->imagine(carry, choice(3, 0), {}, rng())).defined());
}

TEST_F(IrisTest, UnusedCodesAreRevived) {
  auto options = small_iris();
  options.tokenizer.revive = true;
  IrisTokenizer model(options.tokenizer, at::IntArrayRef{3, 16, 16});
  const auto pictures = torch::rand({4, 3, 16, 16});
  std::int64_t revived = 0;
  // What looks alike everywhere needs one code alone.
  for (int i = 0; i < 400; ++i) {
    torch::NoGradGuard no_grad;
    revived += model->note_use(model->loss(torch::zeros({1, 3, 16, 16})));
  }
  EXPECT_LE(revived, 4) << "places at the edge look different";
  revived = 0;
  for (int i = 0; i < 400 && revived == 0; ++i) {
    torch::NoGradGuard no_grad;
    revived += model->note_use(model->loss(pictures));
  }
  EXPECT_GT(revived, 0);
  EXPECT_NEAR(model->use().sum().item<double>(), 1, 1e-4);
  options.tokenizer.revive = false;
  IrisTokenizer still(options.tokenizer, at::IntArrayRef{3, 16, 16});
  const auto before = still->named_parameters()["codebook"].clone();
  for (int i = 0; i < 150; ++i) {
    torch::NoGradGuard no_grad;
    EXPECT_EQ(still->note_use(still->loss(pictures)), 0);
  }
  EXPECT_TRUE(torch::equal(before, still->named_parameters()["codebook"]));
  EXPECT_LT(still->use().min().item<double>(), 0.05 / codes);
}

/// A ball of four pixels somewhere: with the focus codes tell where, and without it they do not in as many updates.
TEST_F(IrisTest, AFocusFindsWhatIsSmall) {
  // Updates until less than 0.6 of a picture without a ball is missed, looked at every hundred; more than `most` where it never is. The
  // loss goes up and down on the way, on each processor at other times.
  const auto until_found = [&](double focus, int most) {
    torch::manual_seed(1);
    auto options = small_iris().tokenizer;
    options.revive = true, options.width = 16;
    options.focus = focus, options.first_codes = 0.3, options.commitment = 0.25, options.detail = focus > 0 ? 0 : 1;
    IrisTokenizer model(options, at::IntArrayRef{3, 16, 16});
    const auto some = [](std::int64_t count) {
      auto pictures = torch::full({count, 3, 16, 16}, 0.1);
      for (std::int64_t i = 0; i < count; ++i) {
        const auto at = torch::randint(8, {2}, torch::kInt64) * 2;
        pictures[i].slice(1, at[0].item<std::int64_t>(), at[0].item<std::int64_t>() + 2).slice(2, at[1].item<std::int64_t>(), at[1].item<std::int64_t>() + 2).fill_(0.9);
      }
      return pictures;
    };
    const auto unseen = some(64);
    Optimiser adam(model->parameters(), {.kind = OptimiserKind::adam, .learning_rate = 2e-3, .eps = 1e-8, .clip_norm = 10, .adaptive_clip = 0, .warm_up = 0});
    for (int updates = 1; updates <= most; ++updates) {
      const auto loss = model->loss(some(32));
      loss.total.backward();
      adam.step();
      model->note_use(loss);
      if (updates % 100 > 0) continue;
      torch::NoGradGuard no_grad;
      const auto missed = (model->pictures(model->tokens(unseen)) - unseen).square().flatten(1).sum(1).mean() / (12 * 0.64);
      if (missed.item<double>() < 0.6) return updates;
    }
    return most + 1;
  };
  const int with = until_found(20, 2000);
  EXPECT_LE(with, 2000);
  EXPECT_GT(until_found(0, with), with);
}

TEST_F(IrisTest, LearnsOneBatchByHeart) {
  auto options = small_iris();
  options.tokenizer.revive = true, options.tokenizer.width = 16;
  auto model = std::make_shared<IrisModel>(options, small_pictures());
  // A block in one of four corners, on a ground of its own.
  auto pictures = torch::zeros({4, 3, 16, 16});
  for (std::int64_t i = 0; i < 4; ++i) {
    pictures[i].fill_(0.1 + 0.2 * static_cast<double>(i));
    pictures[i].slice(1, 8 * (i / 2), 8 * (i / 2) + 8).slice(2, 8 * (i % 2), 8 * (i % 2) + 8).fill_(1 - 0.2 * static_cast<double>(i));
  }
  OptimiserOptions adam{.kind = OptimiserKind::adam, .learning_rate = 1e-3, .eps = 1e-8, .clip_norm = 10, .adaptive_clip = 0, .warm_up = 0};
  Optimiser of_tokens(model->tokenizer()->parameters(), adam);
  double first = 0, last = 0;
  auto chance = rng();
  for (int i = 0; i < 300; ++i) {
    const auto loss = model->tokenizer()->loss(pictures);
    last = loss.reconstruction.item<double>();
    if (i == 0) first = last;
    loss.total.backward();
    of_tokens.step();
    model->tokenizer()->note_use(loss);
  }
  EXPECT_LT(last, 0.15 * first);
  // The block goes round; the reward tells that it is in the last corner.
  torch::Tensor seen;
  {
    torch::NoGradGuard no_grad;
    seen = model->tokenizer()->tokens(pictures).unsqueeze(0).expand({8, -1, -1});
  }
  const auto actions = torch::one_hot(torch::randint(3, {8, window - 1}, torch::kInt64), 3).to(torch::kFloat32);
  auto reward = torch::zeros({8, window - 1}), end = torch::zeros({8, window - 1});
  reward.select(1, 2).fill_(2), end.select(1, 2).fill_(1);
  const auto all = torch::ones({8, window}), acts = torch::ones({8, window - 1});
  adam.learning_rate = 3e-3;
  Optimiser of_world(model->transformer()->parameters(), adam);
  for (int i = 0; i < 120; ++i) {
    const auto loss = model->transformer()->loss(seen, actions, reward, end, all, acts);
    last = loss.total.item<double>();
    loss.total.backward();
    of_world.step();
  }
  EXPECT_LT(last, 0.2);
  torch::NoGradGuard no_grad;
  const auto picture = [&](std::int64_t i) { return Observation{(pictures.slice(0, i, i + 1) * 255).round().to(torch::kUInt8).permute({0, 2, 3, 1}).contiguous(), {}}; };
  auto carry = model->observe(model->initial(1), choice(1, 0), picture(0), rng());
  for (std::int64_t i = 1; i < window; ++i) {
    carry = model->imagine(carry, choice(1, 1), {{"tau_tokens", 0.1}}, rng());
    EXPECT_LT((model->predict(carry).frame - pictures[i]).abs().mean().item<double>(), 0.1) << i;
    EXPECT_NEAR(model->predict(carry).reward.item<double>(), i == 3, 0.2) << i;
    EXPECT_NEAR(model->predict(carry).done.item<double>(), i == 3, 0.2) << i;
  }
}

TEST_F(IrisTest, ShowsWhatItRemembers) {
  auto model = made();
  auto carry = model->observe(model->initial(1), choice(1, 0), noise_seen(1), rng());
  const auto say = [&] {
    ProbeSink sink({"memory/window", "tokens/film", "outcome/sign"});
    model->report(carry, sink);
    return sink.take();
  };
  EXPECT_NE(std::get<Text>(*say()[1].value).text.find("holds 1 of 4 frames. It has not been emptied"), std::string::npos);
  for (int i = 0; i < 5; ++i) carry = model->imagine(carry, choice(1, 0), {}, rng());
  const auto probes = say();
  ASSERT_EQ(probes.size(), 3u);
  EXPECT_EQ(std::get<Image>(*probes[0].value).width, 16 * places);
  EXPECT_NE(std::get<Text>(*probes[1].value).text.find("holds 3 of 4 frames. It was emptied 2 frames ago"), std::string::npos);
  EXPECT_EQ(std::get<Vector>(*probes[2].value).values.size(), 4u);
}

TEST_F(IrisTest, ShowsItsTokens) {
  auto model = made();
  auto carry = model->observe(model->initial(1), choice(1, 0), noise_seen(1), rng());
  const auto shown = [&] {
    ProbeSink sink({"tokens/grid"});
    model->report(carry, sink);
    auto probes = sink.take();
    EXPECT_TRUE(probes.at(0).editable);
    return std::get<Tokens>(*probes[0].value);
  };
  EXPECT_TRUE(shown().chance.empty()) << "a first frame was not expected";
  carry = model->imagine(carry, choice(1, 2), {}, rng());
  const auto tokens = shown();
  EXPECT_EQ(tokens.rows * tokens.cols, places);
  EXPECT_EQ(tokens.vocabulary, codes);
  ASSERT_EQ(tokens.chance.size(), 4u);
  ASSERT_EQ(tokens.likely.size(), 4u * 8);
  EXPECT_EQ(tokens.use.size(), static_cast<std::size_t>(codes));
  for (std::int64_t k = 0; k < places; ++k) {
    const auto p = carry.at("expected")[0][k].exp();
    EXPECT_EQ(tokens.codes[static_cast<std::size_t>(k)], carry.at("codes")[0][k].item<int>());
    EXPECT_NEAR(tokens.chance[static_cast<std::size_t>(k)], p[tokens.codes[static_cast<std::size_t>(k)]].item<float>(), 1e-6);
    EXPECT_EQ(tokens.likely[static_cast<std::size_t>(8 * k)], p.argmax().item<int>());
  }
  EXPECT_EQ(tokens.picture->width, 16);
}

TEST_F(IrisTest, SaysWhichPicturesItCannotSee) {
  auto spaces = small_pictures();
  spaces.image_width = 24;
  EXPECT_NE(test::message_of<Error>([&] { IrisModel model(small_iris(), spaces); }).find("tokenizer.levels = 4"), std::string::npos);
}

}  // namespace iris_test
}  // namespace dream
