// What is wrong with it? Curves, settings, data and weights of a run and quick measurements on held-out episodes, read
// by the rules of core/lab/diagnosis.cpp.
#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>

#include "api/error.h"
#include "core/base/entries.h"
#include "core/data/dataset.h"
#include "core/data/dataset_sources.h"
#include "core/engine/run_file.h"
#include "core/engine/weight_history.h"
#include "core/lab/diagnosis.h"
#include "core/lab/driver.h"
#include "core/lab/questions/questions.h"
#include "core/models/gauges.h"
#include "core/models/rollout.h"

namespace dream {
namespace diagnosing {
namespace {

constexpr std::int64_t imagined_steps = 8;
constexpr std::int64_t paid_steps = 60;  // a few say little of what a dream pays: rewards come in bursts
constexpr double paid_share = 0.1;       // of the time: who plans decides slowly, and has fewer
constexpr std::size_t first_look = 4, second_look = 12, most_read = 12;  // episodes

using Chosen = std::vector<std::size_t>;

/// Statistics of episodes, of numbers that pieces have.
class ByEpisode {
 public:
  explicit ByEpisode(const std::vector<Stretches::From>& from) {
    for (std::size_t lane = 0; lane < from.size(); ++lane) {
      if (lanes_.empty() || from[lane].episode != from[lane - 1].episode) lanes_.emplace_back();
      lanes_.back().push_back(lane);
    }
  }
  std::size_t count() const { return lanes_.size(); }
  Interval of(const std::function<double(const Chosen& lanes)>& statistic) const {
    return bootstrap(lanes_.size(), [&](const Chosen& episodes) {
      Chosen lanes;
      for (const auto episode : episodes) lanes.insert(lanes.end(), lanes_[episode].begin(), lanes_[episode].end());
      return statistic(lanes);
    });
  }
  Interval ratio(const torch::Tensor& over, const torch::Tensor& under) const {  // [B] each; undefined: untold
    if (!over.defined() || !under.defined()) return {untold, untold, untold};
    const auto a = over.to(torch::kFloat64).contiguous(), b = under.to(torch::kFloat64).contiguous();
    return of([&](const Chosen& lanes) {
      double above = 0, below = 0;
      for (const auto lane : lanes) above += a.data_ptr<double>()[lane], below += b.data_ptr<double>()[lane];
      return below > 0 ? above / below : untold;
    });
  }

 private:
  std::vector<Chosen> lanes_;
};

/// Rewards that the behaviour gets in its own dream from `start` on, of fewer steps where `between` says no: float64
/// [steps, B]; undefined: none are predicted.
torch::Tensor dreamt_pay(System& system, const Carry& start, Driver driver, std::int64_t lanes, std::int64_t steps, at::Generator rng,
                         const std::function<bool()>& between) {
  auto& model = *system.model;
  auto carry = start;
  auto last = torch::zeros({lanes});
  std::vector<torch::Tensor> all;
  for (std::int64_t k = 0; k < steps; ++k) {
    if (!between() && k > 1) break;
    carry = model.imagine(carry, driver.drive({&model, carry, {}, last.to(system.device)}, rng), {}, rng);
    const auto reward = model.outcome(carry).reward;
    if (!reward.defined()) return {};
    last = model.reward_from_target(reward).to(torch::kFloat32);
    all.push_back(last.to(torch::kCPU, torch::kFloat64));
  }
  return torch::stack(all);
}

/// A step's reward in the dream and in reality, from the pieces' starts on for as long as each episode lasts.
void compare_pay(Inquiry& inquiry, const std::vector<LivedEpisode>& episodes, const std::vector<Stretches::From>& from,
                 const Carry& start, const Driver& driver, const ByEpisode& by, QuickLook& look, const std::function<void()>& between) {
  const auto lanes = static_cast<std::int64_t>(from.size());
  look.paid_steps = horizon_within(episodes, look.context, paid_steps);
  const double began = inquiry.elapsed();
  const auto dreamt = dreamt_pay(inquiry.system(), start, driver, lanes, look.paid_steps, inquiry.rng(41), [&] {
    between();
    return inquiry.elapsed() - began < paid_share * inquiry.seconds();
  });
  if (dreamt.defined()) look.paid_steps = dreamt.size(0);
  auto paid = torch::zeros({lanes}, torch::kFloat64), promised = paid.clone();
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    const auto& rewards = episodes[from[static_cast<std::size_t>(lane)].episode].data.rewards;
    const auto steps = std::min(look.paid_steps, static_cast<std::int64_t>(rewards.size()) - look.context);
    double sum = 0;
    for (std::int64_t k = 0; k < steps; ++k) sum += rewards[static_cast<std::size_t>(look.context + k)];
    paid[lane] = sum / static_cast<double>(steps);
    if (dreamt.defined()) promised[lane] = dreamt.slice(0, 0, steps).select(1, lane).mean();
  }
  look.real_pay = paid.mean().item<double>(), look.pay_deviation = paid.std(false).item<double>();
  if (!dreamt.defined()) return;
  look.overpaid = by.ratio(promised - paid, torch::ones_like(paid));
  look.pay_deviation = std::max(look.pay_deviation, promised.std(false).item<double>());
}

QuickLook look_at(Inquiry& inquiry, const std::vector<LivedEpisode>& episodes, bool driven_by_it, double from,
                  double to) {
  auto& model = inquiry.model();
  auto& system = inquiry.system();
  QuickLook look;
  look.context = context_of(episodes, system.make_env()->spaces());
  look.horizon = horizon_within(episodes, look.context, imagined_steps);
  if (look.horizon < 1) throw Error("the episodes end before anything could be imagined");
  // From an episode's start on: what begins in its middle with an empty memory is foreign to some models.
  const auto made = stretches(episodes, look.context + look.horizon, 1, system.device);
  if (made.from.empty()) throw Error("no episode was long enough");
  const auto& batch = made.batch;
  const ByEpisode by(made.from);
  look.episodes = by.count(), look.pieces = made.from.size();
  const auto doing = "watches " + std::to_string(look.pieces) + " pieces and imagines their next " +
                     std::to_string(look.horizon) + " steps";
  const auto at = [&](double share) { inquiry.at(from + (to - from) * share, doing); };

  torch::Tensor rebuilt, plain;  // errors of the decoded posterior and of the mean picture [B]
  std::vector<torch::Tensor> predicted, real;
  Carry start;
  const auto spaces = system.make_env()->spaces();
  const auto who = driven_by_it ? driving_behaviour(system, spaces) : nullptr;
  Driver driver(who, spaces.action, batch.lanes());
  auto decides = inquiry.rng(42);
  const auto middle = batch.image.defined() ? pictures_of(batch.image).mean({0, 1}) : torch::Tensor();
  const auto each = [](const torch::Tensor& a, const torch::Tensor& b) {
    return (a.to(torch::kFloat32) - b).square().flatten(1).mean(1).to(torch::kCPU, torch::kFloat64);
  };
  const auto gauged = gauge(
      model, batch, look.context, inquiry.rng(40),
      [&](std::int64_t t, const Carry& carry) {
        at(0.5 * static_cast<double>(t) / static_cast<double>(batch.steps()));
        if (t == look.context) start = carry;
        if (t < look.context && driver.remembers()) driver.drive({&model, carry, observation_at(batch, t), batch.reward[t]}, decides);
        if (t == 0) return;  // no reward led to an episode's first frame
        const auto made_of = middle.defined() ? model.predict(carry) : model.outcome(carry);
        if (made_of.frame.defined() && middle.defined()) {
          const auto truth = pictures_of(batch.image[t]);
          const auto missed = each(made_of.frame, truth), far = each(middle.expand_as(truth), truth);
          rebuilt = rebuilt.defined() ? rebuilt + missed : missed, plain = plain.defined() ? plain + far : far;
        }
        if (!made_of.reward.defined()) return;
        predicted.push_back(made_of.reward.to(torch::kCPU, torch::kFloat64));
        real.push_back(model.reward_to_target(batch.reward[t]).to(torch::kCPU, torch::kFloat64));
      },
      [&](std::int64_t k, const Carry&) {
        at(0.5 + 0.25 * static_cast<double>(k) / static_cast<double>(look.horizon));
      });

  look.what = gauged.what();
  look.skill = by.of([&](const Chosen& which) { return skill_of(gauged.errors().of(which)); });
  look.reliance = by.of([&](const Chosen& which) { return reliance_of(gauged.errors().of(which)); });
  look.usable_horizon = usable_horizon_of(gauged.errors());
  auto still = gauged.errors();
  still.dream = still.still;
  look.still_horizon = usable_horizon_of(still);
  look.latent_skill = skill_of(gauged.latents);
  if (look.horizon >= 4)
    if (const double first = gauged.latents.dream[0].sum().item<double>(); first > 0)
      look.drift = gauged.latents.dream[3].sum().item<double>() / first;
  if (gauged.told.defined()) {
    look.latents = gauged.told.numel();
    look.told = gauged.told.sum().item<double>(), look.silent = silent_share_of(gauged);
  }
  if (gauged.kl.defined()) {
    look.kl = by.ratio(gauged.step_kl, torch::ones_like(gauged.step_kl));
    look.foreseen = by.ratio(gauged.step_kl, gauged.step_told);
  }
  if (rebuilt.defined()) {
    const auto left = by.ratio(rebuilt, plain);
    look.rebuilt = {1 - left.value, 1 - left.high, 1 - left.low};
  }
  if (!predicted.empty()) {
    const auto p = torch::stack(predicted), r = torch::stack(real);
    look.rewards = r.numel();
    look.reward_deviation = r.std(false).item<double>(), look.predicted_deviation = p.std(false).item<double>();
    const auto left = by.ratio((p - r).square().sum(0), (r - r.mean()).square().sum(0));
    look.reward = {1 - left.value, 1 - left.high, 1 - left.low};
  }
  if (who && !predicted.empty())
    compare_pay(inquiry, episodes, made.from, start, driver, by, look, [&] { at(0.9); });
  return look;
}

/// What the same starts become under another episode's actions, over what changes at all, in the simulator.
double world_answers(Inquiry& inquiry, const std::vector<LivedEpisode>& episodes, std::int64_t steps) {
  if (episodes.size() < 2) return untold;
  double other = 0, moved = 0;
  for (std::size_t e = 0; e < episodes.size(); ++e) {
    const auto& data = episodes[e].data;
    const auto& under = episodes[(e + 1) % episodes.size()].data;
    const auto most =
        std::min({steps, static_cast<std::int64_t>(data.length()), static_cast<std::int64_t>(under.length())});
    const auto env = inquiry.system().make_env();
    env->reset(data.seed);
    const auto bytes = data.frame_bytes(), numbers = static_cast<std::size_t>(data.vector_size),
               axes = static_cast<std::size_t>(data.action_size);
    std::vector<std::uint8_t> frame(bytes);
    std::vector<float> vector(numbers);
    const auto add = [](double& to, const auto& a, const auto* b) {
      for (std::size_t i = 0; i < a.size(); ++i)
        to += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    };
    for (std::int64_t t = 0; t < most; ++t) {
      const auto over = env->step({under.actions.data() + static_cast<std::size_t>(t) * axes, axes}).done();
      const auto at = static_cast<std::size_t>(t) + 1;
      if (bytes > 0) {
        env->observe_image(frame);
        add(other, frame, data.frames.data() + at * bytes);
        add(moved, std::span(data.frames.data(), bytes), data.frames.data() + at * bytes);
      } else {
        env->observe_vector(vector);
        add(other, vector, data.vectors.data() + at * numbers);
        add(moved, std::span(data.vectors.data(), numbers), data.vectors.data() + at * numbers);
      }
      if (over) break;
    }
    inquiry.at(0.45, "tries other actions in the real world");
  }
  return moved > 0 ? other / moved : untold;
}

/// How a dataset becomes what the run learns from, whatever of it that is.
Fit fit_of(const DatasetInfo& info, const Spaces& spaces, const std::string& environment) {
  Fit fit;
  for (const auto& needs : {Needs{}, Needs{.pictures = false}, Needs{.vectors = false}}) {
    fit = fit_to(spaces, environment, needs)(info);
    if (fit.refusal.empty()) break;
  }
  return fit;
}

/// What is on the disk: the run's own datasets, and those that its settings name.
std::vector<LivedEpisode> trained_on(const System& system, RunFacts& run) {
  std::vector<std::filesystem::path> folders;
  if (!system.directory.empty()) folders = entries_of(system.directory / "data");
  for (const auto& field : run.settings)
    if (const auto* list = std::get_if<std::string>(&field.value); list && field.key.ends_with("datasets"))
      for (auto& folder : folders_of(*list)) folders.push_back(std::move(folder));
  std::ranges::sort(folders);
  const auto spaces = system.make_env()->spaces();
  std::vector<LivedEpisode> read;
  for (const auto& folder : folders) {
    try {
      const Dataset data(folder, Damage::skip);
      const auto fit = fit_of(data.info(), spaces, system.environment);
      if (!fit.refusal.empty()) continue;  // of another world, that it learns from too
      run.data_episodes = std::max<std::int64_t>(0, run.data_episodes) + static_cast<std::int64_t>(data.episodes());
      run.data_steps = std::max<std::int64_t>(0, run.data_steps) + data.steps();
      const auto wanted = std::min(data.episodes(), std::max<std::size_t>(1, most_read / folders.size()));
      for (std::size_t i = 0; i < wanted; ++i) {
        LivedEpisode lived{data.read(i * data.episodes() / wanted), nullptr};
        if (fit.apply) fit.apply(lived.data);
        lived.data.extra.clear();
        lived.actions = std::make_shared<const std::vector<float>>(lived.data.actions);
        read.push_back(std::move(lived));
      }
    } catch (const Error&) {
      // What was trained on may be elsewhere by now.
    }
  }
  return read;
}

/// Parts of the weights ("model/encoder.conv"), and how many of their numbers have changed since the earliest that are
/// kept.
void compare_weights(const System& system, RunFacts& run) {
  const auto kept = past_weights(system.history.empty() ? history_of(system.directory) : system.history);
  if (kept.size() < 2) return;
  Checkpoint then;
  try {
    then = Checkpoint::load(kept.front().file);
    // A line "name progress detail" for each phase.
    std::istringstream lines(Checkpoint::peek(checkpoint_path(system.directory)).metadata[run_progress_key]);
    run.begun = 1;
    for (std::string line, name; std::getline(lines, line);) {
      double progress = 0;
      if (std::istringstream(line) >> name >> progress && name != "evaluate") run.begun = std::min(run.begun, progress);
    }
  } catch (const Error&) {
    return;
  }
  run.since = kept.front().progress;
  std::map<std::string, RunFacts::Part> parts;
  const auto compare = [&](const std::string& prefix, const torch::nn::Module& module) {
    for (const auto& item : module.named_parameters()) {
      if (!item.value().requires_grad()) continue;  // as a copy that follows
      const auto there = then.tensors.find(prefix + "/" + item.key());
      if (there == then.tensors.end() || there->second.sizes() != item.value().sizes()) continue;
      auto& part = parts[prefix + "/" + item.key().substr(0, item.key().find('.', item.key().find('.') + 1))];
      part.numbers += item.value().numel();
      part.changed += (item.value().to(torch::kCPU, torch::kFloat32) != there->second.to(torch::kFloat32))
                          .sum()
                          .item<std::int64_t>();
    }
  };
  compare("model", *system.model);
  if (system.behaviour) compare("behaviour", *system.behaviour);
  for (auto& [name, part] : parts) part.name = name, run.parts.push_back(part);
}

Curve curve_of(const CurveView& view) {
  Curve made;
  made.x = view.x, made.x_unit = view.x_unit, made.y_unit = view.unit;
  made.lines = {{view.title, view.y}};
  if (view.has_floor) {
    Line floor{view.floor_label, std::vector<double>(view.x.size(), view.floor)};
    floor.dashed = true;
    made.lines.push_back(std::move(floor));
  }
  return made;
}

void tell(const RunFacts& run, LabAnswer& answer) {
  using Weight = LabFinding::Weight;
  answer.findings.clear(), answer.numbers.clear(), answer.figures.clear();
  int looked = 0, faults = 0, warnings = 0;
  for (const auto& rule : diagnosis_rules()) {
    ++looked;
    auto found = rule.look(run);
    if (!found) continue;
    found->rule = rule.name;
    (found->weight == Weight::fault ? faults : warnings) += found->weight != Weight::note;
    answer.findings.push_back(std::move(*found));
  }
  std::ranges::stable_sort(answer.findings, [](const auto& a, const auto& b) { return a.weight > b.weight; });
  const auto& look = run.unseen;
  answer.episodes = static_cast<std::int64_t>(look.episodes);
  answer.steps = static_cast<std::int64_t>(look.pieces) * look.horizon;
  const auto checked = std::to_string(looked) + " checks of " +
                       std::to_string(std::ranges::count_if(run.curves, [](const auto& c) { return !c.y.empty(); })) +
                       " curves, " + std::to_string(run.settings.size()) + " settings and " +
                       std::to_string(look.pieces) + " pieces of " + std::to_string(look.episodes) + " unseen episodes";
  if (answer.findings.empty()) {
    answer.sentence = "Nothing looks wrong: " + checked + " found no fault.";
  } else {
    const auto several = [](int n, const char* one) { return std::to_string(n) + " " + one + (n == 1 ? "" : "s"); };
    answer.sentence = answer.findings.front().sentence + " In all " + several(faults, "fault") + " and " +
                      several(warnings, "warning") + " by " + checked + ".";
  }

  const auto add = [&](const char* name, const char* title, const char* unit, const Interval& value, std::string note,
                       std::vector<LabNumber::Beside> beside = {}) {
    auto made =
        number(name, title, unit, value,
               std::isfinite(value.value) ? std::move(note) : "it has no such part, or nothing varied: " + note);
    made.beside = std::move(beside);
    answer.numbers.push_back(std::move(made));
  };
  const auto alone = [](double value) { return Interval{value, untold, untold}; };
  const auto over = " over " + std::to_string(look.horizon) + " imagined steps after " + std::to_string(look.context) +
                    " that were watched";
  add("skill", "Skill against standing still", "", look.skill, "of " + look.what + "s" + over, {{"copy", 0}});
  add("usable_horizon", "Usable horizon", "steps", alone(look.usable_horizon),
      "of at most " + std::to_string(look.horizon), {{"standing still", look.still_horizon}});
  add("action_reliance", "Reliance on actions", "", look.reliance, "1 − error / error under another episode's actions",
      {{"the world changes by", run.answers}});
  add("rebuilt", "Explained by what was seen", "", look.rebuilt,
      "1 − error of the decoded posterior / error of the mean picture");
  add("kl", "KL(q ‖ p)", "nats", look.kl, "what a frame tells that was not predicted",
      {{"of the mean posterior", look.told}});
  add("unforeseen", "Of it the dynamics did not foresee", "", look.foreseen,
      "KL(q ‖ p) / KL(q ‖ q̄): above 1 a constant prior would be better");
  add("silent", "Silent latents", "share", alone(look.silent),
      "numbers or groups that tell less than 0.01 nats of a frame");
  add("drift", "Drift of latents over 4 steps", "×", alone(look.drift), "error at step 4 / error at step 1");
  add("reward", "Explained of the rewards", "", look.reward,
      "1 − squared error / variance, of the prediction for frames that were seen");
  add("overpaid", "What a dreamt step pays more", "reward", look.overpaid,
      "than the same " + std::to_string(look.paid_steps) + " steps in reality, by the same behaviour",
      {{"reality", look.real_pay}, {"its deviation", look.pay_deviation}});
  // The curves that findings speak of, then the main one.
  std::vector<std::string> shown;
  for (const auto& finding : answer.findings)
    for (const auto& curve : run.curves)
      if (!curve.y.empty() && finding.evidence.find(curve.name) != std::string::npos &&
          !std::ranges::count(shown, curve.name))
        shown.push_back(curve.name);
  for (const char* usual : {"learn/return", "gauges/skill", "world/image", "world/vector", "m/nll", "v/reconstruction"})
    if (const auto* curve = run.curve(usual, 2); curve && shown.size() < 3 && !std::ranges::count(shown, curve->name))
      shown.push_back(curve->name);
  for (const auto& name : shown)
    if (const auto* curve = run.curve(name))
      answer.figures.push_back(figure("curve/" + curve->name, curve->title, curve->name, curve_of(*curve)));
}

void ask_diagnose(Inquiry& inquiry, LabAnswer& answer) {
  auto& system = inquiry.system();
  RunFacts run;
  run.curves = system.metrics.views(nullptr);
  run.settings = system.config.fields();
  const auto& action = system.make_env()->spaces().action;
  run.choices = action.choices.size(), run.axes = action.axes.size();
  compare_weights(system, run);
  const auto own = trained_on(system, run);
  inquiry.at(0.02, "reads the curves");

  const auto& few = inquiry.episodes(first_look, 0.02, 0.3);
  const double began = inquiry.elapsed();
  run.unseen = look_at(inquiry, few, true, 0.3, 0.45);
  run.answers = world_answers(inquiry, few, run.unseen.context + run.unseen.horizon);
  tell(run, answer);
  inquiry.show(answer);
  if (!own.empty() && inquiry.time_for(inquiry.elapsed() - began)) {
    try {
      run.own = look_at(inquiry, own, false, 0.45, 0.55);
    } catch (const Error&) {
      // Too short to imagine anything: nothing to compare with.
    }
    tell(run, answer);
    inquiry.show(answer);
  }
  if (inquiry.time_for(4 * (inquiry.elapsed())))
    run.unseen = look_at(inquiry, inquiry.episodes(second_look, 0.55, 0.85), true, 0.85, 1);
  tell(run, answer);
}

}  // namespace
}  // namespace diagnosing

Question question_diagnose() {
  return {
      "diagnose", "What is wrong with it?",
      "Reads curves, settings, data and weights of a run, and measures it quickly, as an experienced colleague would.",
      lacks_true_actions, diagnosing::ask_diagnose};
}

}  // namespace dream
