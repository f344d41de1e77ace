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
  enum class Sees { cell, nothing, motion };
  explicit KnownEyes(Sees sees) : sees_(sees) { register_buffer("unused", torch::zeros({1})); }
  std::int64_t width() const override { return test::Ring::cells; }
  std::int64_t frames() const override { return 2; }
  torch::Tensor embed(const torch::Tensor& clips) override {
    const auto lit = [&](std::int64_t t) {
      return torch::one_hot(clips.select(1, t).to(torch::kFloat32).mean({1, 3}).argmax(-1), width())
          .to(torch::kFloat32);
    };
    if (sees_ == Sees::nothing) return torch::ones_like(lit(1));
    return sees_ == Sees::cell ? lit(1) : lit(1) - lit(0);
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

TEST(ReadQuestion, FindsTheStateWhereItIsAndNotWhereItIsNot) {
  const auto sees = about(KnownEyes::Sees::cell);
  EXPECT_GT(test::number_of(sees, "read_encoder").value, 0.95);
  EXPECT_GT(test::number_of(sees, "read_pixels").value, 0.95);
  EXPECT_GT(beside(sees, "raw pixels"), 0.95);
  EXPECT_LT(beside(sees, "permuted"), 0.1);
  EXPECT_TRUE(std::isnan(beside(sees, "untrained"))) << "no recipe makes a twin of it";
  EXPECT_TRUE(std::isnan(beside(sees, "VAE"))) << "it has no rival";
  EXPECT_NE(sees.sentence.find("raw pixels"), std::string::npos);
  EXPECT_FALSE(std::get<Table>(*test::figure_of(sees, "readout").value).rows.empty());
  const auto blind = about(KnownEyes::Sees::nothing);
  EXPECT_LT(test::number_of(blind, "read_encoder").value, 0.05);
  EXPECT_GT(beside(blind, "raw pixels"), 0.95);
}

TEST(ReadQuestion, ShowsItClipsThatEndWithTheFrame) {
  const auto moves = about(KnownEyes::Sees::motion);
  const double read = test::number_of(moves, "read_encoder").value;
  EXPECT_GT(read, 0.2) << "where the dot went says in part where it is";
  EXPECT_LT(read, test::number_of(about(KnownEyes::Sees::cell), "read_encoder").value);
}

TEST(ReadQuestion, IsAskedOfWhatHasLearnedToSeeAlone) {
  EXPECT_NE(question("read").lacks(*test::known_system(test::Wrong::nothing, true)), "");
  auto system = test::known_system(test::Wrong::nothing, true);
  system->encoder = std::make_shared<KnownEyes>(KnownEyes::Sees::cell);
  EXPECT_EQ(question("read").lacks(*system), "");
}

}  // namespace read_test
}  // namespace dream
