// IRIS's networks against the authors' code with the same weights (tests/golden/make_iris.py).
#include <regex>

#include "core/models/iris_tokenizer.h"
#include "core/models/iris_transformer.h"
#include "tests/support/hashed_golden.h"

namespace dream {
namespace iris_golden_test {

constexpr std::int64_t actions = 4, codes = 512, places = 16, frames = 20, longer = 23, every = 9;

/// What the authors call a parameter of ours: one, or those that lie in it one behind the other.
using Names = std::vector<std::string>;
using Theirs = std::function<Names(const std::string&)>;

std::string replaced(std::string text, const std::vector<std::pair<const char*, const char*>>& rules) {
  for (const auto& [from, to] : rules) text = std::regex_replace(text, std::regex(from), to);
  return text;
}

Names split(const std::string& name, const std::string& part, const Names& into) {
  const auto at = name.find(part);
  if (at == std::string::npos) return {name};
  Names all;
  for (const auto& one : into) all.push_back(std::string(name).replace(at, part.size(), one));
  return all;
}

Names tokenizer_names(const std::string& ours) {
  auto name = replaced(ours, {{"^before", "pre_quant_conv"}, {"^after", "post_quant_conv"}, {"^codebook$", "embedding.weight"},
                              {"coder\\.in\\.", "coder.conv_in."}, {"coder\\.out\\.", "coder.conv_out."}, {"coder\\.norm\\.", "coder.norm_out."},
                              {"middle_look", "mid.attn_1"}, {"middle0", "mid.block_1"}, {"middle1", "mid.block_2"},
                              {"(level.)_block(.)", "$1.block.$2"}, {"(level.)_look(.)", "$1.attn.$2"},
                              {"encoder.level(.)_resized", "encoder.level$1.downsample.conv"}, {"decoder.level(.)_resized", "decoder.level$1.upsample.conv"},
                              {"encoder.level", "encoder.down."}, {"\\.seen\\.", ".proj_out."}});
  if (const auto at = name.find("decoder.level"); at != std::string::npos)
    name = "decoder.up." + std::to_string(4 - (name[at + 13] - '0')) + name.substr(at + 14);
  return split(name, "query_key_value", {"q", "k", "v"});
}

Names transformer_names(const std::string& ours) {
  return split(replaced(ours, {{"^stack.block(.)_", "transformer.blocks.$1."}, {"^stack.norm", "transformer.ln_f"}, {"norm(.)\\.", "ln$1."},
                               {"\\.scale$", ".weight"}, {"\\.shift$", ".bias"}, {"\\.attended", ".attn.proj"}, {"\\.up", ".mlp.0"}, {"\\.down", ".mlp.2"},
                               {"^of_action$", "embedder.embedding_tables.0.weight"}, {"^of_code$", "embedder.embedding_tables.1.weight"},
                               {"^of_position$", "pos_emb.weight"}, {"^codes_", "head_observations."}, {"^reward_", "head_rewards."},
                               {"^end_", "head_ends."}, {"\\.hidden", ".head_module.0"}, {"\\.out", ".head_module.2"}}),
               "qkv", {"attn.query", "attn.key", "attn.value"});
}

void fill(torch::nn::Module& module, const Theirs& theirs) {
  torch::NoGradGuard no_grad;
  for (auto& item : module.named_parameters()) {
    const auto names = theirs(item.key());
    std::vector<torch::Tensor> parts;
    for (const auto& p : item.value().chunk(static_cast<std::int64_t>(names.size()))) {
      const auto& name = names[parts.size()];
      const auto unit = test::hashed_by_name(name, p.sizes().vec());
      parts.push_back(p.dim() == 1 ? (name.ends_with("weight") ? 1 + 0.2 * unit : 0.2 * unit)
                                   : unit * std::sqrt(3.0 / (static_cast<double>(p.numel()) / static_cast<double>(p.size(0)))));
    }
    item.value().copy_(torch::cat(parts));
  }
}

void close_gradients(const test::HashedGolden& golden, torch::nn::Module& module, const Theirs& theirs) {
  std::vector<std::pair<double, double>> ours_theirs;
  double largest = 0;
  for (auto& item : module.named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    double wanted = 0;
    for (const auto& name : theirs(item.key())) wanted += std::pow(golden.number("gradnorm/" + name), 2);
    wanted = std::sqrt(wanted), largest = std::max(largest, wanted);
    EXPECT_NEAR(item.value().grad().norm().item<double>(), wanted, 2e-4 * std::max(wanted, 1e-3 * largest)) << item.key();
  }
  EXPECT_GT(largest, 0);
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
    fill(*model, transformer_names);
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
  fill(*model, tokenizer_names);
  const auto pictures = (test::hashed_pictures("pictures", {1, 2, 3, 64, 64})[0] + 1) / 2;
  const auto encoded = model->encode(pictures);
  golden.close("z", encoded.z);
  EXPECT_TRUE(torch::equal(encoded.codes, golden("codes").to(torch::kInt64)));
  golden.close("rebuilt", model->decode(encoded.quantised));
  const auto loss = model->loss(pictures);
  EXPECT_NEAR(loss.codebook.item<double>(), golden.number("commitment_loss"), 1e-4 * golden.number("commitment_loss"));
  EXPECT_NEAR(loss.reconstruction.item<double>(), golden.number("reconstruction_loss"), 1e-4);
  loss.total.backward();
  close_gradients(golden, *model, tokenizer_names);
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
  close_gradients(golden, *model, transformer_names);
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
