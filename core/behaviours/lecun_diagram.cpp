// The architecture as the paper's figure 2 draws it, with what flows through it now.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "core/behaviours/lecun_actor.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::array<const char*, 3> drive_names = {"goal", "harm", "energy"};
enum Part {
  configurator_,
  perception_,
  world_model_,
  cost_,
  intrinsic_,
  critic_,
  memory_,
  actor_,
  mode1_,
  mode2_,
  parts_
};

std::string figure(const char* format, double value) {
  char out[64];
  std::snprintf(out, sizeof out, format, value);
  return out;
}

/// How strongly something of this size is drawn: half at `usual`, and nearly whole far beyond.
float strength_of(double value, double usual) {
  return static_cast<float>(std::abs(value) / (std::abs(value) + usual));
}

}  // namespace

Diagram LecunActor::diagram(const Seen& seen, const Carry& memory) {
  const bool reacts = this->reacts(seen.knobs);
  const auto weights = seen.carry.at("weights")[0].to(torch::kCPU), costs = seen.carry.at("costs")[0].to(torch::kCPU);
  const auto lived = memory.at("lived")[0].matmul(weights),
             foreseen = memory.at("foreseen")[0].matmul(weights);  // [M], [H]
  const double now = (costs * weights).sum().item<double>(), end = memory.at("end")[0].item<double>();
  const double expected = -policy_->value(seen)[0].item<double>(), sum = foreseen.sum().item<double>();
  const auto steps = static_cast<std::int64_t>(memory.at("steps")[0].item<float>());
  const bool planned = !reacts && foreseen.abs().sum().item<float>() > 0;
  std::vector<std::string> paid;
  std::string wanted;
  for (std::size_t i = 0; i < drive_names.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    wanted += std::string(drive_names[i]) + figure(" × %.2f  ", weights[at].item<double>());
    paid.push_back(std::string(drive_names[i]) + figure("  %.3f", (weights[at] * costs[at]).item<double>()));
  }

  Diagram made;
  made.columns = 12, made.rows = 10;
  made.phase = static_cast<float>(steps) * 0.2f;
  made.nodes.resize(parts_);
  const auto node = [&](Part part, std::array<float, 4> place, const char* title, const char* help, float strength,
                        std::vector<std::string> lines) {
    made.nodes[part] = {title, help, std::move(lines), place[0], place[1], place[2], place[3], strength};
  };
  node(configurator_, {0.2f, 0.15f, 11.6f, 1.25f}, "Configurator",
       "Says what is wanted: it sets the weights of the costs, and who decides. Its hands are yours: the sliders, and "
       "the key.",
       0.4f, {wanted, reacts ? "Mode 1 decides" : "Mode 2 decides"});
  node(perception_, {0.2f, 6.9f, 2.3f, 2.4f}, "Perception",
       "Makes a state of what is seen, s = h(x): an embedding that nothing is rebuilt from.", 0.5f,
       {figure("|s| %.2f", seen.carry.at("z")[0].square().mean().sqrt().item<double>())});
  node(world_model_, {3.4f, 2.9f, 3.6f, 2.4f}, "World model",
       "Foretells the state after an action. All that is planned is planned in it.", reacts ? 0.0f : 1.0f,
       {reacts ? "not asked" : figure("%.0f steps ahead", static_cast<double>(foreseen.size(0)))});
  node(cost_, {7.9f, 1.8f, 3.9f, 4.9f}, "Cost",
       "What is to be kept low: an intrinsic cost, which is fixed, and a critic, which learns.", 0.2f, {});
  node(intrinsic_, {8.05f, 2.4f, 3.6f, 2.45f}, "Intrinsic cost",
       "The fixed half: how far the goal is, what harms, the energy of a step, each by its weight. How they are added "
       "up is never learned.",
       strength_of(now, 0.3), std::move(paid));
  if (planned)
    made.nodes[intrinsic_].bars = floats(foreseen), made.nodes[intrinsic_].bars_label = "foreseen, step by step";
  node(critic_, {8.05f, 4.95f, 3.6f, 1.65f}, "Critic",
       "The trainable half: from the short-term memory it has learned what costs are still to come after a state.",
       strength_of(expected, 5), {figure("here %.2f", expected), planned ? figure("after plan %.2f", end) : ""});
  node(memory_, {7.9f, 7.2f, 3.9f, 2.6f}, "Short-term memory",
       "Keeps what was lived and thought, and what it cost: the next plan begins with the last one, and in training "
       "the critic learns from it.",
       std::min(1.0f, static_cast<float>(steps) / static_cast<float>(remembered)),
       {std::to_string(std::min(steps, remembered)) + " steps"});
  made.nodes[memory_].bars = floats(lived), made.nodes[memory_].bars_label = "costs that were lived";
  node(actor_, {3, 6.6f, 4.6f, 3.2f}, "Actor",
       "Decides: its policy alone (Mode 1), or what it finds in the world model to be cheapest (Mode 2).", 0.3f, {});
  node(mode1_, {3.15f, 7.35f, 2.1f, 2.3f}, "Mode 1", "Reacts: a policy, which Mode 2 has taught, acts in one pass.",
       reacts ? 1.0f : 0.0f, {"policy"});
  node(mode2_, {5.35f, 7.35f, 2.1f, 2.3f}, "Mode 2",
       "Thinks: imagines many sequences of actions, and does the first action of the cheapest.", reacts ? 0.0f : 1.0f,
       {"plan", planned ? figure("Σ %.2f", sum) : ""});

  const float thinking = reacts ? 0.0f : 1.0f;
  made.edges = {{configurator_, perception_, "", 0.1f},
                {configurator_, world_model_, "", 0.1f},
                {configurator_, cost_, "weights", strength_of(weights.sum().item<double>(), 1)},
                {configurator_, actor_, "", 0.4f, 0.94f},
                {perception_, world_model_, "s", thinking},
                {perception_, actor_, "s", reacts ? 1.0f : 0.3f, 0.6f},
                {actor_, world_model_, "a", thinking},
                {world_model_, cost_, "s'", thinking},
                {cost_, actor_, "cost", thinking},
                {cost_, memory_, "cost", 0.5f, 0.35f},
                {memory_, critic_, "s, cost", 0.3f, 0.8f}};
  return made;
}

}  // namespace dream
