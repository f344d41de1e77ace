#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/nn/unet.h"

// What the authors of a family call the numbers of our modules: the name maps. Each takes the name of a parameter or buffer as our
// module has it ("condition1.weight"), and says what in the authors' module it is.

namespace dream {

/// One of their tensors, within one of ours.
struct TheirPart {
  std::string name;
  std::int64_t rows = 0;  // of ours that it fills; 0: as many as each of the others
  std::vector<std::int64_t> shape = {};  // of theirs, where they are joined in another way (BroughtPlan::joined)
};
/// Those that lie in a tensor of ours one behind the other, along its first dimension. None: it is ours alone.
using TheirParts = std::vector<TheirPart>;

/// eloialonso/diamond: InnerModel, RewEndModel and ActorCritic, of networks of this shape. In a U-Net of ours one linear map bends all
/// norms, where theirs has one for each.
TheirParts diamond_denoiser_parts(const UNetOptions& unet, const std::string& ours);
TheirParts diamond_reward_end_parts(const UNetOptions& net, const std::string& ours);
TheirParts diamond_actor_critic_parts(const std::string& ours);

/// eloialonso/iris: Tokenizer, with so many levels, WorldModel and ActorCritic.
TheirParts iris_tokenizer_parts(std::int64_t levels, const std::string& ours);
TheirParts iris_transformer_parts(const std::string& ours);
TheirParts iris_actor_critic_parts(const std::string& ours);

/// danijar/dreamerv3 (2024, read at e3f0224): dreamerv3/rssm.py and agent.py.
struct DanijarShape {
  std::int64_t deter = 0, blocks = 8;
  std::int64_t embedded = 0;                                  // what becomes of the vectors; 0: it sees none
  std::vector<std::pair<std::string, std::int64_t>> vectors;  // what it sees beside pictures, by their order, and how many numbers each has
  std::string action = "action";
  bool box = false;  // numbers, and no choice
};
/// Of a world model ("reward.out.bias") and of an actor-critic ("actor.out.bias").
TheirParts danijar_parts(const DanijarShape& shape, const std::string& ours);
/// A part as ours has it. Theirs are [in, out] or [H, W, in, out]; inputs are [h, z] (here [z, h]), and of an embedding the vectors' part
/// precedes the picture's.
torch::Tensor danijar_turned(const DanijarShape& shape, const std::string& ours, const torch::Tensor& theirs);

/// ctallec/world-models (read at d6abd9c): models/vae.py, mdrnn.py and controller.py, and utils/misc.py, which puts them together.
struct CtallecShape {
  std::int64_t latent = 32, actions = 3, hidden = 256, mixtures = 5;
  bool cell = false;   // M's LSTM has the names of an LSTMCell, "rnn.weight_ih", and not those of training, "rnn.weight_ih_l0"
  bool drives = true;  // there is a controller
};
/// Of a tensor of the run: "model/v.mean.bias", "behaviour/parameters".
TheirParts ctallec_parts(const CtallecShape& shape, const std::string& ours);
/// Ours of those parts that have a shape. Theirs are [out, in] with inputs [a, z] (here [z, a]), gates i, f, g, o with two biases (here
/// i, g, f, o with one, to whose f a step adds 1), K means and log deviations of all z one component behind the other (here one
/// z behind the other), and of C the weights first.
torch::Tensor ctallec_joined(const CtallecShape& shape, const std::string& ours, const std::vector<torch::Tensor>& theirs);

}  // namespace dream
