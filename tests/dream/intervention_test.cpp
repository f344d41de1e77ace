// What a forced latent does, in a run that is shipped. Its card quotes these figures.
#include <gtest/gtest.h>

#include "core/engine/lanes.h"
#include "core/engine/system.h"
#include "core/nn/checkpoint.h"

namespace dream {
namespace intervention_test {

/// KeyDoor is learned with memory: a key that was seen decides which door is opened steps later. The colour lies in
/// several groups of the latent. Forced to the other colour's classes in the first latent alone, the most telling group
/// changes nothing, four turn some dreams to the other door, eight of 32 all of them.
TEST(Intervention, AForcedColourOfTheKeyOpensTheOtherDoor) {
  torch::NoGradGuard no_grad;
  torch::set_num_threads(1);
  const auto system =
      load_system(Checkpoint::load(DREAMSCOPE_SOURCE_DIR "/assets/runs/key_door/checkpoint.safetensors"), "cpu");
  auto& model = *system->model;
  const auto env = system->make_env();
  auto rng = make_generator(torch::kCPU, 3);
  constexpr std::int64_t groups = 32, classes = 4;
  std::vector<Carry> starts[2];  // amber, blue
  torch::Tensor posterior[2] = {torch::zeros({groups, classes}), torch::zeros({groups, classes})};
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    env->reset(seed);
    std::vector<float> seen(env->spaces().vector_names.size());
    env->observe_vector(seen);
    auto carry = model.observe(model.initial(1), torch::zeros({1, 1}), {{}, torch::tensor(seen).unsqueeze(0)}, rng);
    const auto facts = env->diagnostics();
    const auto key = std::ranges::find(facts, "key", &NamedArray::name);
    ASSERT_NE(key, facts.end());
    const bool blue = key->values[0] > 0;
    posterior[blue] += carry.at("posterior").exp().view({groups, classes});
    starts[blue].push_back(std::move(carry));
  }
  for (int key : {0, 1}) posterior[key] /= static_cast<double>(starts[key].size());
  const auto telling = (posterior[0] - posterior[1]).abs().amax(1).argsort(0, true);

  /// Dreams that end at the key's own door, and at the other, of both keys together.
  const auto doors = [&](int forced) {
    std::pair<int, int> ends;
    for (const int key : {0, 1}) {
      for (auto carry : starts[key]) {
        for (int i = 0; i < forced; ++i) {
          const auto group = telling[i].item<std::int64_t>();
          const auto other = posterior[1 - key][group].argmax().item<std::int64_t>();
          carry = model.edit(carry, "latent/z", group * classes + other, 1);
        }
        int last = 0;  // the last step up (3) or down (4) is through a door
        for (int t = 0; t < 12; ++t) {
          const auto action = system->behaviour->decide({&model, carry}, {}, Mode::judge, rng).action;
          const int choice = static_cast<int>(action[0][0].item<float>());
          if (choice >= 3) last = choice;
          carry = model.imagine(carry, action, {}, rng);
          if (model.outcome(carry).done.item<double>() > 0.5) break;
        }
        ends.first += last == 3 + key;
        ends.second += last == 4 - key;
      }
    }
    return ends;
  };
  EXPECT_GE(doors(0).first, 58);
  EXPECT_GE(doors(1).first, 55);
  EXPECT_NEAR(doors(2).second, 3, 5);
  EXPECT_NEAR(doors(4).second, 16, 10);
  for (int forced : {8, 16, 32}) EXPECT_GE(doors(forced).second, 57) << forced;
}

}  // namespace intervention_test
}  // namespace dream
