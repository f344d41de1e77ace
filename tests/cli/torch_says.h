#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/engine/system.h"
#include "core/nn/checkpoint.h"

// What clients/torch/check.py compares with beyond dreams: what the networks of a family say of random inputs, and runs of what ships
// none. A family's function puts inputs and outputs by name into `said`, with its model in eval mode, without gradients and after
// torch::manual_seed(1); its check gets them as `given`.

namespace dream::test {

void say_genie(System& system, Checkpoint& said);
void say_iris(System& system, Checkpoint& said);
void say_delta_iris(System& system, Checkpoint& said);
void say_tssm(System& system, Checkpoint& said);
void say_diamond(System& system, Checkpoint& said);
void say_dreamer4(System& system, Checkpoint& said);
void say_masked_jepa(System& system, Checkpoint& said);
void say_two_views(System& system, Checkpoint& said);
void say_hjepa(System& system, Checkpoint& said);
void say_genie2(System& system, Checkpoint& said);
void say_diffusion_forcing(System& system, Checkpoint& said);
void say_forcing_planner(System& system, Checkpoint& said);

/// By recipe; most need none.
const std::map<std::string, void (*)(System&, Checkpoint&)>& torch_says();

/// A run that does not ship: of so small a network, its weights as they begin and a random bit beside, so that no output is zero.
struct RandomRun {
  std::string name, recipe, world;
  std::vector<std::string> settings;
};
const std::vector<RandomRun>& random_runs();
const std::vector<RandomRun>& random_runs_of_tokens();
/// Makes it as the folder `into`/name, and says which that is.
std::filesystem::path make_random_run(const RandomRun& run, const std::filesystem::path& into);

/// `into`/NAME.safetensors with what the family of the run in this folder says, where it says anything.
void keep_what_is_said(const std::filesystem::path& run, const std::filesystem::path& into);

}  // namespace dream::test
