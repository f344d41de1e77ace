// Where it is worst, of models that are wrong at known places.
#include <gtest/gtest.h>

#include <cmath>

#include "core/lab/objects.h"
#include "core/lab/watched.h"
#include "tests/lab/known_world.h"
#include "tests/lab/lab_answers.h"

namespace dream {
namespace worst_test {

using namespace test;

/// Perfect, but wherever the dot is on cell 3 it paints nothing.
class BlindAtThree : public KnownModel {
 public:
  Prediction predict(const Carry& carry) override {
    auto made = KnownModel::predict(carry);
    made.frame = made.frame * (1 - carry.at("z").select(1, 3).view({-1, 1, 1, 1}));
    return made;
  }
};

/// Knows everything and paints nothing.
class NoPainter : public KnownModel {
 public:
  using KnownModel::KnownModel;
  Prediction predict(const Carry& carry) override { return outcome(carry); }
};

const Table& table_of(const LabAnswer& answer, const std::string& name) {
  return std::get<Table>(*figure_of(answer, name).value);
}

TEST(WorstQuestion, APerfectModelLosesNothing) {
  const auto answer = answer_about("worst", known_system(Wrong::nothing, true));
  EXPECT_EQ(number_of(answer, "worst").value, 0);
  EXPECT_EQ(number_of(answer, "small_found").value, 100);
  EXPECT_TRUE(std::isinf(number_of(answer, "foreground_psnr").value));
  EXPECT_EQ(number_of(answer, "foreground_psnr").verdict, LabNumber::Verdict::good);
  const auto& row = table_of(answer, "objects").rows.at(0);
  EXPECT_EQ(row[0].text, "5–16 pixels");
  EXPECT_EQ(row[1].number, 1) << "one dot in every frame";
  for (std::size_t column = 2; column < 6; ++column) EXPECT_EQ(row[column].number, 100);
}

TEST(WorstQuestion, WithoutADecoderTheDotIsLost) {
  const auto answer = answer_about("worst", known_system(Wrong::decoder, true));
  EXPECT_EQ(number_of(answer, "small_found").value, 0);
  EXPECT_EQ(number_of(answer, "small_found").verdict, LabNumber::Verdict::bad);
  // Grey everywhere: (15/16)² of the dot's column is missed, and 15 of 16 columns by (1/16)².
  EXPECT_NEAR(number_of(answer, "foreground_psnr").value, psnr(225.0 / 256), 1e-4);
  EXPECT_NEAR(number_of(answer, "psnr").value, psnr((225.0 / 256 + 15.0 / 256) / 16), 1e-4);
  EXPECT_NEAR(table_of(answer, "objects").rows.at(0)[3].number, 100 * (1 - 225.0 / 256), 1e-3);
}

TEST(WorstQuestion, ACopierIsOnlyWrongAhead) {
  const auto answer = answer_about("worst", known_system(Wrong::copies, true));
  EXPECT_EQ(number_of(answer, "worst").value, 0);
  EXPECT_TRUE(std::isinf(number_of(answer, "psnr").value));
  EXPECT_LT(number_of(answer, "psnr_1").value, 15);
  EXPECT_LE(number_of(answer, "psnr_far").value, number_of(answer, "psnr_1").value) << "the dot only goes further away";
  EXPECT_LT(table_of(answer, "objects").rows.at(0)[4].number, 50);
}

TEST(WorstQuestion, WhatIsWrongInRareFramesIsFoundThere) {
  auto system = known_system(Wrong::nothing, true);
  system->model = std::make_shared<BlindAtThree>();
  Bench bench(system);
  const auto answer = ask(question("worst"), bench, {});
  ASSERT_TRUE(answer.fault.empty()) << answer.fault;
  const auto& sheet = figure_of(answer, "reconstructions");
  ASSERT_EQ(sheet.moments.size(), static_cast<std::size_t>(sheet.columns));
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < sheet.moments.size(); ++i) {
    const auto& moment = sheet.moments[i];
    if (sheet.column_labels[i] == "∞ dB") continue;
    ++wrong;
    for (const auto& lived : bench.held_out.all()) {
      if (lived.data.seed != moment.seed) continue;
      EXPECT_NEAR(lived.data.extra.at("cell").values[static_cast<std::size_t>(moment.step) * 2],
                  std::cos(3 * 2 * M_PI / 16), 1e-5);
    }
  }
  EXPECT_GT(wrong, 3u);
  EXPECT_NEAR(number_of(answer, "worst").value, 1.0 / 16, 1e-6);
  EXPECT_GT(number_of(answer, "worst_to_mean").value, 8) << "one cell in sixteen";
  // The map of pixels shows the column, and nothing else.
  const auto& map = std::get<Heatmap>(*figure_of(answer, "pixels").value);
  for (int x = 0; x < 16; ++x) EXPECT_EQ(map.cells[static_cast<std::size_t>(x)] > 0, x == 3) << x;
}

TEST(WorstQuestion, OfAModelThatPaintsNothingItTellsWhatItCan) {
  auto system = known_system(Wrong::nothing, true);
  system->model = std::make_shared<NoPainter>(Wrong::copies);
  const auto answer = answer_about("worst", system);
  EXPECT_NE(answer.sentence.find("paints nothing"), std::string::npos);
  EXPECT_GT(number_of(answer, "latent_error").value, 0);
  EXPECT_EQ(figure_of(answer, "latent").moments.size(), 101u);
}

TEST(Objects, TouchingPixelsAreOne) {
  auto picture = torch::zeros({3, 20, 20}), made = torch::zeros({3, 20, 20});
  picture.slice(1, 2, 4).slice(2, 2, 4).fill_(1);        // 4 pixels …
  picture.slice(1, 4, 5).slice(2, 4, 5).fill_(1);        // … and one at its corner
  picture.slice(1, 10, 15).slice(2, 10, 14).fill_(0.5);  // 20 pixels, which are painted
  made.slice(1, 10, 15).slice(2, 10, 14).fill_(0.5);
  const auto objects = objects_of(picture, torch::zeros({3, 20, 20}), made);
  ASSERT_EQ(objects.size(), 2u);
  EXPECT_EQ(objects[0].area, 5);
  EXPECT_FALSE(objects[0].found());
  EXPECT_NEAR(objects[0].energy, 15, 1e-5);
  EXPECT_EQ(objects[1].area, 20);
  EXPECT_TRUE(objects[1].found());
  EXPECT_NE(objects[0].colour, objects[1].colour);
}

TEST(Objects, InAWorldThatScrollsTheNeighbourhoodIsTheBackground) {
  // Stripes that move: the median frame is nowhere near.
  std::vector<torch::Tensor> scrolling, still;
  for (std::int64_t i = 0; i < 8; ++i) {
    auto picture = torch::zeros({1, 64, 64});
    for (std::int64_t x = 0; x < 64; ++x) picture.select(2, x).fill_(((x + 8 * i) / 32) % 2 ? 0.9 : 0.1);
    scrolling.push_back(picture);
    auto dot = torch::zeros({1, 64, 64});
    dot[0][i][i] = 1;
    still.push_back(dot);
  }
  EXPECT_TRUE(Background(torch::stack(scrolling)).is_local());
  EXPECT_FALSE(Background(torch::stack(still)).is_local());
  auto speck = scrolling[0].clone();
  speck[0][5][10] = 1;
  EXPECT_EQ(foreground_of(speck, local_median(speck)).sum().item<int>(), 1);
}

TEST(Watched, AShorterEpisodeStandsStillAtItsEnd) {
  auto system = known_system(Wrong::nothing, true, true);
  HeldOut held(*system, 60);
  const auto& episodes = held.first(8);
  const auto all = whole(episodes, 4, 4, torch::kCPU);
  ASSERT_EQ(all.frames.size(), 4u);
  EXPECT_EQ(all.first, 4u);
  for (std::int64_t lane = 0; lane < 4; ++lane) {
    const auto& data = episodes[4 + static_cast<std::size_t>(lane)].data;
    const auto last = all.frames[static_cast<std::size_t>(lane)] - 1;
    EXPECT_EQ(last, static_cast<std::int64_t>(data.length()));
    EXPECT_TRUE(torch::equal(all.batch.image[last][lane], all.batch.image[all.batch.steps() - 1][lane]));
    EXPECT_EQ(all.batch.terminated[last][lane].item<float>(), data.terminated.back());
  }
}

TEST(Watched, SeveralBeginningsAreImaginedAtOnce) {
  auto system = known_system(Wrong::nothing, true);
  HeldOut held(*system, 60);
  const auto all = whole(held.first(4), 0, 4, torch::kCPU);
  std::vector<Watched> starts;
  watch(*system->model, all.batch, all.batch.steps(), {}, [&](std::int64_t t, const Carry& carry) {
    if (t % 5 == 0 && t + 1 < all.batch.steps()) starts.push_back({t, carry});
  });
  int compared = 0;
  imagine_from(
      *system->model, all, starts, 7, {}, [&](std::int64_t k, const Carry& carry, const std::vector<Began>& began) {
        const auto frame = system->model->predict(carry).frame;
        for (std::size_t i = 0; i < began.size(); ++i) {
          const auto [lane, t] = began[i];
          if (!all.real(lane, t + k)) continue;
          ++compared;
          ASSERT_TRUE(torch::equal(frame[static_cast<std::int64_t>(i)], unit_pictures(all.batch.image[t + k][lane])))
              << lane << " " << t << " " << k;
        }
      });
  EXPECT_GT(compared, 200);
}

TEST(Watched, OfManyNumbersThoseThatVaryMostAreKept) {
  const auto rows = torch::arange(8, torch::kFloat32).unsqueeze(1) * torch::tensor({{0.0f, 1.0f, 3.0f, -2.0f}});
  EXPECT_EQ(most_varying(rows, 2), (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(most_varying(rows, 9), (std::vector<std::int64_t>{1, 2, 3})) << "what does not vary tells nothing";
}

TEST(Watched, AStateHasTwoHalves) {
  KnownModel model;
  const auto parts =
      parts_of(model, {{"z", torch::eye(16)}, {"h", 2 * torch::eye(16)}, {"dreams", torch::ones({16, 1})}});
  EXPECT_TRUE(torch::equal(parts.latent, torch::eye(16)));
  EXPECT_TRUE(torch::equal(parts.memory, 2 * torch::eye(16)));
}

}  // namespace worst_test
}  // namespace dream
