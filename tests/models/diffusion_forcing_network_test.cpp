// The U-Net of Diffusion Forcing against the authors' code (tests/golden/make_diffusion_forcing.py), and what it promises by itself.
#include "core/models/diffusion_forcing_network.h"

#include <gtest/gtest.h>

#include <cstring>

#include "core/nn/generator.h"
#include "core/nn/optimiser.h"
#include "tests/support/their_parts_golden.h"

namespace dream {
namespace diffusion_forcing_network_test {

using test::HashedGolden;

constexpr std::int64_t lanes = 2, frames = 4, side = 16, actions_of = 3;
const std::string golden_file = "diffusion_forcing/unet.npz";

GenieShape shape() {
  return {.frames = frames, .channels = 3, .height = side, .width = side};
}

class ForcingNetworkTest : public ::testing::Test {
 protected:
  ForcingNetworkTest() { torch::set_num_threads(1); }
};

// -- what the authors call our numbers --------------------------------------------------------------------------------

std::string attention_name(const std::string& within, const std::string& ours) {
  if (ours == "norm.scale") return within + ".norm.weight";
  if (ours == "norm.shift") return within + ".norm.bias";
  return within + ".attn.to_" + ours;  // qkv.weight, out.weight, out.bias
}

std::string block_name(const std::string& within, const std::string& ours) {
  for (const auto& [mine, theirs] : {std::pair("norm1_", "in_layers.0."), {"norm2_", "out_layers.0."}, {"conv1.", "in_layers.2."},
                                     {"conv2.", "out_layers.2."}, {"skip.", "skip_conv."}})
    if (ours.starts_with(mine)) return within + "." + theirs + ours.substr(std::strlen(mine));
  ADD_FAILURE() << ours;
  return {};
}

/// Of a level's part ("first", "second", "space", "time") in the order of their sequence, which the middle has otherwise.
std::string level_name(const std::string& within, const std::string& part, const std::string& ours, bool middle) {
  if (part == "first") return block_name(within + ".0", ours);
  if (part == "second") return block_name(within + (middle ? ".3" : ".1"), ours);
  if (part == "space") return attention_name(within + (middle ? ".1" : ".2") + ".wrapper.module", ours);
  return attention_name(within + (middle ? ".2" : ".3") + ".wrapper.module.attn_block", ours);
}

TheirParts parts(const ForcingNetworkOptions& options, const std::string& prefix, const std::string& ours) {
  const auto dot = ours.find('.'), line = ours.find('_');
  const auto first = ours.substr(0, dot), rest = ours.substr(dot + 1);
  const auto last = options.levels - 1;
  const auto one = [&](const std::string& theirs) { return TheirParts{{prefix + theirs}}; };
  const auto number = [&](std::size_t from) { return first.substr(from, line - from); };  // of a level
  if (first == "action" || first == "read") return {};  // ours alone
  if (first == "level1") return one("noise_level_pos_embedding.1.linear_1." + rest);
  if (first == "level2") return one("noise_level_pos_embedding.1.linear_2." + rest);
  if (first == "in") return one("init_conv." + rest);
  if (first == "in_time") return one(attention_name("init_temporal_attn.wrapper.module.attn_block", rest));
  if (first == "last") return one(block_name("out.0", rest));
  if (first == "out") return one("out.1." + rest);
  if (first.starts_with("shrink")) return one("down_blocks." + first.substr(6) + ".1.conv." + rest);
  const auto up = [&](std::int64_t level) { return "up_blocks." + std::to_string(last - level); };
  if (first.starts_with("grow")) return one(up(std::stoll(first.substr(4))) + ".4.conv." + rest);
  if (first == "bend") {
    TheirParts all;
    const auto both = [&](const std::string& within, const char* second, std::int64_t channels) {
      for (const std::string block : {".0", second}) all.push_back({prefix + within + block + ".emb_layers.1." + rest, 2 * channels});
    };
    for (std::int64_t i = 0; i <= last; ++i) both("down_blocks." + std::to_string(i) + ".0", ".1", options.width << i);
    both("mid_block", ".3", options.width << last);
    for (auto i = last; i >= 0; --i) both(up(i), ".1", options.width << std::max<std::int64_t>(0, i - 1));
    return all;
  }
  const auto part = first.substr(line + 1);
  if (first.starts_with("middle")) return one(level_name("mid_block", part, rest, true));
  if (first.starts_with("down")) return one(level_name("down_blocks." + number(4) + ".0", part, rest, false));
  return one(level_name(up(std::stoll(number(2))), part, rest, false));
}

ForcingNetworkOptions golden_options(bool late) {
  return {.width = 16, .levels = 3, .heads = 2, .each = 8, .attention_from = late ? 1 : 0};
}

struct Question {
  torch::Tensor frames, levels, actions;
};
Question golden_question() {
  return {test::hashed_by_name("frames", {lanes, frames, 3, side, side}),
          ((test::hashed_by_name("levels", {lanes, frames}) + 1) * 500).to(torch::kInt64), torch::zeros({lanes, frames, actions_of})};
}

std::int64_t golden_count(const std::string& name) {
  const auto file = read_npz(DREAMSCOPE_SOURCE_DIR "/tests/golden/" + golden_file);
  std::int64_t count = 0;
  std::memcpy(&count, file.at(name + "/parameters").bytes.data(), sizeof count);
  return count;
}
/// Of the action's map and of what is read.
std::int64_t of_ours(ForcingNetwork& network) {
  std::int64_t count = 0;
  for (const auto& p : network->named_parameters())
    if (p.key().starts_with("action.") || p.key().starts_with("read.")) count += p.value().numel();
  return count;
}

TEST_F(ForcingNetworkTest, SaysAndLearnsWhatTheirsDoes) {
  const HashedGolden golden(golden_file);
  for (const bool late : {false, true}) {
    const std::string name = late ? "late" : "all";
    const auto options = golden_options(late);
    ForcingNetwork network(options, shape(), actions_of);
    const auto parts_of = [&](const std::string& ours) { return parts(options, name + "/", ours); };
    test::fill_parts(*network, parts_of);
    EXPECT_EQ(test::parameter_count(*network) - of_ours(network), golden_count(name));
    const auto asked = golden_question();
    const auto said = network(asked.frames, asked.levels, asked.actions).output;
    golden.close(name + "/output", said.detach());
    (said * test::hashed_by_name("slope", said.sizes().vec())).mean().backward();
    test::close_part_gradients(golden, *network, parts_of);
    torch::NoGradGuard no_grad;  // the kernels
    golden.close(name + "/output", network(asked.frames, asked.levels, asked.actions).output);
  }
}

TEST_F(ForcingNetworkTest, ThePublishedOneIsOfTheirSize) {
  constexpr std::int64_t actions = 5;
  ForcingNetwork network(ForcingNetworkOptions{}, GenieShape{.frames = 10, .channels = 3, .height = 128, .width = 128}, actions);
  EXPECT_EQ(golden_count("published"), 34518467);
  EXPECT_EQ(of_ours(network), 256 * actions + 2052);
  EXPECT_EQ(test::parameter_count(*network), golden_count("published") + of_ours(network));
  EXPECT_EQ(network->hidden_size(), 16 * 16 * 4);
}

// -- what it promises -------------------------------------------------------------------------------------------------

std::vector<ForcingNetworkOptions> several() {
  return {{.patch = 1, .width = 16, .levels = 2, .heads = 2, .each = 4, .attention_from = 0, .first_kernel = 3},
          {.patch = 2, .width = 8, .levels = 3, .heads = 2, .each = 8, .attention_from = 1, .first_kernel = 7},
          {.patch = 4, .width = 24, .levels = 1, .heads = 1, .each = 6, .attention_from = 5, .first_kernel = 5, .groups = 4}};
}

Question some(std::uint64_t seed) {
  torch::manual_seed(seed);
  return {torch::randn({lanes, frames, 3, side, side}), torch::randint(1000, {lanes, frames}, torch::kInt64), torch::randn({lanes, frames, actions_of})};
}

TEST_F(ForcingNetworkTest, NothingReachesAnEarlierFrameOrAnotherLane) {
  torch::NoGradGuard no_grad;
  for (const auto& options : several()) {
    ForcingNetwork network(options, shape(), actions_of);
    const auto asked = some(1);
    const auto before = network(asked.frames, asked.levels, asked.actions);
    for (std::int64_t t = 0; t < frames; ++t)
      for (int what = 0; what < 3; ++what) {
        auto other = some(1);
        if (what == 0) other.frames[1][t] += 1;
        if (what == 1) other.levels[1][t] = (other.levels[1][t] + 500) % 1000;
        if (what == 2) other.actions[1][t] += 1;
        const auto after = network(other.frames, other.levels, other.actions);
        const auto moved = torch::maximum((after.output - before.output).abs().flatten(2).amax(2), (after.hidden - before.hidden).abs().amax(2));
        EXPECT_EQ(moved[0].max().item<double>(), 0) << "another lane";
        for (std::int64_t at = 0; at < frames; ++at) {
          if (at < t) {
            EXPECT_EQ(moved[1][at].item<double>(), 0) << t << " reaches back to " << at;
          } else {
            EXPECT_GT(moved[1][at].item<double>(), 1e-6) << t << " does not reach " << at;
          }
        }
      }
  }
}

TEST_F(ForcingNetworkTest, OneMoreFrameIsWhatTheWholeIsAtEveryPlace) {
  torch::NoGradGuard no_grad;
  for (const auto& options : several()) {
    ForcingNetwork network(options, shape(), actions_of);
    const auto asked = some(2);
    const auto whole = network(asked.frames, asked.levels, asked.actions);
    const auto kept = network->past(asked.frames, asked.levels, asked.actions);
    const auto at_once = [&](const torch::Tensor& at, ForcingNetworkImpl::Past* own) {
      const auto lane = torch::arange(lanes);
      const auto frame = [&](const torch::Tensor& x) { return x.index({lane, at}); };
      const auto next = network->next(frame(asked.frames), frame(asked.levels), frame(asked.actions), kept, at, own);
      EXPECT_LT((next.output - frame(whole.output)).abs().max().item<double>(), 1e-5) << at;
      EXPECT_LT((next.hidden - frame(whole.hidden)).abs().max().item<double>(), 1e-5) << at;
    };
    for (std::int64_t t = 0; t < frames; ++t) {
      ForcingNetworkImpl::Past own;
      at_once(torch::full({lanes}, t, torch::kInt64), &own);
      ASSERT_EQ(own.windows.size(), kept.windows.size());
      for (std::size_t i = 0; i < own.windows.size(); ++i)
        EXPECT_LT((own.windows[i] - kept.windows[i].select(1, t)).abs().max().item<double>(), 1e-5) << t;
    }
    at_once(torch::tensor({3, 1}, torch::kInt64), nullptr);  // lanes of different ages
  }
}

TEST_F(ForcingNetworkTest, AnActionCountsAndNoneIsZero) {
  torch::NoGradGuard no_grad;
  ForcingNetwork network(several()[1], shape(), actions_of);
  const auto asked = some(3);
  const auto none = network(asked.frames, asked.levels, torch::zeros_like(asked.actions)).output;
  EXPECT_GT((network(asked.frames, asked.levels, asked.actions).output - none).abs().max().item<double>(), 1e-4);
  network->named_parameters()["action.weight"].normal_();
  EXPECT_TRUE(torch::equal(network(asked.frames, asked.levels, torch::zeros_like(asked.actions)).output, none));
}

/// A block of 2 x 2 pixels from every place of a picture of 4 x 4 such cells, which goes on by one cell a frame, right or down, and
/// comes in again at the other side: [32, 4, 1, 8, 8].
torch::Tensor moving_blocks() {
  constexpr std::int64_t cells = 4, cell = 2;
  auto clips = torch::full({2 * cells * cells, frames, 1, cells * cell, cells * cell}, -0.25f);
  for (std::int64_t i = 0; i < clips.size(0); ++i)
    for (std::int64_t t = 0; t < frames; ++t) {
      const bool down = i % 2 == 1;
      const auto y = cell * ((i / 8 + (down ? t : 0)) % cells), x = cell * ((i / 2 + (down ? 0 : t)) % cells);
      clips[i][t][0].slice(0, y, y + cell).slice(1, x, x + cell).fill_(0.25f);
    }
  return clips;
}

/// Nothing is seen of the last frame; where the block goes is told by those before it alone.
TEST_F(ForcingNetworkTest, LearnsWhereAMovingThingGoes) {
  torch::manual_seed(1);
  const auto clips = moving_blocks();
  const ForcingNetworkOptions options{.patch = 1, .width = 16, .levels = 2, .heads = 2, .each = 8, .attention_from = 1, .first_kernel = 3};
  ForcingNetwork network(options,
                         GenieShape{.frames = frames, .channels = 1, .height = clips.size(3), .width = clips.size(4)}, actions_of);
  Optimiser adam(network->parameters(), {.kind = OptimiserKind::adam, .learning_rate = 3e-3, .eps = 1e-8, .clip_norm = 1, .adaptive_clip = 0, .warm_up = 10});
  auto given = clips.clone();
  given.select(1, frames - 1).zero_();
  auto levels = torch::full({clips.size(0), frames}, 14, torch::kInt64);
  levels.select(1, frames - 1).fill_(999);
  const auto actions = torch::zeros({clips.size(0), frames, actions_of});
  const auto last = clips.select(1, frames - 1), copied = (clips.select(1, frames - 2) - last).square().mean();
  torch::Tensor missed;
  for (int i = 0; i < 50; ++i) {
    missed = (network(given, levels, actions).output.select(1, frames - 1) - last).square().mean();
    missed.backward();
    adam.step();
  }
  EXPECT_LT(missed.item<double>(), 0.5 * copied.item<double>());
}

TEST_F(ForcingNetworkTest, SaysWhatDoesNotFit) {
  const auto refused = [](const ForcingNetworkOptions& options) {
    EXPECT_ANY_THROW(ForcingNetwork(options, shape(), actions_of));
  };
  refused({.patch = 5, .width = 16, .levels = 1});
  refused({.patch = 4, .width = 16, .levels = 4});  // 4 places do not halve three times
  refused({.width = 20, .levels = 2});              // in 8 groups
  refused({.width = 16, .levels = 2, .each = 3});
  refused({.width = 16, .levels = 2, .first_kernel = 4});
}

}  // namespace diffusion_forcing_network_test
}  // namespace dream
