#include "core/engine/genie/genie_stages.h"

namespace dream {
namespace {

class GenieTokenizerStage : public GenieStage {
 public:
  explicit GenieTokenizerStage(const std::shared_ptr<GenieTokenParts>& parts)
      : GenieStage("tokenizer", "Tokenizer: pictures as codes", parts, parts->own.tokenizer,
                   parts->tokens->tokenizer()->parameters()),
        model_(*parts->tokens) {}

 private:
  torch::Tensor learn(const torch::Tensor& pictures) override {
    last_ = model_.tokenizer()->loss(pictures);
    add_loss("pixels", last_.pixels);
    return last_.total;
  }
  void after_step() override {
    model_.tokenizer()->quantiser()->revive(last_.encoded.detach().flatten(0, 2), last_.index, 50);
    last_ = {};
  }
  void measure(const GenieParts::Pieces& unseen, at::Generator) override {
    auto& tokenizer = model_.tokenizer();
    const auto tokens = tokenizer->tokens(unseen.pictures);
    const auto rebuilt = tokenizer->pictures(tokens);
    add("psnr", decibels(rebuilt, unseen.pictures));
    add("perplexity", perplexity(tokens, tokenizer->codes()));
    show(unseen.pictures[0][-1], rebuilt[0][-1]);
  }
  GenieModel& model_;
  GenieTokenizerImpl::Loss last_;
};

class MaskGitStage : public GenieDynamicsStage {
 public:
  explicit MaskGitStage(const std::shared_ptr<GenieTokenParts>& parts)
      : GenieDynamicsStage("Dynamics: hidden tokens from the others and the action", parts,
                           parts->tokens->dynamics()->parameters()),
        model_(*parts->tokens) {}

 private:
  torch::Tensor learn(const torch::Tensor& pictures) override {
    torch::Tensor tokens, actions;
    {
      torch::NoGradGuard no_grad;
      tokens = model_.tokenizer()->tokens(pictures);
      actions = latent_actions()->values(latent_actions()->codes_of(pictures));
    }
    const auto loss = model_.dynamics()->loss(tokens, actions, rng_);
    add_loss("tokens", loss.total);
    add("correct", loss.correct);
    return loss.total;
  }
  GenieModel& model_;
};

}  // namespace

std::vector<Metrics::Spec> genie_curves() {
  std::vector<Metrics::Spec> curves = {
      {"tokenizer/pixels", "Tokenizer: error of pixels", "MSE", "update"},
      {"tokenizer/psnr", "Tokenizer: unseen pictures rebuilt", "dB", "update"},
      {"tokenizer/perplexity", "Tokenizer: codes in use, perplexity", "codes", "update"}};
  const auto add = [&](const std::vector<Metrics::Spec>& more) {
    curves.insert(curves.end(), more.begin(), more.end());
  };
  add(genie_action_curves());
  add({{"dynamics/tokens", "Dynamics: cross-entropy of hidden tokens", "nats", "update"},
       {"dynamics/correct", "Dynamics: hidden tokens of which the likeliest is right", "", "update"}});
  add(genie_dream_curves());
  return curves;
}

std::shared_ptr<Phase> genie_tokenizer_phase(std::shared_ptr<GenieTokenParts> parts) {
  return std::make_shared<GenieTokenizerStage>(parts);
}

std::shared_ptr<Phase> genie_dynamics_phase(std::shared_ptr<GenieTokenParts> parts) {
  return std::make_shared<MaskGitStage>(parts);
}

}  // namespace dream
