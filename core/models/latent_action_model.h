#pragma once
#include "core/config/config.h"
#include "core/models/finds_actions.h"
#include "core/models/genie_networks.h"
#include "core/models/world_model.h"

namespace dream {

/// What worlds share whose controls were found in videos without actions (Genie's latent action model): it infers what
/// was done between two pictures, whatever the environment calls it, and its own actions are the codes. How the next
/// frame is made is for whoever derives from it.
///
/// Its part of the carry is a window of frames, the oldest first, of which the first "filled" [B, 1] are there: the
/// code "actions" [B, T] that led to each, their "pictures" [B, T, C, H, W], seen or painted, by which the next action
/// is inferred, and the last "frame" [B, C, H, W] as it is decoded.
class LatentActionModel : public WorldModel, public FindsActions {
 public:
  ActionSpace actions(const Spaces& environment) const override;
  torch::Tensor inferred(const Carry& seen) override { return newest(seen.at("actions"), seen).unsqueeze(1); }
  Prediction predict(const Carry& carry) override { return {carry.at("frame"), {}, {}}; }
  Prediction outcome(const Carry&) override { return {}; }
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

  LatentActions& latent_actions() { return latent_actions_; }
  std::int64_t frames() const { return shape_.frames; }  // that it looks back at, the new one among them
  /// How often each code was inferred and how much the picture changed then, [codes] each: for the window, and for the
  /// code that an idle driver takes, which is the one that changes least of those in use.
  void know_codes(const torch::Tensor& use, const torch::Tensor& motion);

 protected:
  LatentActionModel(std::int64_t frames, const Spaces& spaces);
  /// Registers the action model; once, where its first weights are to be drawn. Throws dream::Error for more codes than
  /// there are keys.
  void find_actions(const LatentActionOptions& options);

  struct Window {
    torch::Tensor actions, pictures;  // int64 [B, T]; [B, T, C, H, W]; shifted where a frame had to go
    torch::Tensor at, full;           // int64 [B]: frames before the next; bool [B]: whether one had to go
  };
  Carry blank(std::int64_t batch);
  Window open(const Carry& carry) const;
  /// The code [B] that led from a window to a picture [B, C, H, W].
  torch::Tensor code_before(const Window& window, const torch::Tensor& picture);
  /// Its part of the next carry: this picture at the window's next place, with the code that led to it.
  Carry with_next(const Window& window, const torch::Tensor& picture, const torch::Tensor& code) const;
  /// The codes [B] of actions [B, 1].
  torch::Tensor codes_of(const torch::Tensor& actions) const;
  /// The vectors of a window's actions [B, T]; nothing led to its first frame.
  torch::Tensor action_values(const torch::Tensor& actions) const;
  void report_codes(ProbeSink& sink) const;

  /// The entry of window [B, T, ...] of the newest frame, [B, ...].
  static torch::Tensor newest(const torch::Tensor& window, const Carry& carry);
  /// `window` [B, T, ...] with `entry` [B, ...] at `at` [B].
  static torch::Tensor placed(const torch::Tensor& window, const torch::Tensor& entry, const torch::Tensor& at);
  /// Without its first entry where `full` [B].
  static torch::Tensor made_room(const torch::Tensor& window, torch::Tensor full);

  GenieShape shape_;
  LatentActions latent_actions_{nullptr};

 private:
  torch::Tensor code_use_, code_motion_;  // [codes]
};

// -- settings of the family's networks --------------------------------------------------------------------------------

void latent_action_fields(Config& config, LatentActionOptions& options);
void quantiser_fields(Config& config, const std::string& prefix, QuantiserOptions& options, std::int64_t most);
template <class Options>
void network_fields(Config& config, const std::string& prefix, Options& options,
                    const std::string& blocks = "Space-time blocks") {
  config.add(prefix + "width", options.width,
             {.help = "Numbers of a token within the network", .low = 4, .high = 8192});
  config.add(prefix + "layers", options.layers, {.help = blocks, .low = 1, .high = 64});
  config.add(prefix + "heads", options.heads, {.help = "Heads of an attention", .low = 1, .high = 64});
}

}  // namespace dream
