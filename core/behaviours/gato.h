#pragma once
#include "core/behaviours/behaviour.h"
#include "core/behaviours/gato_network.h"
#include "core/config/config.h"

namespace dream {

struct GatoOptions {
  GatoNetworkOptions network;
  std::int64_t bins = 1024;
  std::string worlds = "Catch:CartPole:Pendulum:KeyDoor";

  void fields(Config& config, const std::string& prefix);
};

/// Gato (Reed et al. 2022) at the wheel in one of its worlds: a line of text says what to do, then come the last steps, and
/// the likeliest next tokens are the action, axis by axis. The same weights act in all worlds of `options`. It has no model.
/// Its memory is the window: "seen" [B, K, N, D], what was seen as the network's vectors, "done" [B, K, A], tokens, and
/// "filled" [B, 1], how many of the K steps there are.
class Gato : public Behaviour {
 public:
  /// Throws dream::Error where `world` is none of its worlds, or cannot be told in tokens.
  Gato(const GatoOptions& options, const std::string& world, const Spaces& spaces);

  Carry initial(std::int64_t lanes) const override;
  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  std::vector<Knob> knobs() const override;
  std::vector<std::string> probe_names() const override { return {"attention/heads", "policy/action"}; }
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override;

  const std::vector<std::string>& worlds() const { return worlds_; }
  const std::vector<GatoLine>& lines() const { return lines_; }
  const GatoVocabulary& vocabulary() const { return vocabulary_; }
  const GatoTokens& tokens() const { return tokens_; }  // of the world that it acts in
  GatoNetwork& network() { return network_; }
  /// The line that is followed: the one that the knob names, else the first of the world.
  const GatoLine& line(const KnobValues& knobs) const;

 private:
  /// The window with the present step as its last, whose action is not known yet.
  GatoNetworkImpl::Window window_of(const Seen& seen, const Carry& memory);
  /// Draws the last step's action into the window, axis by axis, or takes the likeliest where `rng` is undefined. Returns the
  /// logits of what can be done here [B, A, action_count()].
  torch::Tensor act(GatoNetworkImpl::Window& window, at::Generator rng);
  Attention attention_of(const GatoNetworkImpl::Window& window, const std::vector<torch::Tensor>& weights,
                         const std::string& text) const;

  GatoOptions options_;
  std::vector<std::string> worlds_;
  std::vector<GatoLine> lines_;
  GatoVocabulary vocabulary_;
  GatoTokens tokens_;
  Spaces spaces_;
  std::string world_;
  GatoNetwork network_{nullptr};
};

}  // namespace dream
