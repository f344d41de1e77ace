// What models of a known world think is alike.
#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "core/lab/latent_walk.h"
#include "tests/lab/known_world.h"
#include "tests/lab/lab_answers.h"

namespace dream {
namespace map_test {

using namespace test;

/// Its latent is two numbers, the ring as it is: "z" [B, 2] = cos, sin. Paints them as two columns of grey.
class RoundModel : public WorldModel {
 public:
  RoundModel() { register_buffer("unused", torch::zeros({1})); }
  Carry initial(std::int64_t batch) override {
    return {{"z", torch::zeros({batch, 2})}, {"h", torch::zeros({batch, 3})}};
  }
  Carry observe(const Carry& carry, const torch::Tensor&, const Observation& seen, at::Generator) override {
    const auto angle = seen.image.to(torch::kFloat32).mean({1, 3}).argmax(-1) * (2 * M_PI / Ring::cells);
    return {{"z", torch::stack({angle.cos(), angle.sin()}, 1)}, {"h", carry.at("h") + 1}};
  }
  Carry imagine(const Carry& carry, const torch::Tensor&, const KnobValues&, at::Generator) override { return carry; }
  Prediction predict(const Carry& carry) override {
    auto made = outcome(carry);
    const auto z = carry.at("z");
    made.frame = (0.5 + 0.5 * z)
                     .repeat_interleave(Ring::cells / 2, 1)
                     .view({-1, 1, 1, Ring::cells})
                     .expand({-1, 3, Ring::cells, Ring::cells})
                     .clone();
    made.frame.select(2, 0) = (carry.at("h").select(1, 0) / 1000).view({-1, 1, 1}).expand({-1, 3, Ring::cells});
    return made;
  }
  Prediction outcome(const Carry&) override { return {}; }
  Belief belief(const Carry& carry) override { return {carry.at("z"), {}, {}}; }
  Carry with_latent(const Carry& memory, const Carry& latent) override {
    return {{"z", latent.at("z")}, {"h", memory.at("h")}};
  }
  torch::Tensor features(const Carry& carry) override { return torch::cat({carry.at("z"), carry.at("h")}, 1); }
  std::int64_t feature_count() const override { return 5; }
  std::vector<std::string> probe_names() const override { return {}; }
  void report(const Carry&, ProbeSink&) override {}
  Carry edit(const Carry& carry, const std::string&, std::int64_t, double) override { return carry; }
  Carry randomise(const Carry& carry, const std::string&, at::Generator) override { return carry; }
};

std::shared_ptr<System> round_system() {
  auto system = known_system(Wrong::nothing, true);
  system->model = std::make_shared<RoundModel>();
  return system;
}

double told(const LabAnswer& answer, const std::string& label, std::size_t column) {
  for (const auto& row : std::get<Table>(*figure_of(answer, "told").value).rows)
    if (row[0].text == label) return row[column].number;
  throw std::runtime_error("nothing is told of " + label);
}

TEST(MapQuestion, TwoNumbersAreMappedAsTheyAre) {
  const auto answer = answer_about("map", round_system());
  EXPECT_NEAR(number_of(answer, "explained").value, 100, 1e-6);
  EXPECT_NEAR(number_of(answer, "directions").value, 2, 0.2);
  const auto& figure = figure_of(answer, "components");
  const auto& points = std::get<Points>(*figure.value);
  ASSERT_GT(points.x.size(), 300u);
  ASSERT_EQ(points.x.size(), points.y.size());
  ASSERT_EQ(points.x.size(), figure.moments.size());
  for (const auto& colour : points.colours) ASSERT_EQ(colour.values.size(), points.x.size()) << colour.label;
  // As far from each other as cos and sin are, up to a turn of the axes.
  const auto colour = [&](const std::string& label) -> const std::vector<float>& {
    for (const auto& each : points.colours)
      if (each.label == label) return each.values;
    throw std::runtime_error("no colour " + label);
  };
  const auto &c = colour("cell[0]"), &s = colour("cell[1]");
  for (std::size_t i = 0; i + 7 < points.x.size(); i += 7)
    EXPECT_NEAR(std::hypot(points.x[i] - points.x[i + 7], points.y[i] - points.y[i + 7]),
                std::hypot(c[i] - c[i + 7], s[i] - s[i + 7]), 1e-4);
}

TEST(MapQuestion, EveryPointKnowsItsPictureAndItsMoment) {
  Bench bench(round_system());
  const auto answer = ask(question("map"), bench, {});
  ASSERT_TRUE(answer.fault.empty()) << answer.fault;
  const auto& figure = figure_of(answer, "neighbours");
  const auto& points = std::get<Points>(*figure.value);
  ASSERT_TRUE(points.thumbnails);
  EXPECT_EQ(points.thumb_width, 16);
  for (std::size_t i = 0; i < points.x.size(); i += 50) {
    const auto& moment = figure.moments[i];
    const auto& lived = bench.held_out.all();
    const auto episode = std::ranges::find(lived, moment.seed, [](const LivedEpisode& each) { return each.data.seed; });
    ASSERT_NE(episode, lived.end());
    const auto* frame =
        episode->data.frames.data() + static_cast<std::size_t>(moment.step) * episode->data.frame_bytes();
    const auto left = i % static_cast<std::size_t>(points.thumb_columns) * 16,
               top = i / static_cast<std::size_t>(points.thumb_columns) * 16;
    for (std::size_t x = 0; x < 16; ++x)
      EXPECT_EQ(points.thumbnails->pixels[(top * static_cast<std::size_t>(points.thumbnails->width) + left + x) * 3],
                frame[x * 3]);
  }
}

TEST(MapQuestion, NeighboursTellTheStateAndShuffledOnesDoNot) {
  const auto answer = answer_about("map", round_system());
  for (const auto* target : {"cell[0]", "cell[1]"}) {
    for (const std::size_t column : {1u, 2u, 3u}) EXPECT_GT(told(answer, target, column), 0.95) << target << column;
    EXPECT_LT(told(answer, target, 4), 0.1);
  }
  EXPECT_LT(told(answer, "time in the episode", 1), 0.3) << "the latent does not know what time it is";
  EXPECT_NE(answer.sentence.find("most alike in"), std::string::npos);
}

TEST(MapQuestion, OfALatentThatIsAlwaysTheSameItCannotTell) {
  const auto answer = answer_about("map", known_system(Wrong::collapsed, true));
  EXPECT_TRUE(std::isnan(number_of(answer, "explained").value));
  EXPECT_FALSE(number_of(answer, "explained").note.empty());
  EXPECT_LT(number_of(answer, "told_state").value, 0.1) << "posterior classes are uniform whatever is seen";
}

TEST(LatentWalk, NumbersGoOverInAStraightLine) {
  auto system = round_system();
  const Carry from = {{"z", torch::tensor({{1.0f, 0.0f}})}, {"h", torch::full({1, 3}, 100.0f)}},
              to = {{"z", torch::tensor({{-1.0f, 1.0f}})}, {"h", torch::full({1, 3}, 200.0f)}};
  const auto walk = walk_between(*system->model, from, to, 5);
  ASSERT_TRUE(walk.lacks.empty());
  ASSERT_EQ(walk.whole.size(0), 5);
  for (std::int64_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(walk.whole[i][0][5][0].item<float>(), 0.5 + 0.5 * (1 - 0.5 * static_cast<double>(i)), 1e-6);
    EXPECT_NEAR(walk.whole[i][0][5][15].item<float>(), 0.5 + 0.5 * 0.25 * static_cast<double>(i), 1e-6);
    EXPECT_NEAR(walk.whole[i][0][0][0].item<float>(), 0.1 + 0.025 * static_cast<double>(i), 1e-6)
        << "memory goes along";
    EXPECT_NEAR(walk.latent[i][0][5][0].item<float>(), walk.whole[i][0][5][0].item<float>(), 1e-6);
    EXPECT_NEAR(walk.latent[i][0][0][0].item<float>(), 0.1, 1e-6) << "the first one's memory stays";
  }
}

TEST(LatentWalk, OfClassesTheLikeliestIsTaken) {
  Bench bench(known_system(Wrong::nothing, true));
  const auto& lived = bench.held_out.first(4);
  const auto cell_at = [&](std::size_t e, std::size_t t) {
    return live_again(*bench.system, bench.held_out.moment(e, static_cast<std::int64_t>(t)))
        .carry.at("z")
        .argmax()
        .item<std::int64_t>();
  };
  std::size_t t = 80;
  while (cell_at(0, t) == cell_at(1, t)) ++t;
  ASSERT_LT(t, lived[0].data.length());
  const auto walk = walk_latents(*bench.system, bench.held_out.moment(0, static_cast<std::int64_t>(t)),
                                 bench.held_out.moment(1, static_cast<std::int64_t>(t)), 6);
  for (std::int64_t i = 0; i < 6; ++i) {
    EXPECT_TRUE(torch::equal(walk.whole[i], i < 3 ? walk.first : walk.last)) << i;
    EXPECT_TRUE(torch::equal(walk.latent[i], i < 3 ? walk.first : walk.last)) << i;
  }
  // What was lived again is what was lived.
  const auto& data = lived[0].data;
  EXPECT_TRUE(torch::equal(
      walk.first, unit_pictures(torch::from_blob(const_cast<std::uint8_t*>(data.frames.data()) + t * data.frame_bytes(),
                                                 {16, 16, 3}, torch::kUInt8)
                                    .clone())));
  const auto sheet = walk.sheet(bench.held_out.moment(0, static_cast<std::int64_t>(t)),
                                bench.held_out.moment(1, static_cast<std::int64_t>(t)));
  EXPECT_EQ(sheet.columns, 8);
  EXPECT_EQ(sheet.rows, 2);
  EXPECT_EQ(sheet.moments.size(), 8u);
  EXPECT_EQ(sheet.moments.back().seed, lived[1].data.seed);
}

TEST(LatentWalk, AMomentThatCannotBeLivedIsNamed) {
  auto system = known_system(Wrong::nothing, true);
  EXPECT_THROW(live_again(*system, {}), Error);
  LabMoment beyond{"", 1, 500, std::make_shared<const std::vector<float>>(500, 1.0f)};
  EXPECT_THROW(live_again(*system, beyond), Error);
}

}  // namespace map_test
}  // namespace dream
