#include "core/behaviours/gato_tokens.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <sstream>

#include "api/error.h"
#include "core/env/registry.h"
#include "core/nn/action_input.h"

namespace dream {
namespace {

constexpr double mu = 100, farthest = 256;  // μ and M of appendix B

/// Lines, in the order in which the window lists them. The second of Catch is learned from the episodes that went wrong:
/// the same pictures, another deed, so that only the text can tell which.
const std::vector<GatoLine>& written_lines() {
  static const std::vector<GatoLine> lines = {
      {"catch the falling ball", "Catch", 0.5, 1},
      {"let the ball fall", "Catch", -1, -0.5},
      {"balance the pole on the cart", "CartPole"},
      {"swing the pendulum up", "Pendulum"},
      {"open the door of the key", "KeyDoor", 0.5, 1},
  };
  return lines;
}

bool seen_as_picture(const std::string& world) {
  return world == "Catch" || world == "KeyDoor";
}

/// "CartPoleSwingUp" -> "play cart pole swing up".
std::string name_as_line(const std::string& world) {
  std::string line = "play";
  for (const char c : world) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isupper(byte)) line += ' ';
    line += static_cast<char>(std::tolower(byte));
  }
  return line;
}

}  // namespace

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream text(line);
  std::vector<std::string> words;
  for (std::string word; text >> word;) words.push_back(word);
  return words;
}

torch::Tensor mu_law(const torch::Tensor& x) {
  return x.sign() * (x.abs() * mu + 1).log() / std::log(farthest * mu + 1);
}

torch::Tensor mu_law_inverse(const torch::Tensor& code) {
  return code.sign() * ((code.abs() * std::log(farthest * mu + 1)).exp() - 1) / mu;
}

torch::Tensor to_bins(const torch::Tensor& x, std::int64_t bins) {
  return ((x + 1) * (0.5 * static_cast<double>(bins))).floor().clamp(0, static_cast<double>(bins - 1)).to(torch::kInt64);
}

torch::Tensor from_bins(const torch::Tensor& tokens, std::int64_t bins) {
  return (tokens.to(torch::kFloat32) + 0.5) * (2 / static_cast<double>(bins)) - 1;
}

std::vector<GatoLine> gato_lines(const std::vector<std::string>& worlds) {
  std::vector<GatoLine> lines;
  for (const auto& world : worlds) {
    const auto before = lines.size();
    std::ranges::copy_if(written_lines(), std::back_inserter(lines), [&](const GatoLine& line) { return line.world == world; });
    if (lines.size() == before) lines.push_back({name_as_line(world), world});
  }
  return lines;
}

std::vector<std::string> gato_worlds(const std::string& list) {
  std::vector<std::string> worlds;
  std::istringstream text(list);
  for (std::string world; std::getline(text, world, ':');) {
    if (world.empty()) continue;
    make_env(world);
    if (std::ranges::find(worlds, world) != worlds.end()) throw Error("the world " + world + " is named twice in '" + list + "'");
    worlds.push_back(world);
  }
  if (worlds.empty()) throw Error("no world is named; names separated by ':' were expected, as in Catch:CartPole");
  return worlds;
}

GatoVocabulary::GatoVocabulary(std::int64_t bins, const std::vector<GatoLine>& lines) : bins_(bins) {
  for (const auto& line : lines)
    for (const auto& word : words_of(line.text))
      if (std::ranges::find(words_, word) == words_.end()) words_.push_back(word);
}

torch::Tensor GatoVocabulary::line(const std::string& text) const {
  std::vector<std::int64_t> tokens;
  for (const auto& word : words_of(text)) {
    const auto known = std::ranges::find(words_, word);
    if (known != words_.end()) tokens.push_back(separator() + 1 + (known - words_.begin()));
  }
  return torch::tensor(tokens, torch::kInt64);
}

GatoTokens::GatoTokens(const std::string& world, const Spaces& spaces, const GatoVocabulary& vocabulary)
    : action_(spaces.action),
      sees_picture_(spaces.vector_names.empty() || seen_as_picture(world)),
      bins_(vocabulary.bins()) {
  const auto refuse = [&](const std::string& why) { throw Error(world + " cannot be told in its tokens: " + why); };
  if (sees_picture_) {
    if (spaces.image_height != 64 || spaces.image_width != 64 || spaces.image_channels != 3)
      refuse("pictures of 64 x 64 pixels in three colours were expected");
    constexpr std::int64_t side = 64 / patch;
    for (std::int64_t row = 1; row <= side; ++row)
      for (std::int64_t column = 1; column <= side; ++column)
        seen_names_.push_back("patch " + std::to_string(row) + "," + std::to_string(column));
  } else {
    seen_names_ = spaces.vector_names;
  }
  seen_ = static_cast<std::int64_t>(seen_names_.size());
  if (seen_ > most_seen)
    refuse("it shows " + std::to_string(seen_) + " numbers, and " + std::to_string(most_seen) + " are told apart");
  if (static_cast<std::int64_t>(action_.choices.size()) > GatoVocabulary::most_choices)
    refuse("it has " + std::to_string(action_.choices.size()) + " choices, and " +
           std::to_string(GatoVocabulary::most_choices) + " are told apart");
}

torch::Tensor GatoTokens::of_vector(const torch::Tensor& vector) const {
  return to_bins(mu_law(vector), bins_);
}

torch::Tensor GatoTokens::of_action(const torch::Tensor& action) const {
  if (action_.discrete()) return action.round().to(torch::kInt64) + bins_;
  return to_bins(ActionInput(action_)(action), bins_);
}

torch::Tensor GatoTokens::to_action(const torch::Tensor& tokens) const {
  if (action_.discrete()) return (tokens - bins_).to(torch::kFloat32);
  const auto low = torch::tensor(action_.low, tokens.options().dtype(torch::kFloat32)), high = torch::tensor(action_.high, low.options());
  return low + (from_bins(tokens, bins_) + 1) * 0.5 * (high - low);
}

}  // namespace dream
