// IRIS's networks against the authors' code with the same weights (tests/golden/make_iris.py).
#include "core/models/iris_tokenizer.h"
#include "core/models/iris_transformer.h"
#include "tests/support/their_parts_golden.h"

namespace dream {
namespace iris_golden_test {

constexpr std::int64_t actions = 4, codes = 512, places = 16, frames = 20, longer = 23, every = 9;

TheirParts tokenizer_parts(const std::string& ours) {
  return iris_tokenizer_parts(IrisTokenizerOptions().levels, ours);
}

/// Whole numbers below `below`.
torch::Tensor whole(const char* name, std::vector<std::int64_t> shape, std::int64_t below) {
  return ((test::hashed_by_name(name, std::move(shape)) + 1) * static_cast<double>(below) / 2).floor().to(torch::kInt64).clamp(0, below - 1);
}

class IrisGolden : public ::testing::Test {
 protected:
  IrisGolden() { torch::set_num_threads(1); }

  IrisTransformer published() {
    IrisTransformerOptions options;
    options.dropout = 0;
    IrisTransformer model(options, places, codes, actions);
    test::fill_parts(*model, iris_transformer_parts);
    return model;
  }
  torch::Tensor seen_ = whole("codes", {2, longer, places}, codes);
  torch::Tensor taken_ = torch::one_hot(whole("actions", {2, longer}, actions), actions).to(torch::kFloat32);
};

TEST_F(IrisGolden, TokenizerIsTheAuthors) {
  const test::HashedGolden golden("iris/tokenizer.npz");
  IrisTokenizerOptions options;
  options.detail = 0;
  IrisTokenizer model(options, at::IntArrayRef{3, 64, 64});
  test::fill_parts(*model, tokenizer_parts);
  const auto pictures = (test::hashed_pictures("pictures", {1, 2, 3, 64, 64})[0] + 1) / 2;
  const auto encoded = model->encode(pictures);
  golden.close("z", encoded.z);
  EXPECT_TRUE(torch::equal(encoded.codes, golden("codes").to(torch::kInt64)));
  golden.close("rebuilt", model->decode(encoded.quantised));
  const auto loss = model->loss(pictures);
  EXPECT_NEAR(loss.codebook.item<double>(), golden.number("commitment_loss"), 1e-4 * golden.number("commitment_loss"));
  EXPECT_NEAR(loss.reconstruction.item<double>(), golden.number("reconstruction_loss"), 1e-4);
  loss.total.backward();
  test::close_part_gradients(golden, *model, tokenizer_parts, 2e-4);
}

TEST_F(IrisGolden, TransformerIsTheAuthors) {
  const test::HashedGolden golden("iris/world_model.npz");
  auto model = published();
  const auto codes_seen = seen_.slice(1, 0, frames), actions_taken = taken_.slice(1, 0, frames);
  {
    torch::NoGradGuard no_grad;
    const auto logits = model->forward(codes_seen, actions_taken);
    EXPECT_EQ(logits.codes.size(1), frames * places - 1) << "the first token of all is told by nothing, and the last action tells none";
    // Theirs has one more for the last action, whose label is cut off.
    const auto theirs = golden("logits"), ours = logits.codes.slice(1, 0, logits.codes.size(1), every);
    ASSERT_GE(theirs.size(1), ours.size(1));
    EXPECT_LT(test::relative_error(ours, theirs.slice(1, 0, ours.size(1))), 1e-4);
    golden.close("reward", logits.reward);
    golden.close("end", logits.end);
  }
  auto alive = torch::ones({2, frames}), end = torch::zeros({2, frames});
  alive[1].slice(0, 13).zero_();
  end[1][12] = 1;
  const auto loss = model->loss(codes_seen, actions_taken, whole("rewards", {2, frames}, 5).to(torch::kFloat32) - 2, end, alive, alive);
  EXPECT_NEAR(loss.codes.item<double>(), golden.number("loss_obs"), 1e-4);
  EXPECT_NEAR(loss.reward.item<double>(), golden.number("loss_rewards"), 1e-4);
  EXPECT_NEAR(loss.end.item<double>(), golden.number("loss_ends"), 1e-4);
  loss.total.backward();
  test::close_part_gradients(golden, *model, iris_transformer_parts, 2e-4);
}

TEST_F(IrisGolden, StepsThroughAFullMemoryAreTheAuthors) {
  const test::HashedGolden golden("iris/world_model.npz");
  auto model = published();
  auto next = model->see(model->nothing(2), torch::zeros({2, actions}), seen_.select(1, 0));
  for (std::int64_t t = 1; t < longer; ++t) {
    next = model->see(next.memory, taken_.select(1, t - 1), seen_.select(1, t));
    EXPECT_EQ(next.emptied.all().item<bool>(), t == frames) << t;
    if (t != 1 && t != frames - 1 && t != frames && t != longer - 1) continue;
    const auto step = "step" + std::to_string(t) + "/";
    const auto log_p = [&](const char* what) { return golden(step + what).log_softmax(-1); };
    EXPECT_LT(test::relative_error(next.expected.slice(1, 0, places, 5), log_p("logits")), 1e-4) << t;
    EXPECT_LT(test::relative_error(next.reward, log_p("reward")), 1e-4) << t;
    EXPECT_LT(test::relative_error(next.end, log_p("end")), 1e-4) << t;
    golden.close(step + "state", next.state);
  }
}

TEST_F(IrisGolden, HasThePublishedCounts) {
  IrisTokenizer tokenizer(IrisTokenizerOptions{}, at::IntArrayRef{3, 64, 64});
  EXPECT_EQ(test::parameter_count(*tokenizer), 4027523);
  std::map<std::string, std::int64_t> parts;
  for (auto& item : tokenizer->named_parameters()) {
    const auto dot = item.key().find('.');
    const auto part = item.key().substr(0, dot);
    parts[part == "encoder" || part == "decoder" ? part : "rest"] += item.value().numel();
  }
  EXPECT_EQ(parts, (std::map<std::string, std::int64_t>{{"encoder", 1418240}, {"decoder", 1821827}, {"rest", 787456}}));
  IrisTransformer world(IrisTransformerOptions{}, places, codes, actions);
  EXPECT_EQ(test::parameter_count(*world), 8447493);
  parts.clear();
  for (auto& item : world->named_parameters()) {
    const auto& name = item.key();
    parts[name.starts_with("stack.") ? "transformer" : name.starts_with("of_") ? "embeddings" : "heads"] += item.value().numel();
  }
  EXPECT_EQ(parts, (std::map<std::string, std::int64_t>{{"transformer", 7898112}, {"embeddings", 219136}, {"heads", 330245}}));
}

}  // namespace iris_golden_test
}  // namespace dream
