#include "core/dream/start.h"

namespace dream {

ActionSpace Stage::actions() const {
  return system.model ? system.model->actions(env.spaces()) : env.spaces().action;
}

bool Stage::shares_actions() const {
  const auto mine = actions();
  const auto& its = env.spaces().action;
  return mine.choices == its.choices && mine.axes == its.axes && mine.low == its.low && mine.high == its.high;
}

torch::Tensor Stage::idle() const {
  const auto space = actions();
  auto action = torch::zeros({1, static_cast<std::int64_t>(space.size())});
  for (std::size_t axis = 0; axis < std::min(space.idle.size(), space.size()); ++axis)
    action[0][static_cast<std::int64_t>(axis)] = space.idle[axis];
  return action;
}

Observation Stage::look() const {
  const auto& spaces = env.spaces();
  Observation seen;
  if (spaces.image_bytes() > 0) {
    seen.image = torch::empty({1, spaces.image_height, spaces.image_width, spaces.image_channels}, torch::kUInt8);
    env.observe_image({seen.image.data_ptr<std::uint8_t>(), spaces.image_bytes()});
  }
  if (!spaces.vector_names.empty()) {
    seen.vector = torch::empty({1, static_cast<std::int64_t>(spaces.vector_names.size())});
    env.observe_vector({seen.vector.data_ptr<float>(), spaces.vector_names.size()});
  }
  if (spaces.goals) {
    seen.goal = torch::empty_like(seen.image);
    env.observe_goal({seen.goal.data_ptr<std::uint8_t>(), spaces.image_bytes()});
  }
  return seen;
}

Carry Stage::see(const Carry& carry, const Moment& moment) const {
  if (!system.model) return {};
  const auto there = [&](const torch::Tensor& x) { return x.defined() ? x.to(system.device) : x; };
  const auto& before = moment.first || carry.empty() ? system.model->initial(1) : carry;
  return system.model->observe(before, there(moment.action), moment.seen.to(system.device), rng);
}

void Stage::see_all(Start& start) const {
  start.carry = {};
  for (const auto& moment : start.watched) start.carry = see(start.carry, moment);
  start.memory = system.who_drives() ? system.who_drives()->initial(1) : Carry{};
  start.stale = false;
}

namespace {

class Environment : public StartSource {
 public:
  std::string name() const override { return ""; }

  Start next(std::uint64_t seed, const Stage& stage) override {
    auto& env = stage.env;
    // No real world goes on from a clip.
    if (const auto* away = env.away()) return start_from_file(away->clips)->next(seed, stage);
    const auto limit = env.spaces().max_episode_steps;
    // Short episodes leave less to watch: a tenth of the time limit, and a quarter of an episode that ends too soon, then
    // or within the first moments of the dream. Where that is next to nothing the first frame has to do: all else is
    // dreamed.
    auto watched = limit > 0 ? std::min<std::int64_t>(most_watched, limit / 10) : most_watched;
    if (watched < 4 || !stage.system.model) watched = 0;
    Start start;
    start.seed = seed;
    for (;;) {
      const auto lived = watch(start, stage, watched);
      start.env = env.save_state();
      if (watched == 0 || (lived == watched && !ends_soon(env, start.env))) return start;
      watched = std::min(lived, watched - 1) / 4;
    }
  }

 private:
  static torch::Tensor untouched(const Env& env) {
    return torch::tensor(env.spaces().action.idle).view({1, static_cast<std::int64_t>(env.spaces().action.size())});
  }

  /// An episode from its first frame on, as many steps of it; returns how many there were before it ended.
  std::int64_t watch(Start& start, const Stage& stage, std::int64_t steps) {
    begin(start, stage);
    for (std::int64_t step = 0; step < steps; ++step) {
      const auto action = choose(start, stage);
      // A world that does not know the model's actions goes on untouched.
      const auto real = stage.shares_actions() ? action : untouched(stage.env);
      const auto result = stage.env.step({real.data_ptr<float>(), static_cast<std::size_t>(real.size(1))});
      reward_ = result.reward;
      if (result.done()) return step;
      add(start, stage, action);
    }
    return steps;
  }

  /// Whether nobody at the wheel loses within moments: there is nothing to play.
  static bool ends_soon(Env& env, const std::vector<std::byte>& here) {
    constexpr int moments = 8;
    const auto nothing = untouched(env);
    bool over = false;
    for (int step = 0; step < moments && !over; ++step)
      over = env.step({nothing.data_ptr<float>(), static_cast<std::size_t>(nothing.size(1))}).done();
    env.load_state(here);
    return over;
  }

  void begin(Start& start, const Stage& stage) {
    reward_ = 0;
    start.watched.clear();
    start.carry = {};
    start.memory = stage.system.who_drives() ? stage.system.who_drives()->initial(1) : Carry{};
    stage.env.reset(start.seed);
    add(start, stage, torch::zeros({1, static_cast<std::int64_t>(stage.actions().size())}));
  }

  static void add(Start& start, const Stage& stage, const torch::Tensor& action) {
    start.watched.push_back({stage.look(), action, start.watched.empty()});
    start.carry = stage.see(start.carry, start.watched.back());
  }

  torch::Tensor choose(Start& start, const Stage& stage) const {
    auto& system = stage.system;
    if (!system.behaviour || !stage.shares_actions()) return stage.idle();
    const Seen now{system.model.get(),
                   start.carry,
                   start.watched.back().seen.to(system.device),
                   torch::tensor({reward_}).to(system.device),
                   stage.knobs};
    // The behaviour by itself, which whoever plans in its place remembers by the same names: a plan at each of these steps would let
    // a dream wait for seconds.
    auto decision = system.behaviour->decide(now, start.memory, Mode::judge, stage.rng);
    for (auto& [name, tensor] : decision.memory) start.memory[name] = std::move(tensor);
    return decision.action.to(torch::kCPU, torch::kFloat32).contiguous();
  }

  float reward_ = 0;
};

}  // namespace

std::unique_ptr<StartSource> start_in_environment() {
  return std::make_unique<Environment>();
}

}  // namespace dream
