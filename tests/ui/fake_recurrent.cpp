#include "tests/ui/fake_recurrent.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace dream::ui {
namespace {

constexpr int groups = 32, classes = 32, horizon = 15, side = 64;

/// A repeatable number in [-1, 1] for each index and time.
float wave(int i, double t) {
  return static_cast<float>(std::sin(1.7 * i + t) * 0.6 + std::sin(0.31 * i * i + 0.37 * t) * 0.4);
}

/// A wall, a ball and a paddle; `blur` softens them, as a decoder would.
void paint_wall(Image& image, int left, int top, double t, double blur) {
  const double ball_x = 32 + 22 * std::sin(t * 0.7), ball_y = 38 + 14 * std::sin(t * 1.3);
  const double paddle = 32 + 20 * std::sin(t * 0.6 + 0.3);
  const auto box = [&](int x, int y, double cx, double cy, double w, double h) {
    return 1 / (1 + std::exp((std::max(std::abs(x - cx) - w, std::abs(y - cy) - h)) / (0.2 + blur)));
  };
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const bool brick = y >= 7 && y < 26 && y % 6 != 0 && x % 6 != 5 && wave(x / 6 + 11 * (y / 6), 0) > -0.5f;
      const double ball = box(x, y, ball_x, ball_y, 2.5, 2.5), bat = box(x, y, paddle, 59, 6, 2);
      const double rgb[] = {brick ? 64.0 : 0, brick ? 150.0 : 0, brick ? 220.0 : 0};
      const double lit[] = {230 * ball + 90 * bat, 90 * ball + 220 * bat, 120 * ball + 130 * bat};
      const std::size_t at = (static_cast<std::size_t>(top + y) * static_cast<std::size_t>(image.width) + left + x) * 3;
      for (std::size_t c = 0; c < 3; ++c)
        image.pixels[at + c] = static_cast<std::uint8_t>(std::clamp(rgb[c] + lit[c], 0.0, 255.0));
    }
  }
}

Image blank(int width, int height) {
  return {width, height, 3, std::vector<std::uint8_t>(static_cast<std::size_t>(width) * height * 3)};
}

std::shared_ptr<const Image> wall(double t, double blur) {
  auto image = std::make_shared<Image>(blank(side, side));
  paint_wall(*image, 0, 0, t, blur);
  return image;
}

std::shared_ptr<const Image> difference(const Image& a, const Image& b) {
  auto image = std::make_shared<Image>(a);
  for (std::size_t i = 0; i < image->pixels.size(); ++i)
    image->pixels[i] = static_cast<std::uint8_t>(std::abs(a.pixels[i] - b.pixels[i]));
  return image;
}

/// Truth, dream, difference of three sequences; the dream loses the ball as it goes on.
std::shared_ptr<const Image> open_loop_sheet(double t) {
  constexpr int columns = 16, lanes = 3;
  auto sheet = std::make_shared<Image>(blank(columns * side, lanes * 3 * side));
  for (int lane = 0; lane < lanes; ++lane) {
    for (int i = 0; i < columns; ++i) {
      const double at = t + lane * 9 + i * 0.35, blur = i < 2 ? 0.2 : 0.2 + 0.12 * i;
      paint_wall(*sheet, i * side, lane * 3 * side, at, 0);
      paint_wall(*sheet, i * side, (lane * 3 + 1) * side, at + (i < 2 ? 0 : 0.02 * i), blur);
      for (int y = 0; y < side; ++y) {
        for (int x = 0; x < side * 3; ++x) {
          const auto index = [&](int row) {
            return (static_cast<std::size_t>((lane * 3 + row) * side + y) * static_cast<std::size_t>(sheet->width) +
                    static_cast<std::size_t>(i * side)) *
                       3 +
                   static_cast<std::size_t>(x);
          };
          sheet->pixels[index(2)] =
              static_cast<std::uint8_t>(std::abs(sheet->pixels[index(0)] - sheet->pixels[index(1)]));
        }
      }
    }
  }
  return sheet;
}

CurveView curve(const char* name, const char* title, const char* unit, double from, double to,
                const char* x = "update") {
  CurveView view;
  view.name = name, view.title = title, view.unit = unit, view.x_unit = x;
  for (int i = 0; i < 300; ++i) {
    view.x.push_back(i * 25);
    view.y.push_back(to + (from - to) * std::exp(-0.015 * i) +
                     std::abs(from - to) * 0.025 * static_cast<double>(wave(i, from)));
  }
  return view;
}

template <class T>
std::shared_ptr<const Value> share(T value) {
  return std::make_shared<const Value>(std::move(value));
}

Vector bars(int count, double low, double high, double t) {
  Vector v;
  for (int i = 0; i < count; ++i)
    v.values.push_back(static_cast<float>(low + (high - low) * std::abs(static_cast<double>(wave(i, t)))));
  return v;
}

Categorical latent(double t, const std::vector<HeldLatent>& held) {
  Categorical c;
  c.groups = groups, c.classes = classes;
  for (int g = 0; g < groups; ++g) {
    const int peak = (g * 7 + static_cast<int>(t * (1 + g % 3))) % classes;
    for (const bool prior : {false, true}) {
      float sum = 0;
      std::vector<float> row;
      for (int k = 0; k < classes; ++k) {
        const float sharp = prior ? 3.2f : 5.5f;
        row.push_back(
            std::exp((k == peak ? sharp : 0) + (prior ? 1.4f : 1.0f) * wave(g * classes + k, prior ? 2 * t : t)));
        sum += row.back();
      }
      for (const float p : row) (prior ? c.prior : c.posterior).push_back(p / sum);
    }
    const auto found = std::ranges::find_if(held, [g](const HeldLatent& h) { return h.index / classes == g; });
    c.drawn.push_back(found != held.end() ? found->index % classes : peak);
  }
  return c;
}

Curve lines(const char* x_unit, const char* y_unit, int count,
            std::initializer_list<std::pair<const char*, double>> named, double t) {
  Curve c;
  c.x_unit = x_unit, c.y_unit = y_unit;
  for (int i = 0; i < count; ++i) c.x.push_back(i);
  for (const auto& [name, shift] : named) {
    Line line{name, {}, x_unit == std::string("step of the sequence") && !c.lines.empty()};
    for (int i = 0; i < count; ++i)
      line.y.push_back(2 + std::sin(0.4 * i + t) + shift * (0.4 + 0.3 * static_cast<double>(wave(i, t))));
    c.lines.push_back(std::move(line));
  }
  return c;
}

Trajectories plan(double t) {
  Trajectories value;
  value.count = 120, value.steps = 12, value.axes = 2;
  value.labels = {"steer", "gas"};
  for (int i = 0; i < value.count; ++i) {
    const bool elite = i % 12 == 0;
    value.elite.push_back(elite);
    value.scores.push_back(elite ? 4 + wave(i, t) : 2 * wave(i, t));
    for (int s = 0; s < value.steps; ++s)
      for (int a = 0; a < value.axes; ++a)
        value.actions.push_back(std::clamp(0.6f * std::sin(0.5f * static_cast<float>(s) + static_cast<float>(a + t)) +
                                               (elite ? 0.15f : 0.7f) * wave(i * 31 + s * 7 + a, t),
                                           -1.0f, 1.0f));
  }
  for (int s = 0; s < value.steps; ++s)
    for (int a = 0; a < value.axes; ++a)
      value.chosen.push_back(0.6f * std::sin(0.5f * static_cast<float>(s) + static_cast<float>(a + t)));
  return value;
}

std::vector<Field> fields() {
  std::vector<Field> all;
  const auto number = [&](const std::string& key, const char* help, double value, double low, double high, bool live,
                          bool log = false, const char* unit = "") {
    Field f;
    f.key = key, f.title = spoken(key), f.help = help, f.unit = unit, f.value = f.initial = value;
    f.low = low, f.high = high, f.live = live, f.fixed = !live, f.logarithmic = log;
    all.push_back(std::move(f));
  };
  const auto choice = [&](const std::string& key, const char* help, const char* value,
                          std::vector<std::string> choices) {
    Field f;
    f.key = key, f.title = spoken(key), f.help = help, f.value = f.initial = std::string(value), f.choices = std::move(choices);
    all.push_back(std::move(f));
  };
  choice("size", "Published size.", "12m", {"1m", "12m", "25m"});
  choice("constants", "2024 or 2023.", "2024", {"2024", "2023"});
  number("seed", "Seed of everything that this run draws.", 0, 0, 2147483647, false);
  for (const char* key :
       {"deter", "hidden", "groups", "classes", "blocks", "depth", "kernel", "layers", "units", "bins"})
    number(std::string("world.") + key, "A size of the network.", 32, 1, 4096, false);
  for (const char* key : {"cell", "act", "norm", "reward_loss", "image_loss"})
    choice(std::string("world.") + key, "How this part is made.", "v3", {"v3", "v2"});
  number("world.unimix", "Share of the uniform mixed into every categorical.", 0.01, 0, 0.5, false);
  number("world.free_nats", "Free bits: a KL below this is not pushed further down.", 1, 0, 100, true, false, "nats");
  number("world.dynamics_scale", "β_dyn of KL(sg(posterior) ‖ prior).", 0.5, 0, 10, true);
  number("world.representation_scale", "β_rep of KL(posterior ‖ sg(prior)).", 0.1, 0, 10, true);
  for (const char* part : {"world_optimiser.", "actor_optimiser.", "critic_optimiser."}) {
    choice(std::string(part) + "kind", "Optimiser.", "laprop", {"adam", "laprop"});
    number(std::string(part) + "learning_rate", "Step size.", 4e-5, 1e-8, 1, true, true);
    number(std::string(part) + "eps", "ε of the optimiser.", 1e-20, 0, 1, false);
    number(std::string(part) + "weight_decay", "Decoupled weight decay.", 0, 0, 1, true);
    number(std::string(part) + "clip_norm", "Gradients are cut to this norm; 0 = never.", 0, 0, 1e6, true);
    number(std::string(part) + "adaptive_clip", "AGC; 0 = never.", 0.3, 0, 100, true);
    number(std::string(part) + "warm_up", "Updates over which the step size rises.", 1000, 0, 1e6, false);
  }
  number("behaviour.horizon", "Imagined steps, H.", 15, 2, 200, true, false, "steps");
  number("behaviour.discount", "γ: what a reward one step later is worth.", 0.997, 0, 1, true);
  number("behaviour.lambda", "λ of the λ-return.", 0.95, 0, 1, true);
  number("behaviour.entropy", "η: weight of the policy's entropy.", 3e-4, 0, 1, true);
  for (const char* key : {"layers", "units", "bins", "unimix", "actor_out_scale", "eps"})
    number(std::string("behaviour.") + key, "A constant of the behaviour.", 1, 0, 4096, false);
  number("train.steps", "Steps of the environment in all.", 4e5, 1, 1e9, true, false, "steps");
  number("train.train_ratio", "Replayed steps per step of the environment.", 64, 0, 1e5, true, true);
  for (const char* key : {"batch", "length", "lanes", "prefill"})
    number(std::string("train.") + key, "A constant of the schedule.", 16, 1, 4096, false, false, "steps");
  return all;
}

}  // namespace

std::string spoken(const std::string& key) {
  auto words = key.substr(key.find('.') + 1);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

void begin_recurrent(DreamView& dream, TrainView& train) {
  dream.world = "MinAtar/Breakout · Dreamer V3";
  dream.run_title = "runs/breakout, step 120000";
  dream.knobs = {
      {{"tau", "τ", "τ of the latent", "Divides the logits of the prior.", 0.05, 2, 1, false, false, temperature},
       1}};
  dream.natural_rate = dream.steps_per_second = dream.measured_rate = 10;
  ActionSpace& action = dream.spaces.action;
  action = {};
  action.choices = {"nothing", "left", "up", "right", "down", "fire"};
  action.axes = {"choice"}, action.low = {0}, action.high = {5}, action.idle = {0};
  action.keys = {{"left", 0, 1, "left"},
                 {"up", 0, 2, "up"},
                 {"right", 0, 3, "right"},
                 {"down", 0, 4, "down"},
                 {"space", 0, 5, "fire"}};
  dream.action = {0};
  dream.probe_names = {"latent/z",      "latent/kl",      "latent/entropy",   "hidden/h",     "policy/action",
                       "horizon/value", "horizon/reward", "horizon/continue", "plan/actions", "plan/returns"};

  train.recipe = "dreamer-v3", train.environment = "MinAtar/Breakout", train.run = "runs/breakout";
  using State = PhaseView::State;
  train.phases = {
      {"learn", "Learn: collect, world model, behaviour", State::running, 0.3, 5400, 412, "frames/s", "update 7,500"},
      {"evaluate", "Evaluate: 100 unseen episodes", State::waiting, 0, -1, 0, "", ""}};
  CurveView dynamics = curve("world/dynamics", "Dynamics: max(KL(sg(q) ‖ p), free)", "nats", 9, 1.05);
  CurveView representation = curve("world/representation", "Representation: max(KL(q ‖ sg(p)), free)", "nats", 9, 1.02);
  for (CurveView* kl : {&dynamics, &representation}) kl->has_floor = true, kl->floor = 1, kl->floor_label = "free nats";
  train.curves = {
      curve("learn/return", "Return of collected episodes", "reward", 0.5, 8, "step"),
      curve("learn/episode_length", "Length of collected episodes", "steps", 30, 210, "step"),
      curve("world/image", "Image: Σ(x − x̂)² per frame", "", 900, 12),
      curve("world/reward", "Reward: −log p(r)", "nats", 5.5, 0.1),
      curve("world/continue", "Continue: −log p(c)", "nats", 0.7, 0.02),
      dynamics,
      representation,
      curve("world/kl", "KL(q ‖ p)", "nats", 9, 2.1),
      curve("world/gradient", "Gradient norm of the world model", "", 900, 40),
      curve("behaviour/actor", "Actor loss", "", 0, -0.02),
      curve("behaviour/critic", "Critic: −log p(R)", "nats", 5.5, 1.7),
      curve("behaviour/replay_critic", "Critic on replayed rewards", "nats", 5.5, 1.9),
      curve("behaviour/entropy", "Entropy of the policy", "nats", 1.79, 0.8),
      curve("behaviour/return", "Imagined λ-return", "reward", 0, 4.2),
      curve("behaviour/value", "Imagined value", "reward", 0, 4.1),
      curve("behaviour/actor_gradient", "Gradient norm of the actor", "", 0.4, 0.1),
      curve("behaviour/critic_gradient", "Gradient norm of the critic", "", 6, 1.2),
      CurveView{"evaluate/reward", "Return of unseen episodes", "reward", "episode", {}, {}, {}, {}, 0, false, ""}};
  train.fields = fields();
  train.probe_names = {"batch/kl", "batch/use", "predicted/reward", "predicted/continue", "predicted/value"};
  train.warnings = {
      "3 of 32 groups of z have collapsed: their KL is below 0.01 nats, so the frame tells them nothing that "
      "the prior has not predicted",
      "4 of 1024 classes are dead: no frame of the batch chose them"};
  train.replay_frames = 48000;
}

void fill_recurrent_frames(DreamView& dream, TrainView& train) {
  const double t = static_cast<double>(dream.step) * 0.05;
  const auto dreamt = wall(t + 0.15, 0.7), real = wall(t, 0), seen = wall(t, 0.5);
  dream.frames = {{"dream", std::to_string(dream.step) + " steps since the last real frame", -1, dreamt}};
  if (dream.twin) {
    dream.frames.push_back({"real", "same actions", -1, real});
    dream.frames.push_back({"reconstruction", "the posterior's picture", 0.0021, seen});
    dream.frames.push_back({"difference", "dream − real", 0.0143, difference(*dreamt, *real)});
  }
  const std::string sheet = "open loop";
  // The batch changes with an update, not with every step of the dream.
  if (train.frames.size() == 3 && train.frames[2].name == sheet) return;
  train.frames = {
      {"real", "from the batch", -1, real},
      {"reconstruction", "the model's picture of the same frame", 0.0024, seen},
      {sheet, "5 frames seen, then imagined to step 64 under the true actions", 0.0091, open_loop_sheet(t)}};
  Frame& strips = train.frames.back();
  for (int lane = 0; lane < 3; ++lane)
    for (const char* row : {"truth", "dream", "difference"}) strips.rows.push_back(row);
  strips.columns = 16, strips.seen = 2, strips.stride = 4;
}

std::shared_ptr<const Image> recurrent_frame(double t) {
  return wall(t, 0);
}

void fill_recurrent_probes(DreamView& dream, TrainView& train, const std::set<std::string>& watched) {
  const double t = static_cast<double>(dream.step) * 0.1;
  dream.probes.clear(), train.probes.clear();
  const auto put = [&](std::vector<Probe>& into, const char* name, const char* title, const char* caption, auto make,
                       bool editable = false) {
    if (watched.count(name) > 0) into.push_back({name, title, caption, editable, share(make())});
  };
  auto& mind = dream.probes;
  put(
      mind, "latent/z", "Latent z", "z_t: one class of every group. A click forces a class",
      [&] { return latent(t, dream.held); }, true);
  put(mind, "latent/kl", "KL per group", "KL(q ‖ p) of every group, nats", [&] { return bars(groups, 0.02, 2.2, t); });
  put(mind, "latent/entropy", "Entropy of the prior", "H[p(z_t | h_t)] of every group, nats",
      [&] { return bars(groups, 0.3, 3.3, t + 2); });
  put(mind, "hidden/h", "Hidden h", "h_t, the recurrent state", [&] {
    Heatmap h{16, 32, -1, 1, true, {}};
    for (int i = 0; i < 512; ++i) h.cells.push_back(wave(i, t));
    return h;
  });
  put(mind, "policy/action", "Policy", "π(a | z, h): the probability of every action", [&] {
    Vector v;
    v.labels = dream.spaces.action.choices;
    float sum = 0;
    for (int i = 0; i < 6; ++i) v.values.push_back(std::exp(2 * wave(i, 0.3 * t))), sum += v.values.back();
    for (float& p : v.values) p /= sum;
    return v;
  });
  put(mind, "horizon/value", "Value ahead", "v(s) along one dream from here",
      [&] { return lines("step ahead", "reward", horizon + 1, {{"value", 0}, {"λ-return", 1}}, t); });
  put(mind, "horizon/reward", "Reward ahead", "r along one dream from here",
      [&] { return lines("step ahead", "reward", horizon + 1, {{"reward", 0}}, t + 1); });
  put(mind, "horizon/continue", "Continue ahead", "P(the episode goes on)", [&] {
    Curve c = lines("step ahead", "probability", horizon + 1, {{"continue", 0}}, t);
    for (std::size_t i = 0; i < c.x.size(); ++i) c.lines[0].y[i] = 1 - 0.0008 * static_cast<double>(i * i);
    return c;
  });
  put(mind, "plan/actions", "Planned actions", "Candidates, elites and the plan, each axis in [-1, 1]",
      [&] { return plan(t); });
  put(mind, "plan/returns", "Returns of the candidates", "Σ of predicted rewards, best first", [&] {
    Curve c;
    c.lines = {{"candidates", {}}, {"elites", {}}}, c.x_unit = "rank", c.y_unit = "predicted return";
    for (int i = 0; i < 120; ++i) {
      c.x.push_back(i), c.lines[0].y.push_back(5 - 0.06 * i);
      if (i < 10) c.lines[1].y.push_back(5 - 0.06 * i);
    }
    return c;
  });
  auto& batch = train.probes;
  put(batch, "batch/kl", "KL per group, over the batch", "Mean KL(q ‖ p) of every group, nats",
      [&] { return bars(groups, 0, 1.6, 3); });
  put(batch, "batch/use", "Use of the classes", "Mean posterior probability, groups × classes", [&] {
    Heatmap use{groups, classes, 0, 0.2f, false, {}};
    for (int i = 0; i < groups * classes; ++i) use.cells.push_back(0.1f + 0.1f * wave(i, 1));
    return use;
  });
  put(batch, "predicted/reward", "Reward, predicted and true", "5 frames seen and the rest imagined",
      [&] { return lines("step of the sequence", "reward", 64, {{"imagined", 0}, {"came true", 0.8}}, 1); });
  put(batch, "predicted/continue", "Continue, predicted and true", "P(the episode goes on)",
      [&] { return lines("step of the sequence", "probability", 64, {{"imagined", 0}, {"came true", 0.4}}, 2); });
  put(batch, "predicted/value", "Value, predicted and true", "v(s_t) against the discounted return that followed",
      [&] { return lines("step of the sequence", "reward", 64, {{"value", 0}, {"return that followed", 1}}, 3); });
}

}  // namespace dream::ui
