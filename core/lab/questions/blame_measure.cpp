// What dreams miss in which ever fewer parts are replaced by the truth.
#include <algorithm>

#include "core/lab/driver.h"
#include "core/lab/questions/blame.h"
#include "core/models/rollout.h"

namespace dream::blame {
namespace {

constexpr double slow_decision = 0.5;  // seconds for a group: C's feedback would take all of the time
constexpr std::uint64_t watching = 2000, imagining = 2100, deciding = 2200;  // random streams

/// [B, ...] twice -> [B]
torch::Tensor each_lane(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.to(torch::kFloat32) - b.to(torch::kFloat32)).square().flatten(1).mean(1).to(torch::kCPU, torch::kFloat64);
}

/// Means over the pieces of each episode: [steps][B] -> [episodes][steps].
Missed by_episode(const std::vector<torch::Tensor>& steps, const std::vector<Stretches::From>& from) {
  Missed rows;
  const auto of_lanes = torch::stack(steps).t().contiguous();
  for (std::size_t lane = 0; lane < from.size(); ++lane) {
    if (lane == 0 || from[lane].episode != from[lane - 1].episode) rows.emplace_back(steps.size(), 0.0);
    const auto pieces = std::ranges::count(from, from[lane].episode, &Stretches::From::episode);
    for (std::size_t k = 0; k < steps.size(); ++k)
      rows.back()[k] += of_lanes[static_cast<std::int64_t>(lane)][static_cast<std::int64_t>(k)].item<double>() /
                        static_cast<double>(pieces);
  }
  return rows;
}

void append(Missed& to, const Missed& rows) {
  to.insert(to.end(), rows.begin(), rows.end());
}
void append_sums(std::vector<double>& to, const Missed& rows) {
  for (const auto& row : rows) {
    double sum = 0;
    for (const double value : row) sum += value;
    to.push_back(sum);
  }
}

/// The real world from the end of every stretch's context on, under `decided` [K][L, A].
struct LivedTwin {
  std::vector<Observation> seen;     // after every step; the last one stands still once the episode is over
  std::vector<torch::Tensor> lives;  // bool [L]: whether it was not over before that step
};

LivedTwin live_twin(Inquiry& inquiry, const std::vector<LivedEpisode>& episodes, const Stretches& made,
                    std::int64_t context, const std::vector<torch::Tensor>& decided,
                    const std::function<void()>& between) {
  auto& system = inquiry.system();
  const auto steps = decided.size(), axes = static_cast<std::size_t>(decided.front().size(1));
  std::vector<torch::Tensor> actions;
  for (const auto& each : decided) actions.push_back(each.to(torch::kCPU).contiguous());
  std::vector<std::vector<torch::Tensor>> images(steps), vectors(steps);
  std::vector<std::vector<int>> lives(steps);
  const auto env = system.make_env();
  const auto& spaces = env->spaces();
  for (std::size_t lane = 0; lane < made.from.size(); ++lane) {
    const auto& data = episodes[made.from[lane].episode].data;
    env->reset(data.seed);
    for (std::int64_t t = 0; t < made.from[lane].step + context; ++t)
      env->step({data.actions.data() + static_cast<std::size_t>(t) * axes, axes});
    bool alive = true;
    for (std::size_t k = 0; k < steps; ++k) {
      lives[k].push_back(alive);
      if (alive) alive = !env->step({actions[k].data_ptr<float>() + lane * axes, axes}).done();
      if (spaces.image_bytes() > 0) {
        images[k].push_back(
            torch::empty({spaces.image_height, spaces.image_width, spaces.image_channels}, torch::kUInt8));
        env->observe_image({images[k].back().data_ptr<std::uint8_t>(), spaces.image_bytes()});
      }
      if (!spaces.vector_names.empty()) {
        vectors[k].push_back(torch::empty({static_cast<std::int64_t>(spaces.vector_names.size())}));
        env->observe_vector({vectors[k].back().data_ptr<float>(), spaces.vector_names.size()});
      }
    }
    between();
  }
  LivedTwin twin;
  for (std::size_t k = 0; k < steps; ++k) {
    const auto all = [&](const std::vector<torch::Tensor>& each) {
      return each.empty() ? torch::Tensor() : torch::stack(each).to(system.device);
    };
    twin.seen.push_back({all(images[k]), all(vectors[k])});
    twin.lives.push_back(torch::tensor(lives[k]) > 0);
  }
  return twin;
}

}  // namespace

void measure(Inquiry& inquiry, const std::vector<LivedEpisode>& episodes, std::size_t first_episode, Errors& errors,
             double from, double to) {
  auto& system = inquiry.system();
  auto& model = inquiry.model();
  const auto context = errors.context, horizon = errors.horizon, half = horizon / 2;
  const auto made = stretches(episodes, context + horizon, errors.pieces, system.device);
  if (made.from.empty()) return;
  const auto& batch = made.batch;
  const auto lanes = batch.lanes();
  const auto spaces = system.make_env()->spaces();
  const auto behaviour = driving_behaviour(system, spaces);
  double work = 0;
  const double all_work = static_cast<double>(context + 7 * horizon + (horizon - half) * 4);
  const auto worked = [&](const char* doing) {
    inquiry.at(from + (to - from) * std::min(1.0, ++work / all_work), doing);
  };

  // The truth, as the posterior sees it.
  std::vector<Carry> truth;  // of steps context … context + horizon
  Driver driver(behaviour, spaces.action, lanes);
  auto decides = inquiry.rng(deciding + first_episode);
  watch(model, batch, context + horizon + 1, inquiry.rng(watching + first_episode),
        [&](std::int64_t t, const Carry& carry) {
          worked("watches unseen episodes");
          if (t >= context) truth.push_back(carry);
          if (t < context && driver.remembers())
            driver.drive({&model, carry, observation_at(batch, t), batch.reward[t]}, decides);
        });
  if (errors.episodes() == 0 && behaviour) {  // a planner may take its time
    auto trial = driver;
    const double asked = inquiry.elapsed();
    trial.drive({&model, truth[0], {}, batch.reward[context]}, decides);
    errors.slow = inquiry.elapsed() - asked > slow_decision;
  }
  errors.drives = behaviour && !errors.slow;
  const auto real = [&](std::int64_t k) { return unit_pictures(batch.image[context + k]); };
  const auto painted = batch.image.defined() ? model.predict(truth[0]).frame : torch::Tensor();
  errors.paints = painted.defined() && painted.sizes() == real(0).sizes();
  const auto truth_at = [&](std::int64_t k) -> const Carry& { return truth[static_cast<std::size_t>(k)]; };

  const auto missed = [&](const Carry& carry, std::int64_t k, torch::Tensor* frame = nullptr) {
    if (!errors.paints) return each_lane(model.features(carry), model.features(truth_at(k)));
    const auto picture = model.predict(carry).frame;
    if (frame) *frame = picture;
    return each_lane(picture, real(k));
  };
  if (errors.shown.empty())
    for (const std::int64_t k : {1, 2, 5, 10, 15})
      if (k <= horizon) errors.shown.push_back(k);
  std::array<std::vector<torch::Tensor>, stages> missed_at, pictures;
  const auto note = [&](Stage stage, const Carry& carry, std::int64_t k) {
    torch::Tensor frame;
    missed_at[stage].push_back(missed(carry, k, &frame));
    if (frame.defined() && std::ranges::count(errors.shown, k))
      pictures[stage].push_back(frame.to(torch::kCPU, torch::kFloat32));
    worked("imagines with one part after another replaced by the truth");
  };

  KnobValues lowest;
  for (const auto& knob : model.knobs())
    if (knob.group.name == temperature.name) lowest[knob.name] = knob.minimum;
  errors.tempered = !lowest.empty();
  const auto actions = batch.action.slice(0, context + 1);
  const auto chance = [&] { return inquiry.rng(imagining + first_episode); };  // the same for every stage
  auto steps_chance = chance();
  Carry halfway;
  for (std::int64_t k = 1; k <= horizon; ++k) {
    note(seen, truth_at(k), k);
    note(one_step, model.imagine(truth_at(k - 1), actions[k - 1], lowest, steps_chance), k);
  }
  imagine_on(model, truth[0], actions, lowest, chance(), [&](std::int64_t k, const Carry& carry) {
    note(calm, carry, k);
    if (k == half) halfway = carry;
  });
  imagine_on(model, truth[0], actions, {}, chance(),
             [&](std::int64_t k, const Carry& carry) { note(drawn, carry, k); });
  if (errors.drives) {
    auto carry = truth[0];
    auto reward = batch.reward[context];
    auto dreaming = chance();
    std::vector<Carry> dream;
    std::vector<torch::Tensor> decided;
    for (std::int64_t k = 1; k <= horizon; ++k) {
      decided.push_back(driver.drive({&model, carry, {}, reward}, decides).to(system.device, torch::kFloat32));
      carry = model.imagine(carry, decided.back(), {}, dreaming);
      const auto outcome = model.outcome(carry).reward;
      reward = outcome.defined() ? model.reward_from_target(outcome).to(torch::kFloat32) : torch::zeros_like(reward);
      dream.push_back(carry);
      worked("dreams by its own decisions");
    }
    const auto real_twin =
        live_twin(inquiry, episodes, made, context, decided, [&] { worked("lives its decisions in the real world"); });
    auto seen_twin = truth[0];
    auto sees = inquiry.rng(watching + 50 + first_episode);
    for (std::int64_t k = 1; k <= horizon; ++k) {
      const auto at = static_cast<std::size_t>(k - 1);
      const auto& observed = real_twin.seen[at];
      torch::Tensor apart;
      if (errors.paints) {
        const auto frame = model.predict(dream[at]).frame;
        if (std::ranges::count(errors.shown, k)) pictures[closed].push_back(frame.to(torch::kCPU, torch::kFloat32));
        apart = each_lane(frame, unit_pictures(observed.image));
      } else {
        seen_twin = model.observe(seen_twin, decided[at], observed, sees);
        apart = each_lane(model.features(dream[at]), model.features(seen_twin));
      }
      // Once the twin's episode is over there is nothing to hold the dream against: C adds nothing.
      missed_at[closed].push_back(torch::where(real_twin.lives[at], apart, missed_at[drawn][at]));
    }
  }

  // One half of the state put right halfway; the rest of the dream is imagined again.
  if (half >= 1) {
    const auto rest = [&](const Carry& start, std::vector<double>& into) {
      std::vector<torch::Tensor> steps;
      imagine_on(model, start, actions.slice(0, half), lowest, inquiry.rng(imagining + 50 + first_episode),
                 [&](std::int64_t k, const Carry& carry) {
                   steps.push_back(missed(carry, half + k));
                   worked("puts one half of the state right");
                 });
      append_sums(into, by_episode(steps, made.from));
    };
    const auto latent_right = model.with_latent(halfway, truth_at(half)),
               memory_right = model.with_latent(truth_at(half), halfway);
    errors.halves = !latent_right.empty();
    if (errors.halves) {
      rest(halfway, errors.after_none), rest(latent_right, errors.after_latent);
      rest(memory_right, errors.after_memory), rest(truth_at(half), errors.after_both);
    }
  }

  // What needs no model, over the same steps.
  std::vector<torch::Tensor> still, mean;
  std::vector<torch::Tensor> features;
  if (!errors.paints)
    for (const auto& carry : truth) features.push_back(model.features(carry).to(torch::kFloat32));
  const auto frame_at = [&](std::int64_t k) { return errors.paints ? real(k) : features[static_cast<std::size_t>(k)]; };
  auto middle = torch::zeros_like(frame_at(0)[0]);
  for (std::int64_t k = 0; k <= horizon; ++k) middle += frame_at(k).mean(0) / static_cast<double>(horizon + 1);
  for (std::int64_t k = 1; k <= horizon; ++k) {
    still.push_back(each_lane(frame_at(0), frame_at(k)));
    mean.push_back(each_lane(middle.unsqueeze(0), frame_at(k)));
  }
  append_sums(errors.still, by_episode(still, made.from));
  append_sums(errors.mean, by_episode(mean, made.from));
  for (std::size_t stage = 0; stage < stages; ++stage)
    if (!missed_at[stage].empty()) append(errors.of[stage], by_episode(missed_at[stage], made.from));
  errors.stretches += lanes;

  // Where the whole dream went most wrong.
  const auto whole = torch::stack(missed_at[errors.last()]);  // [K, B]
  const auto from_of = [&](std::int64_t lane) {
    const auto& at = made.from[static_cast<std::size_t>(lane)];
    return Stretches::From{at.episode + first_episode, at.step};
  };
  errors.worst.resize(static_cast<std::size_t>(horizon), -1),
      errors.worst_from.resize(static_cast<std::size_t>(horizon));
  for (std::int64_t k = 0; k < horizon; ++k) {
    const auto lane = whole[k].argmax().item<std::int64_t>();
    auto& worst = errors.worst[static_cast<std::size_t>(k)];
    if (const double value = whole[k][lane].item<double>(); value > worst)
      worst = value, errors.worst_from[static_cast<std::size_t>(k)] = from_of(lane);
  }
  const auto stretch = whole.sum(0).argmax().item<std::int64_t>();
  const double total = whole.sum(0)[stretch].item<double>();
  if (!errors.paints || total <= errors.worst_stretch) return;
  errors.worst_stretch = total, errors.sheet_from = from_of(stretch);
  errors.sheet_rows = {"truth"};
  std::vector<torch::Tensor> cells;
  for (const auto k : errors.shown) cells.push_back(real(k)[stretch].to(torch::kCPU));
  const std::array<const char*, stages> words = {"seen, decoded", "one step", "calm", "as learned", "decides by it"};
  for (std::size_t stage = 0; stage < stages; ++stage) {
    if (pictures[stage].empty()) continue;
    errors.sheet_rows.push_back(words[stage]);
    for (const auto& picture : pictures[stage]) cells.push_back(picture[stretch]);
  }
  errors.sheet = torch::stack(cells);
}

}  // namespace dream::blame
