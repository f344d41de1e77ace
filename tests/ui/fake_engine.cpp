#include "tests/ui/fake_engine.h"

#include <algorithm>
#include <cmath>

#include "api/platform_time.h"
#include "tests/ui/fake_recurrent.h"

namespace dream::ui {
namespace {

/// A repeatable number in [-1, 1] for each index and time.
float wave(int i, double t) {
  return static_cast<float>(std::sin(1.7 * i + t) * 0.6 + std::sin(0.31 * i * i + 0.37 * t) * 0.4);
}

std::shared_ptr<const Image> road(double at, double steer, int blur) {
  auto image = std::make_shared<Image>();
  image->width = image->height = 64;
  image->pixels.resize(64 * 64 * 3);
  for (int y = 0; y < 64; ++y) {
    const double far = (64 - y) / 64.0;
    const double middle = 32 + 9 * std::sin(at * 0.05 + far * 2.2) - 9 * std::sin(at * 0.05) + steer * far * 6;
    for (int x = 0; x < 64; ++x) {
      const double soft = blur ? 2.5 : 0.5;
      const double on = 1 / (1 + std::exp((std::abs(x - middle) - 7.5) / soft));
      const bool patch =
          (static_cast<int>(std::floor((x + 5) / 18.0)) + static_cast<int>(std::floor((y - at) / 20.0))) % 2 == 0;
      const double grass[] = {patch ? 102.0 : 96.0, patch ? 230.0 : 204.0, patch ? 102.0 : 96.0};
      double rgb[3];
      for (int c = 0; c < 3; ++c) rgb[c] = grass[c] * (1 - on) + 105 * on;
      const double car = std::max(std::abs(x - 32) / 1.6, std::abs(y - 50) / 4.2);
      const double red = 1 / (1 + std::exp((car - 1) * (blur ? 3 : 14)));
      rgb[0] = rgb[0] * (1 - red) + 200 * red, rgb[1] *= 1 - red, rgb[2] *= 1 - red;
      for (int c = 0; c < 3; ++c)
        image->pixels[static_cast<std::size_t>((y * 64 + x) * 3 + c)] =
            static_cast<std::uint8_t>(std::clamp(rgb[c], 0.0, 255.0));
    }
  }
  return image;
}

std::shared_ptr<const Image> difference(const Image& a, const Image& b) {
  auto image = std::make_shared<Image>(a);
  for (std::size_t i = 0; i < image->pixels.size(); ++i)
    image->pixels[i] = static_cast<std::uint8_t>(std::abs(a.pixels[i] - b.pixels[i]));
  return image;
}

CurveView curve(const char* name, const char* title, const char* unit, double from, double to, int count, int of) {
  CurveView view;
  view.name = name, view.title = title, view.unit = unit, view.x_unit = "step";
  for (int i = 0; i < of; ++i) {
    const double t = static_cast<double>(i) / of, base = to + (from - to) * std::exp(-6 * t);
    view.reference_x.push_back(i * 10);
    view.reference_y.push_back(base);
    if (i < count) {
      view.x.push_back(i * 10);
      view.y.push_back(base + (from - to) * 0.02 * wave(i, i * 0.9));
    }
  }
  return view;
}

template <class T>
std::shared_ptr<const Value> share(T value) {
  return std::make_shared<const Value>(std::move(value));
}

}  // namespace

FakeEngine::FakeEngine() {
  dream_.ready = dream_.playing = dream_.twin = true;
  dream_.steps_per_second = 50, dream_.measured_rate = 50;
  dream_.has_reward = dream_.has_done = true;
  dream_.world = "CarRacing · World Models (V-M-C)";
  dream_.knobs = {{{"tau_mixture", "τ mix", "τ of the mixture", "Divides the logits of the mixture weights.", 0.05, 2,
                    1, false, false, temperature},
                   1},
                  {{"tau_sigma", "σ", "τ of σ", "Scales the deviation.", 0.05, 2, 1, false, false, temperature}, 1}};
  dream_.run_title = "shipped run";
  dream_.run = "assets/car";
  dream_.action = {0, 0, 0};
  dream_.probe_names = {"latent/z", "mixture/z", "hidden/h"};
  ActionSpace& action = dream_.spaces.action;
  action.axes = {"steer", "gas", "brake"};
  action.low = {-1, 0, 0}, action.high = {1, 1, 1}, action.idle = {0, 0, 0};
  action.keys = {
      {"left", 0, -1, "steer left"}, {"right", 0, 1, "steer right"}, {"up", 1, 1, "gas"}, {"down", 2, 0.8f, "brake"}};
  dream_.spaces.image_width = dream_.spaces.image_height = 64;
  dream_.spaces.image_channels = 3;
  for (int i = 0; i < 32; ++i) z_.push_back(1.4f * wave(i, 0));

  for (int step = 0; step <= 318; ++step) {
    dream_.timeline.line.push_back({step + 1, step, wave(step, 0.3) * 2 + 1, 0.02f + 0.02f * wave(step, 0.1),
                                    0.0001f * static_cast<float>(step), step > 290});
    auto& lived = dream_.timeline.line.back();
    lived.surprise = 12 + 8 * wave(step, 0.7), lived.picture = road(step * 0.3, wave(step, 0.2), 1);
  }
  dream_.timeline.present = 240;
  dream_.timeline.branches = {{700, 120, 340}, {812, 200, 260}};
  dream_.timeline.bytes = 31e6, dream_.timeline.budget = 256e6;

  train_.open = train_.busy = true;
  train_.version = 1;
  train_.recipes = {{"vmc", "World Models: V, M and C."}};
  train_.environments = {{"CarRacing", "A car on a track seen from above."}, {"Other", "Another world."}};
  train_.run = "runs/car", train_.recipe = "vmc", train_.environment = "CarRacing";
  train_.saved_seconds_ago = 12;
  train_.published_at = now_seconds();
  train_.memory_bytes = 1.23e9, train_.budget_bytes = 4e9;
  using State = PhaseView::State;
  train_.phases = {{"collect", "Collect", State::done, 1, -1, 0, "", "200 episodes"},
                   {"v", "V: variational autoencoder", State::running, 0.62, 300, 742, "frames/s", "epoch 7 of 10"},
                   {"m", "M: mixture-density memory", State::waiting, 0, 240, 0, "", "after V · about 4 min"},
                   {"c", "C: controller by CMA-ES", State::waiting, 0, 7200, 0, "", "after M · about 2 h"}};
  CurveView kl = curve("v/kl", "KL(q(z|x) ‖ N(0, I))", "nats", 19, 16.4, 260, 400);
  kl.has_floor = true, kl.floor = 16, kl.floor_label = "tolerance 0.5·z = 16";
  train_.curves = {curve("v/reconstruction", "reconstruction Σ(x−x̂)² per frame", "", 320, 22, 260, 400), kl,
                   curve("m/nll", "M: −log p(z′|z, a, h)", "nats / dim", 1.4, 0.9, 60, 400),
                   curve("c/best", "C: best score of a generation", "reward", -40, 870, 0, 400)};
  const auto field = [](const char* key, const char* help, const char* unit, FieldValue value, double low, double high,
                        bool log, bool live) {
    Field f;
    f.key = key, f.title = spoken(key), f.help = help, f.unit = unit, f.value = f.initial = std::move(value);
    f.low = low, f.high = high, f.logarithmic = log, f.live = live, f.fixed = !live;
    return f;
  };
  train_.fields = {field("v.learning_rate", "Step size α of Adam.", "", 1e-4, 1e-6, 1e-2, true, true),
                   field("v.batch", "Frames per gradient step.", "frames", std::int64_t{100}, 1, 1024, false, true),
                   field("v.kl_tolerance", "Free nats per latent dimension (λ): below it the KL costs nothing.", "nats",
                         0.5, 0, 2, false, true),
                   field("v.epochs", "Passes over the data.", "", std::int64_t{10}, 1, 100, false, false),
                   field("m.reward_head", "Train M to predict reward and end too.", "", true, 0, 1, false, false),
                   field("checkpoint_seconds", "Time between checkpoints.", "s", 60.0, 1, 3600, false, true)};
  train_.fields.back().live = true, train_.fields.back().fixed = false;
  Field device = field("device", "Where the networks run.", "", std::string("cpu"), 0, 0, false, false);
  device.choices = {"cpu", "cuda"};
  train_.fields.push_back(device);
  const auto run = [](const char* path, const char* model, const char* detail, bool shipped, std::int64_t changed,
                      double bytes) {
    RunView view{path, path, "vmc", "CarRacing", detail, true};
    view.shipped = shipped, view.name = view.path.substr(view.path.rfind('/') + 1), view.model = model;
    view.changed = changed, view.bytes = bytes;
    return view;
  };
  runs_ = {run("assets/car", "World Models (V-M-C)", "score 861 ± 40 over 100 tracks", true, 1795600000, 9.8e6),
           run("runs/car", "World Models (V-M-C)", "not evaluated yet", false, 1795690000, 1.23e9),
           run("runs/old", "World Models (V-M-C)", "model.safetensors is cut short: 1.2 MB of 9.8 MB", false,
               1795500000, 1.2e6)};
  runs_[0].score = {true, 861, 40, "over 100 tracks"};
  runs_[1].progress = 0.41, runs_[1].training = "v 62 %: epoch 7 of 10";
  runs_[2].usable = false;
  log_ = {{0.4, 0, "Shipped run opened: assets/car"},
          {1.2, 0, "Collect: 200 episodes are there already"},
          {2.0, 0, "V: 4,348,547 parameters, 742 frames/s"},
          {31.5, 1, "Replay at 80 % of its budget"}};
  publish();
}

std::shared_ptr<const Snapshot> FakeEngine::latest() const {
  const std::lock_guard lock(mutex_);
  return latest_;
}

void FakeEngine::send(Command command) {
  if (const auto* control = std::get_if<DreamControl>(&command)) {
    if (control->what == DreamControl::Do::play) dream_.playing = true;
    if (control->what == DreamControl::Do::pause) dream_.playing = false;
    if (control->what == DreamControl::Do::restart || control->what == DreamControl::Do::new_start)
      dream_.step = 0, edits_.clear();
    if (control->what == DreamControl::Do::step) dream_.playing = false, ++dream_.step, ++dream_.dreamt, road_ += 0.6;
    const bool first = dream_.timeline.present == 0;
    if (control->what == DreamControl::Do::back && !first) --dream_.timeline.present, dream_.playing = false;
  } else if (const auto* question = std::get_if<AskLab>(&command)) {
    lab_.ask(*question);
  } else if (const auto* no_more = std::get_if<CancelLab>(&command)) {
    lab_.cancel(*no_more);
  } else if (const auto* walk = std::get_if<WalkBetween>(&command)) {
    lab_.walk(*walk);
  } else if (const auto* begun = std::get_if<BeginAt>(&command)) {
    dream_.run = begun->moment.run, dream_.step = 0;
    dream_.source = "moment of the laboratory: episode " + std::to_string(begun->moment.seed) + ", step " + std::to_string(begun->moment.step);
  } else if (const auto* open = std::get_if<OpenRun>(&command)) {
    dream_.run = open->path, dream_.step = 0;
  } else if (const auto* wanted = std::get_if<GoTo>(&command)) {
    dream_.playing = false;
    made_of_painting_.reset();
    for (std::size_t i = 0; i < dream_.timeline.line.size(); ++i) {
      if (dream_.timeline.line[i].id == wanted->instant) dream_.timeline.present = i;
    }
  } else if (const auto* picture = std::get_if<SeePicture>(&command)) {
    see(*picture->picture);
  } else if (const auto* drive = std::get_if<Drive>(&command)) {
    dream_.hands_on = drive->engaged;
    dream_.action = drive->action;
    dream_.pressed_at = drive->pressed_at;
    dream_.input_ms = 0.3, dream_.model_ms = 2.1, dream_.decode_ms = 3.4;
  } else if (const auto* pilot = std::get_if<SetPilot>(&command)) {
    dream_.human_pilot = pilot->human;
  } else if (const auto* turned = std::get_if<SetKnob>(&command)) {
    for (auto& k : dream_.knobs) {
      if (k.knob.name == turned->name) k.value = turned->value;
    }
  } else if (const auto* speed = std::get_if<SetSpeed>(&command)) {
    dream_.steps_per_second = speed->steps_per_second;
  } else if (const auto* twin = std::get_if<SetTwin>(&command)) {
    dream_.twin = twin->on;
  } else if (const auto* coupled = std::get_if<SetCoupling>(&command)) {
    dream_.coupling = coupled->how, dream_.coupling_steps = coupled->steps;
  } else if (const auto* compared = std::get_if<CompareWith>(&command)) {
    dream_.compared_with = compared->instant;
  } else if (const auto* fan = std::get_if<OpenFan>(&command)) {
    dream_.fan = {fan->over, fan->knob, fan->knob, dream_.step, 0, 300, {}};
    const bool weights = fan->over == FanOver::weights;
    const auto& choices = dream_.spaces.action.choices;
    for (std::size_t i = 0; fan->over == FanOver::action && i < choices.size(); ++i)
      dream_.fan.futures.push_back({choices[i], 0, 0, nullptr});
    for (int i = 0; i < 9 && dream_.fan.futures.size() < 9 && (fan->over != FanOver::action || choices.empty()); ++i) {
      FutureView future{(weights ? "" : "chance ") + std::to_string(i + 1), 0.5 * i, 0, nullptr};
      if (weights && i < 8) future.weights = "runs/car/history/0." + std::to_string(i) + ".safetensors";
      dream_.fan.futures.push_back(std::move(future));
    }
  } else if (std::holds_alternative<CloseFan>(command) || std::holds_alternative<TakeFuture>(command)) {
    dream_.fan = {};
  } else if (const auto* seen = std::get_if<WatchPreviews>(&command)) {
    previews_ = {{}, 12, 0.09};
    for (const auto& path : seen->paths) {
      PreviewView preview;
      preview.path = path, preview.honesty = {.known = true, .stretches = 3, .usual = 46, .crossed = true};
      preview.dream = road(road_, 0.2, 1), preview.real = road(road_, 0, 0);
      previews_.all.push_back(std::move(preview));
    }
  } else if (const auto* seats = std::get_if<SeatArena>(&command)) {
    arena_ = {};
    for (const auto& run : seats->runs) {
      const auto n = static_cast<float>(arena_.rivals.size());
      RivalView rival;
      rival.run = run, rival.title = n > 0 ? "Dreamer V3" : "World Models (V-M-C)", rival.world = dream_.environment;
      rival.dream = road(road_, 0.2 + static_cast<double>(n) * 0.3, 1), rival.real = road(road_, 0, 0);
      rival.error = 0.002 + 0.004 * static_cast<double>(n), rival.step = dream_.step, rival.ms = 4 + 30 * static_cast<double>(n);
      rival.honesty = {true, 30 - 20 * static_cast<std::int64_t>(n), n > 0, 4, 33 - 12 * static_cast<std::int64_t>(n), n > 0};
      rival.parameters = 1'200'000 * static_cast<std::int64_t>(n + 1);
      for (int i = 0; i < 200; ++i) rival.errors.push_back((0.001f + 0.00002f * static_cast<float>(i)) * (n + 1));
      arena_.rivals.push_back(std::move(rival));
    }
  } else if (const auto* explained = std::get_if<ExplainLatent>(&command)) {
    dream_.explained = {explained->probe, explained->index, {}};
    for (const float value : recurrent_ ? std::vector<float>{1} : std::vector<float>{-2, -1, 0, 1, 2})
      if (explained->index >= 0) dream_.explained.pictures.push_back({value, road(road_, static_cast<double>(value), 1)});
  } else if (const auto* edit = std::get_if<EditLatent>(&command)) {
    if (edit->index >= 0 && edit->index < 32) edits_.push_back({edit->index, edit->value});
  } else if (const auto* hold = std::get_if<HoldLatent>(&command)) {
    std::erase_if(dream_.held, [&](const HeldLatent& h) { return h.index == hold->index; });
    if (hold->on) dream_.held.push_back({hold->probe, hold->index, hold->value});
  } else if (const auto* watch = std::get_if<WatchProbes>(&command)) {
    watched_ = watch->names;
  } else if (const auto* train = std::get_if<TrainControl>(&command)) {
    train_.busy = train->what == TrainControl::Do::start;
    for (PhaseView& phase : train_.phases) {
      if (phase.state == PhaseView::State::running && !train_.busy)
        phase.state = PhaseView::State::paused;
      else if (phase.state == PhaseView::State::paused && train_.busy)
        phase.state = PhaseView::State::running;
    }
  } else if (const auto* set = std::get_if<SetField>(&command)) {
    for (Field& field : train_.fields)
      if (field.key == set->key && (set->run.empty() || set->run == train_.run)) field.value = set->value;
  } else if (const auto* laid_over = std::get_if<CompareCurves>(&command)) {
    train_.compared = laid_over->runs;
    for (CurveView& curve : train_.curves) {
      curve.others.clear();
      for (std::size_t i = 0; i < laid_over->runs.size(); ++i) {
        curve.others.push_back({laid_over->runs[i], curve.reference_x, curve.reference_y});
        for (double& y : curve.others.back().y) y *= 1.1 + 0.1 * static_cast<double>(i);
      }
    }
  } else if (const auto* look = std::get_if<LookAtReplay>(&command)) {
    train_.replay_frame = {"replay", "where the dream would begin", -1, look_at_replay(look->recency)};
  } else if (const auto* asked = std::get_if<DescribeRun>(&command)) {
    new_run_ = {asked->recipe, asked->environment, asked->directory, asked->settings, asked->like, train_.fields, "",
                "runs/free",   "the shipped run car took 9,000 updates"};
    if (!asked->like.empty()) new_run_.environment = "Other", new_run_.settings = {"v.epochs=3"};
    for (const auto& setting : new_run_.settings) {
      const auto key = setting.substr(0, setting.find('='));
      if (std::none_of(train_.fields.begin(), train_.fields.end(), [&](const Field& f) { return f.key == key; }))
        new_run_.wrong = "there is no setting '" + key + "'";
    }
  } else if (const auto* gone = std::get_if<DeleteRun>(&command)) {
    files_.deleted.push_back({gone->path, "runs/.deleted/" + gone->path.substr(gone->path.rfind('/') + 1)});
    std::erase_if(runs_, [&](const RunView& run) { return run.path == gone->path; });
  } else if (std::holds_alternative<RestoreRun>(command)) {
    files_.deleted.pop_back();
  } else if (const auto* keep = std::get_if<KeepEpisodes>(&command)) {
    keeping_ = {keep->on, "data/CarRacing-by-hand", 3, 412};
  } else if (const auto* dataset = std::get_if<OpenDataset>(&command)) {
    data_.open(dataset->path);
  } else if (const auto* lived = std::get_if<LookAtEpisode>(&command)) {
    data_.look(lived->name);
  } else if (const auto* edit_data = std::get_if<EditData>(&command)) {
    data_.edit(*edit_data);
  } else if (std::holds_alternative<AnswerForeign>(command)) {
    foreign_ = {};
  } else if (std::holds_alternative<DismissFault>(command)) {
    fault_.clear(), train_.fault.clear();
  }
  commands.push_back(std::move(command));
}

/// What the dream makes of it is a little darker, and a step of its own.
void FakeEngine::see(const Image& picture) {
  if (refuses_pictures) {
    fault_ = "this model sees vectors, not pictures";
    return;
  }
  auto made = std::make_shared<Image>(picture);
  for (auto& value : made->pixels) value = static_cast<std::uint8_t>(value * 9 / 10);
  made_of_painting_ = std::move(made);
  auto& [line, present, branches, bytes, budget] = dream_.timeline;
  const std::int64_t step = line[present].step + 1;
  line.resize(++present);
  line.push_back({5000 + step, step});
  line.back().anchored = true;
  dream_.step = step;
}

std::shared_ptr<const Image> FakeEngine::look_at_replay(double recency) const {
  return recurrent_ ? recurrent_frame(400 * recency) : road(400 * recency, 0, 0);
}

void FakeEngine::become_recurrent() {
  recurrent_ = true;
  begin_recurrent(dream_, train_);
  tick();
}

void FakeEngine::fill_frames() {
  if (recurrent_) return fill_recurrent_frames(dream_, train_);
  const double steer = dream_.action.empty() ? 0 : static_cast<double>(dream_.action[0]);
  const auto dreamt = made_of_painting_ ? made_of_painting_ : road(road_, steer + 0.4, 1), real = road(road_, steer, 0), seen = road(road_, steer, 1);
  dream_.frames.clear();
  dream_.frames.push_back({"dream", std::to_string(dream_.step) + " steps since the last real frame", -1, dreamt});
  if (dream_.twin) {
    dream_.frames.push_back({"real", "same actions", -1, real});
    dream_.frames.push_back({"reconstruction", "V of the real frame", 0.0021, seen});
    dream_.frames.push_back({"difference", "dream − real", 0.0143, difference(*dreamt, *real)});
  }
  for (Frame& frame : dream_.frames) frame.past = dream_.recorded && frame.name != "dream";
  for (std::size_t i = 0; i < dream_.fan.futures.size(); ++i)
    dream_.fan.futures[i].picture = road(road_, 0.1 * (static_cast<double>(i) - 4), 1);
  auto& line = dream_.timeline.line;
  for (std::size_t i = line.empty() ? 0 : line.size() - 1, k = 0; k < 2 && !line.empty(); ++k, i = dream_.timeline.present)
    line[i].picture = dreamt;
  if (dream_.compared_with != 0) {
    dream_.frames.push_back({"branch", "the other branch at this step", -1, seen});
    dream_.frames.push_back({"branch difference", "|dream − the other branch|", 0.0062, difference(*dreamt, *seen)});
  }
  train_.frames = {{"real", "batch 1,204", -1, real}, {"reconstruction", "by V", 0.0024, seen}};
}

void FakeEngine::fill_probes() {
  if (recurrent_) return fill_recurrent_probes(dream_, train_, watched_);
  dream_.probes.clear();
  const double t = static_cast<double>(dream_.step) * 0.04;
  const auto wants = [&](const char* name) { return watched_.count(name) > 0; };
  for (int i = 0; i < 32; ++i) z_[static_cast<std::size_t>(i)] = 1.4f * wave(i, t);
  for (const auto& [index, value] : edits_) z_[static_cast<std::size_t>(index)] = value;
  if (wants("latent/z")) {
    Vector z;
    z.values = z_;
    for (int i = 0; i < 32; ++i) {
      z.mean.push_back(1.4f * wave(i, t) + 0.15f * wave(i + 40, 2 * t));
      z.deviation.push_back(0.15f + 0.1f * std::abs(wave(i + 7, t)));
    }
    dream_.probes.push_back(
        {"latent/z", "Latent zₜ · 32", "zₜ: the few numbers that the picture is drawn from.", true, share(z)});
  }
  if (wants("mixture/z")) {
    Mixture m;
    m.dims = 32, m.components = 5;
    for (int d = 0; d < 32; ++d) {
      float sum = 0;
      for (int k = 0; k < 5; ++k) {
        m.weights.push_back(std::exp(2 * wave(d * 5 + k, t * 0.5)));
        sum += m.weights.back();
        m.means.push_back((static_cast<float>(k) - 2) * 1.1f + 0.3f * wave(k + d, t));
        m.deviations.push_back(0.35f + 0.2f * std::abs(wave(k * 3 + d, t)));
      }
      float entropy = 0;
      for (std::size_t k = m.weights.size() - 5; k < m.weights.size(); ++k) {
        m.weights[k] /= sum;
        entropy -= m.weights[k] * std::log(m.weights[k]);
      }
      m.entropy.push_back(entropy);
      m.drawn.push_back((d + static_cast<int>(dream_.step) / 20) % 5);
      m.draw.push_back(m.means[static_cast<std::size_t>(d * 5 + m.drawn.back())] + 0.2f);
    }
    dream_.probes.push_back({"mixture/z", "Mixture of the next z",
                             "p(zₜ₊₁ | zₜ, aₜ, hₜ): the density that M draws from.", false, share(m)});
  }
  if (wants("hidden/h")) {
    Heatmap h;
    h.rows = 8, h.cols = 32, h.low = -1, h.high = 1, h.diverging = true;
    for (int i = 0; i < 256; ++i) h.cells.push_back(wave(i, t));
    dream_.probes.push_back(
        {"hidden/h", "Hidden hₜ", "hₜ: what M remembers, one cell per LSTM unit.", false, share(h)});
  }
}

/// A step more at the end of the line that the present lies on.
void FakeEngine::live() {
  auto& [line, present, branches, bytes, budget] = dream_.timeline;
  std::int64_t newest = line.back().id;
  for (const TimelineBranch& branch : branches) newest = std::max(newest, branch.end);
  if (present + 1 < line.size()) branches.push_back({newest, line[present].step, line.back().step});
  line.resize(present + 1);
  line.push_back({newest + 1, line.back().step + 1});
  present = line.size() - 1;
}

void FakeEngine::tick() {
  lab_.tick();
  if (dream_.ready) {
    if (dream_.playing) {
      ++dream_.step, ++dream_.dreamt;
      road_ += 0.6;
      dream_.dream_reward += 0.03, dream_.real_reward += 0.029;
      dream_.done_probability = 0.004f;
      edits_.clear();
      if (lives) live();
      made_of_painting_.reset();
    }
    ++dream_.version;
    fill_frames();
    fill_probes();
    std::erase_if(dream_.probes, [&](const Probe& probe) { return probe.name == without_probe; });
    dream_.probes.insert(dream_.probes.end(), more_probes.begin(), more_probes.end());
  }
  publish();
}

void FakeEngine::publish() {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->dream = std::make_shared<const DreamView>(dream_);
  snapshot->train = std::make_shared<const TrainView>(train_);
  snapshot->previews = std::make_shared<const PreviewsView>(previews_);
  snapshot->runs = std::make_shared<const std::vector<RunView>>(runs_);
  snapshot->new_run = std::make_shared<const NewRunView>(new_run_);
  snapshot->run_files = std::make_shared<const RunFilesView>(files_);
  snapshot->lab = std::make_shared<const LabView>(lab_.view);
  snapshot->keeping = std::make_shared<const KeepingView>(keeping_);
  snapshot->data = std::make_shared<const DataView>(data_.view);
  snapshot->foreign = std::make_shared<const ForeignView>(foreign_);
  snapshot->arena = std::make_shared<const ArenaView>(arena_);
  snapshot->log = std::make_shared<const std::vector<LogLine>>(log_);
  snapshot->fault = fault_;
  const std::lock_guard lock(mutex_);
  latest_ = std::move(snapshot);
}

}  // namespace dream::ui
