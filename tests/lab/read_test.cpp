// What a line reads of the world's state in an encoder: of encoders whose answer is known.
#include <gtest/gtest.h>

#include "core/models/representation.h"
#include "tests/lab/known_world.h"
#include "tests/lab/lab_answers.h"

namespace dream {
namespace read_test {

/// Sees which cell of the ring is lit, or, blind, only that there is a picture; or how far the dot went since the frame
/// before.
class KnownEyes : public Representation {
 public:
  enum class Sees { cell, nothing, stays };
  explicit KnownEyes(Sees sees) : sees_(sees) { register_buffer("unused", torch::zeros({1})); }
  std::int64_t width() const override { return test::Ring::cells; }
  std::int64_t frames() const override { return 2; }
  torch::Tensor embed(const torch::Tensor& clips) override {
    const auto lit = [&](std::int64_t t) {
      return torch::one_hot(clips.select(1, t).to(torch::kFloat32).mean({1, 3}).argmax(-1), width())
          .to(torch::kFloat32);
    };
    if (sees_ == Sees::nothing) return torch::ones_like(lit(1));
    return sees_ == Sees::cell ? lit(1) : lit(1) * lit(0);
  }
  std::vector<std::string> probe_names() const override { return {}; }
  void report(const torch::Tensor&, ProbeSink&) override {}

 private:
  Sees sees_;
};

LabAnswer about(KnownEyes::Sees sees) {
  auto system = test::known_system(test::Wrong::nothing, true);
  system->model = nullptr;
  system->encoder = std::make_shared<KnownEyes>(sees);
  return test::answer_about("read", system);
}

double beside(const LabAnswer& answer, const std::string& label) {
  for (const auto& each : test::number_of(answer, "read_encoder").beside)
    if (each.label == label) return each.value;
  return std::nan("");
}

/// R² of one target from one source.
double told(const LabAnswer& answer, const std::string& target, const std::string& source) {
  const auto& table = std::get<Table>(*test::figure_of(answer, "readout").value);
  for (const auto& row : table.rows)
    for (std::size_t i = 1; i < row.size(); ++i)
      if (row[0].text == target && table.columns[i].title == source) return row[i].number;
  return std::nan("");
}

TEST(ReadQuestion, FindsTheStateWhereItIsAndNotWhereItIsNot) {
  const auto sees = about(KnownEyes::Sees::cell), blind = about(KnownEyes::Sees::nothing);
  for (const char* target : {"cell[0]", "cell[1]"}) {
    EXPECT_GT(told(sees, target, "embedding"), 0.95);
    EXPECT_GT(told(sees, target, "raw pixels"), 0.95);
    EXPECT_LT(told(sees, target, "permuted"), 0.1);
    EXPECT_LT(told(blind, target, "embedding"), 0.05);
    EXPECT_GT(told(blind, target, "raw pixels"), 0.95);
  }
  EXPECT_LT(told(sees, "change of cell", "embedding"), 0.2) << "how fast it changes no single frame shows";
  EXPECT_GT(test::number_of(sees, "read_encoder").value, test::number_of(blind, "read_encoder").value + 0.5);
  EXPECT_NEAR(beside(sees, "raw pixels"), test::number_of(sees, "read_pixels").value, 1e-9);
  EXPECT_TRUE(std::isnan(beside(sees, "untrained"))) << "no recipe makes a twin of it";
  EXPECT_TRUE(std::isnan(beside(sees, "VAE"))) << "it has no rival";
  EXPECT_NE(sees.sentence.find("raw pixels"), std::string::npos);
}

TEST(ReadQuestion, ShowsItClipsThatEndWithTheFrame) {
  const auto moves = about(KnownEyes::Sees::stays);
  EXPECT_GT(told(moves, "change of cell", "embedding"), 0.95);
  EXPECT_LT(told(moves, "change of cell", "raw pixels"), 0.2);
}

TEST(ReadQuestion, IsAskedOfWhatHasLearnedToSeeAlone) {
  EXPECT_NE(question("read").lacks(*test::known_system(test::Wrong::nothing, true)), "");
  auto system = test::known_system(test::Wrong::nothing, true);
  system->encoder = std::make_shared<KnownEyes>(KnownEyes::Sees::cell);
  EXPECT_EQ(question("read").lacks(*system), "");
}

}  // namespace read_test
}  // namespace dream
