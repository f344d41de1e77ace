// What models remember that remember known things.
#include <gtest/gtest.h>

#include <cmath>

#include "core/lab/readout.h"
#include "tests/lab/known_world.h"
#include "tests/lab/lab_answers.h"

namespace dream {
namespace memory_test {

using namespace test;

/// The dot goes one way or the other, whatever is done: no single picture shows which.
class Drifting : public SmallEnv {
 public:
  Drifting() : SmallEnv("Drifting", Ring::ring_spaces()) {}

 protected:
  void begin(Rng& rng) override {
    cell_ = static_cast<int>(rng.uniform(0, Ring::cells)) % Ring::cells;
    way_ = rng.uniform(0, 1) < 0.5 ? -1 : 1;
  }
  Outcome advance(std::span<const float>) override {
    cell_ = (cell_ + way_ + Ring::cells) % Ring::cells;
    return {};
  }
  void write_vector(std::span<float>) const override {}
  void paint_observation(paint::Canvas& canvas) const override {
    canvas.clear({0, 0, 0});
    canvas.rectangle(static_cast<float>(cell_) / Ring::cells, 0, static_cast<float>(cell_ + 1) / Ring::cells, 1,
                     {255, 255, 255});
  }
  std::vector<double> numbers() const override { return {static_cast<double>(cell_), static_cast<double>(way_)}; }
  bool take(std::span<const double> numbers, int, bool) override {
    cell_ = static_cast<int>(numbers[0]), way_ = static_cast<int>(numbers[1]);
    return true;
  }
  std::vector<NamedArray> describe() const override { return {{"way", {1}, {static_cast<double>(way_)}}}; }

 private:
  int cell_ = 0, way_ = 1;
};

/// Sees where the dot is and remembers which way it went: "z" [B, 16], "h" [B, 1] in {−1, 0, 1}, 0 before it has seen
/// two frames. One that forgets always remembers 0.
class DriftModel : public KnownModel {
 public:
  explicit DriftModel(bool forgets) : forgets_(forgets) {}
  Carry initial(std::int64_t batch) override {
    return {{"z", torch::zeros({batch, Ring::cells})},
            {"h", torch::zeros({batch, 1})},
            {"dreams", torch::zeros({batch, 1})}};
  }
  Carry observe(const Carry& carry, const torch::Tensor&, const Observation& seen, at::Generator) override {
    const auto cell = seen.image.to(torch::kFloat32).mean({1, 3}).argmax(-1), before = carry.at("z").argmax(-1);
    const auto known = carry.at("z").sum(1) > 0;
    auto way = (cell - before + Ring::cells + Ring::cells / 2).remainder(Ring::cells) - Ring::cells / 2;
    way = torch::where(known, way.clamp(-1, 1), torch::zeros_like(way));
    if (forgets_) way = torch::zeros_like(way);
    return {{"z", torch::one_hot(cell, Ring::cells).to(torch::kFloat32)},
            {"h", way.unsqueeze(1).to(torch::kFloat32)},
            {"dreams", carry.at("dreams")}};
  }
  Carry imagine(const Carry& carry, const torch::Tensor&, const KnobValues&, at::Generator) override {
    const auto cell =
        (carry.at("z").argmax(-1) + carry.at("h").squeeze(1).to(torch::kInt64) + Ring::cells).remainder(Ring::cells);
    return {{"z", torch::one_hot(cell, Ring::cells).to(torch::kFloat32)},
            {"h", carry.at("h")},
            {"dreams", carry.at("dreams")}};
  }
  Belief belief(const Carry& carry) override { return {carry.at("z"), {}, {}}; }
  std::int64_t feature_count() const override { return Ring::cells + 1; }

 private:
  bool forgets_;
};

/// All that it knows is in h; z is the same whatever is seen.
class EmptyLatent : public KnownModel {
 public:
  Carry observe(const Carry& carry, const torch::Tensor& action, const Observation& seen, at::Generator rng) override {
    auto made = KnownModel::observe(carry, action, seen, rng);
    made["h"] = made["z"], made["z"] = torch::full_like(made["z"], 1.0 / Ring::cells);
    return made;
  }
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override {
    auto made = KnownModel::imagine({{"z", carry.at("h")}, {"h", carry.at("h")}, {"dreams", carry.at("dreams")}},
                                    action, knobs, rng);
    made["z"] = carry.at("z");
    return made;
  }
};

std::shared_ptr<System> drifting(bool forgets) {
  auto system = known_system(Wrong::nothing, true);
  system->model = std::make_shared<DriftModel>(forgets);
  system->make_env = [] { return std::make_unique<Drifting>(); };
  return system;
}

double beside(const LabNumber& number, const std::string& label) {
  for (const auto& each : number.beside)
    if (each.label == label) return each.value;
  throw std::runtime_error(number.name + " has no " + label + " beside it");
}

double cell_of(const LabAnswer& answer, const std::string& row, const std::string& column) {
  const auto& table = std::get<Table>(*figure_of(answer, "readout").value);
  for (std::size_t c = 0; c < table.columns.size(); ++c)
    for (const auto& cells : table.rows)
      if (table.columns[c].title == column && cells[0].text == row) return cells[c].number;
  throw std::runtime_error("no cell " + row + ", " + column);
}

TEST(MemoryQuestion, APerfectModelKnowsWhatIsHiddenForAsLongAsIsTried) {
  const auto answer = answer_about("memory", known_system(Wrong::nothing, true));
  const auto& steps = number_of(answer, "permanence_steps");
  EXPECT_EQ(steps.value, 40);
  EXPECT_NEAR(number_of(answer, "permanence").value, 40 / 50.0, 1e-6) << "50 steps a second";
  EXPECT_DOUBLE_EQ(number_of(answer, "hidden_change").value, 1);
  EXPECT_NEAR(number_of(answer, "recall_gap").value, 0, 1e-9) << "one frame tells all of this world";
  EXPECT_GT(number_of(answer, "permanence_quarter").value, 0.7) << "half of the dot's column is in sight";
}

TEST(MemoryQuestion, ACopierKnowsNothingOfWhatGoesOn) {
  const auto answer = answer_about("memory", known_system(Wrong::copies, true));
  EXPECT_EQ(number_of(answer, "permanence_steps").value, 0);
  EXPECT_NEAR(number_of(answer, "hidden_change").value, 0, 1e-9) << "a look-up of the last view";
}

TEST(MemoryQuestion, PaintingTheMeanIsNoMemory) {
  EXPECT_EQ(number_of(answer_about("memory", known_system(Wrong::decoder, true)), "permanence_steps").value, 0);
}

TEST(MemoryQuestion, MemoryHelpsWhoRemembers) {
  const auto knows = answer_about("memory", drifting(false)), forgets = answer_about("memory", drifting(true));
  EXPECT_EQ(number_of(knows, "permanence_steps").value, 40);
  EXPECT_GT(number_of(knows, "recall_gap").value, 40);
  EXPECT_GT(number_of(knows, "context_gap").low, 40);
  EXPECT_EQ(number_of(knows, "context_gap").verdict, LabNumber::Verdict::good);
  EXPECT_EQ(number_of(forgets, "permanence_steps").value, 0);
  EXPECT_NEAR(number_of(forgets, "recall_gap").value, 0, 1e-9);
  EXPECT_NE(number_of(forgets, "context_gap").verdict, LabNumber::Verdict::good);
}

TEST(MemoryQuestion, WhatOnlyMemoryHoldsIsReadFromThereAlone) {
  const auto answer = answer_about("memory", drifting(false));
  EXPECT_NEAR(cell_of(answer, "way", "memory"), 1, 1e-6);
  EXPECT_LT(cell_of(answer, "way", "latent"), 0.1);
  EXPECT_LT(cell_of(answer, "way", "pixels"), 0.1);
  EXPECT_LT(cell_of(answer, "way", "permuted"), 0.1);
  EXPECT_NEAR(cell_of(answer, "way", "both"), 1, 1e-3);
}

TEST(MemoryQuestion, TheStateIsReadFromTheLatentOfAPerfectModelAndOfAPermutedOne) {
  for (const auto wrong : {Wrong::nothing, Wrong::encoder}) {
    const auto answer = answer_about("memory", known_system(wrong, true));
    for (const auto* target : {"cell[0]", "cell[1]"}) {
      EXPECT_GT(cell_of(answer, target, "latent"), 0.99) << target;
      EXPECT_GT(cell_of(answer, target, "pixels"), 0.95) << target;
      EXPECT_LT(cell_of(answer, target, "permuted"), 0.1) << target;
    }
  }
}

TEST(MemoryQuestion, AnEmptyLatentTellsNothing) {
  auto system = known_system(Wrong::nothing, true);
  system->model = std::make_shared<EmptyLatent>();
  const auto answer = answer_about("memory", system);
  EXPECT_LT(cell_of(answer, "cell[0]", "latent"), 0.01);
  EXPECT_GT(cell_of(answer, "cell[0]", "memory"), 0.99);
}

TEST(MemoryQuestion, ImaginingKeepsTheStateWhereItIsPerfectAndLosesItWhereItIsNot) {
  const auto good = answer_about("memory", known_system(Wrong::nothing, true)),
             wrong = answer_about("memory", known_system(Wrong::dynamics, true));
  EXPECT_NEAR(number_of(good, "transfer").value, 1, 0.01);
  EXPECT_LT(beside(number_of(good, "transfer"), "state of the start"), 0.9)
      << "a state that stands still is not the state later";
  EXPECT_LT(number_of(wrong, "transfer").value, 0.2);
  EXPECT_EQ(number_of(wrong, "transfer").verdict, LabNumber::Verdict::bad);
}

TEST(MemoryQuestion, WhereNothingMovesItCannotTell) {
  const auto answer = answer_about("memory", known_system(Wrong::nothing, false));  // it goes to cell 0 and stays there
  EXPECT_TRUE(std::isnan(number_of(answer, "permanence").value));
  EXPECT_FALSE(number_of(answer, "permanence").note.empty());
}

TEST(ReadOut, IsJudgedOnEpisodesThatItWasNotFittedOn) {
  // Every episode's target is its own number, which no other episode knows.
  const auto episodes = 8, each = 20;
  auto x = torch::zeros({episodes * each, episodes}, torch::kFloat64),
       y = torch::zeros({episodes * each, 2}, torch::kFloat64);
  std::vector<std::size_t> episode;
  for (std::int64_t i = 0; i < episodes * each; ++i) {
    const auto e = i / each;
    x[i][e] = 1, y[i][0] = static_cast<double>((e * 37) % 11), y[i][1] = 3;
    episode.push_back(static_cast<std::size_t>(e));
  }
  const auto result = judged(read_guess(x, y, episode, x, episode), y, episode);
  ASSERT_TRUE(result.known());
  EXPECT_LT(result.r2(0).value, 0.1);
  EXPECT_TRUE(std::isnan(result.r2(1).value)) << "it does not vary";
}

}  // namespace memory_test
}  // namespace dream
