// I-JEPA and V-JEPA: against facebookresearch/ijepa and jepa with the same weights, pictures and masks (golden files by
// tests/golden/make_ijepa.py), and what is learned by heart.
#include "core/models/masked_jepa.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "api/error.h"
#include "core/base/npy.h"
#include "core/engine/pretrain/schedules.h"
#include "core/env/two_room.h"
#include "core/nn/generator.h"
#include "core/nn/optimiser.h"
#include "core/probe/sink.h"

namespace dream {
namespace masked_jepa_test {

torch::Tensor tensor_of(const Npz& file, const std::string& name) {
  const auto& array = file.at(name);
  std::vector<std::int64_t> shape(array.shape.begin(), array.shape.end());
  if (array.type == NpyType::i8) {
    const auto values = array.view<std::int64_t>(name);
    return torch::tensor(std::vector<std::int64_t>(values.begin(), values.end())).view(shape);
  }
  return torch::tensor(array.to_floats()).view(shape);
}

MaskedJepaOptions like_the_golden(bool clips) {
  MaskedJepaOptions options;
  options.encoder = {
      .patch = 8, .width = 24, .layers = 2, .heads = 2, .frames = clips ? 8 : 1, .tubelet = clips ? 2 : 1};
  options.predictor_width = 12, options.predictor_layers = 2, options.predictor_heads = 2;
  options.view.depth = 2;
  return options;
}

struct Golden {
  Npz file;
  MaskedJepa model;

  Golden(const char* name, bool clips)
      : file(read_npz(std::string(DREAMSCOPE_SOURCE_DIR "/tests/golden/ijepa/") + name)),
        model(like_the_golden(clips), TwoRoom().spaces(), false) {
    torch::NoGradGuard no_grad;
    take("encoder", "encoder/", "blocks."), take("slow_encoder", "slow/", "blocks."),
        take("predictor", "predictor/", "predictor_blocks.");
  }
  torch::Tensor of(const std::string& name) const { return tensor_of(file, name); }

  /// Theirs under `name` in our order, where a piece's numbers go frame by frame, row by row, colour last.
  torch::Tensor ported(const std::string& name) const {
    const auto weight = of(name);
    if (weight.dim() == 4) return weight.permute({0, 2, 3, 1}).flatten(1);
    return weight.dim() == 5 ? weight.permute({0, 2, 3, 4, 1}).flatten(1) : weight;
  }
  /// Our names of a network and theirs.
  std::vector<std::pair<std::string, std::string>> names(const std::string& mine, const std::string& theirs,
                                                         const std::string& blocks) const {
    std::vector<std::pair<std::string, std::string>> all;
    const auto both = [&](const std::string& a, const std::string& b) {
      for (const char* kind : {".weight", ".bias"}) all.emplace_back(mine + "." + a + kind, theirs + b + kind);
    };
    const auto norm = [&](const std::string& a, const std::string& b) {
      all.emplace_back(mine + "." + a + ".scale", theirs + b + ".weight"),
          all.emplace_back(mine + "." + a + ".shift", theirs + b + ".bias");
    };
    for (int i = 0; i < 2; ++i) {
      const auto a = "net.block" + std::to_string(i) + "_", b = blocks + std::to_string(i) + ".";
      norm(a + "norm1", b + "norm1"), both(a + "qkv", b + "attn.qkv"), both(a + "attended", b + "attn.proj");
      norm(a + "norm2", b + "norm2"), both(a + "up", b + "mlp.fc1"), both(a + "down", b + "mlp.fc2");
    }
    if (mine == "predictor") {
      both("in", "predictor_embed"), norm("net.norm", "predictor_norm"), both("out", "predictor_proj");
    } else {
      both("token", "patch_embed.proj"), norm("net.norm", "norm");
    }
    return all;
  }
  void take(const std::string& mine, const std::string& theirs, const std::string& blocks) {
    auto parameters = model.named_parameters();
    for (const auto& [a, b] : names(mine, theirs, blocks)) {
      ASSERT_TRUE(parameters.contains(a)) << a;
      ASSERT_EQ(parameters[a].sizes(), ported(b).sizes()) << a;
      parameters[a].copy_(ported(b));
    }
    // They have a mask token for every way of masking, or one.
    if (mine != "predictor") return;
    auto& tokens = parameters["predictor.mask_tokens"];
    const bool one = tokens.size(0) == 1;
    for (std::int64_t i = 0; i < tokens.size(0); ++i)
      tokens[i].copy_(of(one ? "predictor/mask_token" : "predictor/mask_tokens." + std::to_string(i)).flatten());
  }
  double apart(const torch::Tensor& mine, const std::string& theirs) const {
    return (mine - of(theirs)).abs().max().item<double>();
  }
};

TEST(MaskedJepa, HasTheOfficialPositions) {
  const Golden pictures("ijepa.npz", false), clips("vjepa.npz", true);
  for (const auto* each : {&pictures, &clips}) {
    const auto buffers = each->model.named_buffers();
    EXPECT_LT(each->apart(buffers["encoder.positions"].unsqueeze(0), "encoder/pos_embed"), 1e-6);
    EXPECT_LT(each->apart(buffers["predictor.positions"].unsqueeze(0), "predictor/predictor_pos_embed"), 1e-6);
  }
}

TEST(MaskedJepa, LosesWhatTheOfficialOneLosesAndLearnsTheSame) {
  Golden golden("ijepa.npz", false);
  auto& model = golden.model;
  const auto images = golden.of("images").to(torch::kUInt8).unsqueeze(1);
  {
    torch::NoGradGuard no_grad;
    EXPECT_LT(golden.apart(model.embed(images), "embedding"), 1e-4);
  }
  Masks masks{golden.of("context"), {}};
  for (int i = 0; i < 4; ++i) masks.targets.push_back(golden.of("target" + std::to_string(i)));
  const auto loss = model.loss_under(images, {masks});
  EXPECT_NEAR(loss.total.item<double>(), golden.of("loss").item<double>(), 1e-5);

  OptimiserOptions adam{.kind = OptimiserKind::adam,
                        .learning_rate = 1e-3,
                        .eps = 1e-8,
                        .weight_decay = 0.04,
                        .adaptive_clip = 0,
                        .warm_up = 0};
  Optimiser matrices(model.learned(true), adam);
  adam.weight_decay = 0;
  Optimiser others(model.learned(false), adam);
  loss.total.backward();
  matrices.step(), others.step();
  model.follow(1 - 0.996);
  const auto parameters = model.named_parameters();
  double numbers = 0, wrong = 0;
  for (const auto& [mine, theirs, blocks] : {std::tuple{"encoder", "encoder/", "blocks."},
                                             {"predictor", "predictor/", "predictor_blocks."},
                                             {"slow_encoder", "slow/", "blocks."}})
    for (const auto& [a, b] : golden.names(mine, theirs, blocks)) {
      // A key's bias changes nothing, so its gradient is rounding, which Adam makes a whole step of.
      if (b.ends_with("qkv.bias")) continue;
      const auto missed = (parameters[a] - golden.ported("after_" + b)).abs();
      numbers += static_cast<double>(missed.numel()), wrong += (missed > 1e-4).sum().item<double>();
    }
  EXPECT_GT(numbers, 20000);
  EXPECT_LT(wrong, 0.001 * numbers)
      << "of numbers whose gradient is next to nothing Adam's first step may go either way";
}

TEST(MaskedJepa, OfClipsLosesWhatTheOfficialOneLoses) {
  Golden golden("vjepa.npz", true);
  const auto clips = golden.of("clips").to(torch::kUInt8);
  {
    torch::NoGradGuard no_grad;
    EXPECT_LT(golden.apart(golden.model.embed(clips), "embedding"), 1e-4);
  }
  std::vector<Masks> ways;
  for (const auto* way : {"0", "1"})
    ways.push_back({golden.of(std::string("context") + way), {golden.of(std::string("target") + way)}});
  const auto loss = golden.model.loss_under(clips, ways);
  EXPECT_NEAR(loss.total.item<double>(), golden.of("loss").item<double>(), 1e-5);
  EXPECT_NEAR(loss.terms[1].second.item<double>(), golden.of("short").item<double>(), 1e-5);
  EXPECT_NEAR(loss.terms[2].second.item<double>(), golden.of("long").item<double>(), 1e-5);
}

TEST(PretrainSchedules, AreTheOfficialOnes) {
  const auto file = read_npz(DREAMSCOPE_SOURCE_DIR "/tests/golden/ijepa/ijepa.npz");
  const auto rates = file.at("rates").to_floats(), decays = file.at("decays").to_floats(),
             momenta = file.at("momenta").to_floats();
  ASSERT_EQ(rates.size(), 50u);
  for (std::int64_t i = 1; i <= 50; ++i) {
    const auto at = static_cast<std::size_t>(i - 1);
    EXPECT_NEAR(warm_then_cosine(i, 10, 50, 2e-4, 1e-3, 1e-6), static_cast<double>(rates[at]), 1e-9) << i;
    EXPECT_NEAR(along_cosine(i, 50, 0.04, 0.4), static_cast<double>(decays[at]), 1e-7) << i;
    EXPECT_NEAR(along_line(i, 50, 0.996, 1), static_cast<double>(momenta[at]), 1e-7) << i;
  }
}

/// Frames of random walks in two rooms, [N, T, 64, 64, 3].
torch::Tensor walked(std::int64_t clips, std::int64_t frames) {
  auto images = torch::empty({clips, frames, 64, 64, 3}, torch::kUInt8);
  TwoRoom env;
  Rng chance(4);
  for (std::int64_t i = 0; i < clips; ++i) {
    env.reset(static_cast<std::uint64_t>(i));
    for (std::int64_t t = 0; t < frames; ++t) {
      env.step(
          std::vector<float>{static_cast<float>(chance.uniform(-2, 2)), static_cast<float>(chance.uniform(-2, 2))});
      env.observe_image({images[i][t].data_ptr<std::uint8_t>(), 64 * 64 * 3});
    }
  }
  return images;
}

/// Pictures of one slope of colours each: what is hidden of one can be told from the rest, and no two are alike.
torch::Tensor slopes(std::int64_t pictures) {
  auto rng = make_generator(torch::kCPU, 9);
  const auto along = torch::linspace(-1, 1, 64);
  const auto by = torch::rand({pictures, 3, 1, 1, 3}, rng) * 2 - 1;
  const auto x =
      0.5 + (by.select(1, 0) + by.select(1, 1) * along.view({1, 1, 64, 1}) + by.select(1, 2) * along.view({1, 64, 1, 1})) / 6;
  return x.mul(255).to(torch::kUInt8).unsqueeze(1);
}

struct Learned {
  double first = 0, last = 0, target_spread = 0;
};

/// One batch again and again, under the same masks where `same`.
Learned learned(TargetFrom target, const torch::Tensor& batch, std::int64_t updates, bool same) {
  torch::set_num_threads(1);
  torch::manual_seed(1);
  const bool clips = batch.size(1) > 1;
  auto options = like_the_golden(clips);
  options.target = target;
  MaskedJepa model(options, TwoRoom().spaces(), false);
  Optimiser matrices(model.learned(true), {.kind = OptimiserKind::adam,
                                           .learning_rate = 2e-3,
                                           .eps = 1e-8,
                                           .adaptive_clip = 0,
                                           .warm_up = 0});
  Optimiser others(model.learned(false), matrices.options());
  auto rng = make_generator(torch::kCPU, 1);
  const auto masks = model.masks(batch.size(0), Rng(1));
  Learned made;
  for (std::int64_t i = 0; i < updates; ++i) {
    const auto loss = same ? model.loss_under(batch, masks) : model.loss(batch, rng);
    made.last = loss.terms.front().second.item<double>();
    made.target_spread = loss.terms[clips ? 3 : 1].second.item<double>();
    if (i == 0) made.first = made.last;
    loss.total.backward();
    matrices.step(), others.step();
    model.follow(0.004);
  }
  return made;
}

TEST(MaskedJepa, LearnsABatchByHeart) {
  const auto pictures = learned(TargetFrom::ema, walked(8, 1), 150, true);
  EXPECT_LT(pictures.last, 0.1 * pictures.first) << pictures.first << " -> " << pictures.last;
  const auto clips = learned(TargetFrom::ema, walked(4, 8), 60, true);
  EXPECT_LT(clips.last, 0.4 * clips.first) << clips.first << " -> " << clips.last;
}

TEST(MaskedJepa, WhoseTargetsMayLearnToBeEasyCollapses) {
  const auto kept = learned(TargetFrom::ema, slopes(16), 200, false);
  EXPECT_GT(kept.target_spread, 0.5) << "what a picture is like can be told from its targets";
  EXPECT_LT(kept.last, 0.6 * kept.first) << "and is predicted";
  const auto open = learned(TargetFrom::gradient, slopes(16), 200, false);
  EXPECT_LT(open.last, 0.02 * open.first) << "its loss falls all the way, and says nothing: " << open.last;
  EXPECT_LT(open.target_spread, 0.1) << open.target_spread;
}

TEST(MaskedJepa, ShowsWhatIsHiddenAndWhatItExpects) {
  torch::manual_seed(1);
  for (const bool clips : {false, true}) {
    MaskedJepa model(like_the_golden(clips), TwoRoom().spaces(), false);
    const auto names = model.probe_names();
    ProbeSink sink({names.begin(), names.end()});
    model.report(walked(1, clips ? 8 : 1), sink);
    const auto probes = sink.take();
    ASSERT_EQ(probes.size(), names.size());
    for (std::size_t i = 0; i < probes.size(); ++i) EXPECT_EQ(probes[i].name, names[i]);
    const auto& missed = std::get<Heatmap>(*probes[2].value);
    EXPECT_EQ(missed.cells.size(), 64u);
    EXPECT_TRUE(missed.picture);
    const auto hidden = std::count_if(missed.cells.begin(), missed.cells.end(), [](float x) { return !std::isnan(x); });
    EXPECT_GT(hidden, 8);
    EXPECT_LT(hidden, 64);
    ProbeSink nobody({});
    model.report(walked(1, clips ? 8 : 1), nobody);
    EXPECT_TRUE(nobody.take().empty());
    EXPECT_TRUE(model.batch_frames().empty()) << "nothing was learned from yet";
  }
}

TEST(MaskedJepa, SaysWhatItCannotLookAt) {
  auto options = like_the_golden(false);
  options.encoder.patch = 7;
  EXPECT_THROW(MaskedJepa(options, TwoRoom().spaces(), false), Error);
  options = like_the_golden(true);
  options.encoder.tubelet = 3;
  EXPECT_THROW(MaskedJepa(options, TwoRoom().spaces(), false), Error);
}

}  // namespace masked_jepa_test
}  // namespace dream
