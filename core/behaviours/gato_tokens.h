#pragma once
#include "core/nn/torch.h"

#include <string>
#include <vector>

#include "api/spaces.h"

namespace dream {

// What Gato (Reed et al. 2022, section 2.1 and appendix B) makes of a world: every thing seen, said or done is one of the
// tokens of a single vocabulary,
//
//   0 … bins − 1        numbers, seen or done, in bins of equal width over [-1, 1]
//   then 64             choices, by their index
//   then 1              the separator between what was seen and what was done
//   then the words      of the lines of text
//
// but for pictures, whose patches go into the network as vectors. Departures: words of the few lines that there are in the
// place of 32,000 pieces of words, and nobody learns to say them; choices are apart from the words.

/// sgn(x) log(|x| μ + 1) / log(M μ + 1) with μ = 100 and M = 256: fine near 0, and ±1 at ±256.
torch::Tensor mu_law(const torch::Tensor& x);
torch::Tensor mu_law_inverse(const torch::Tensor& code);
/// [-1, 1] -> int64 0 … bins - 1, what lies outside into the outer ones; and back to the middles of the bins.
torch::Tensor to_bins(const torch::Tensor& x, std::int64_t bins);
torch::Tensor from_bins(const torch::Tensor& tokens, std::int64_t bins);

/// A line of text, the world in which it can be followed, and the returns of episodes that are examples of following it.
struct GatoLine {
  std::string text, world;
  double least = -1e30, most = 1e30;
};
/// The lines of `worlds`, those of each world together, in their order. A world for which nobody has written one has its name.
std::vector<GatoLine> gato_lines(const std::vector<std::string>& worlds);
/// "open the door" -> open, the, door.
std::vector<std::string> words_of(const std::string& line);
/// "Catch:CartPole" -> both. Throws dream::Error for none, for an unknown one, and for one that stands there twice.
std::vector<std::string> gato_worlds(const std::string& list);

/// The tokens that do not depend on the world.
class GatoVocabulary {
 public:
  static constexpr std::int64_t most_choices = 64;
  GatoVocabulary(std::int64_t bins, const std::vector<GatoLine>& lines);
  std::int64_t bins() const { return bins_; }
  std::int64_t actions() const { return bins_ + most_choices; }  // what can be done: the tokens below
  std::int64_t separator() const { return actions(); }
  std::int64_t size() const { return separator() + 1 + static_cast<std::int64_t>(words_.size()); }
  /// The words of a line that it knows, int64 [P].
  torch::Tensor line(const std::string& text) const;

 private:
  std::int64_t bins_;
  std::vector<std::string> words_;
};

/// What one world shows and takes, as tokens.
class GatoTokens {
 public:
  static constexpr std::int64_t patch = 16, most_seen = 64;
  /// Catch and KeyDoor are seen as pictures, as is whatever shows no numbers. Throws dream::Error, saying why, for a world
  /// that cannot be told in tokens.
  GatoTokens(const std::string& world, const Spaces& spaces, const GatoVocabulary& vocabulary);

  bool sees_picture() const { return sees_picture_; }
  std::int64_t seen() const { return seen_; }  // tokens of an observation: patches, or numbers
  std::int64_t done() const { return static_cast<std::int64_t>(action_.size()); }  // of an action, one per axis
  const std::vector<std::string>& seen_names() const { return seen_names_; }

  /// [..., V] -> int64 [..., seen()], numbers alone.
  torch::Tensor of_vector(const torch::Tensor& vector) const;
  /// [..., A], as the environment takes them, -> int64 [..., A]; and back.
  torch::Tensor of_action(const torch::Tensor& action) const;
  torch::Tensor to_action(const torch::Tensor& tokens) const;
  /// The tokens that are actions here: `count` from `first` on.
  std::int64_t first_action() const { return action_.discrete() ? bins_ : 0; }
  std::int64_t action_count() const { return action_.discrete() ? static_cast<std::int64_t>(action_.choices.size()) : bins_; }

 private:
  ActionSpace action_;
  bool sees_picture_;
  std::int64_t seen_, bins_;
  std::vector<std::string> seen_names_;
};

}  // namespace dream
