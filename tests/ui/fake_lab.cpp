#include "tests/ui/fake_lab.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace dream::ui {
namespace {

constexpr double unknown = LabNumber::unknown;
constexpr int lab_side = 64;

/// A repeatable number in [-1, 1] for each index and time.
double lab_wave(int i, double t) {
  return std::sin(1.7 * i + t) * 0.6 + std::sin(0.31 * i * i + 0.37 * t) * 0.4;
}

template <class T>
std::shared_ptr<const Value> lab_value_of(T value) {
  return std::make_shared<const Value>(std::move(value));
}

std::string lab_short(const std::string& run) {
  return run.substr(run.rfind('/') + 1);
}

LabMoment lab_moment(const std::string& run, int seed, int step) {
  static const auto actions = std::make_shared<const std::vector<float>>(3 * 400, 0.1f);
  return {run, static_cast<std::uint64_t>(seed), step, actions};
}

std::vector<LabMoment> lab_moments(const std::string& run, int count, int from = 60) {
  std::vector<LabMoment> all;
  for (int i = 0; i < count; ++i) all.push_back(lab_moment(run, 100'000 + i % 8, from + i));
  return all;
}

Line lab_line(std::string label, int count, double scale, double rise, double band, bool dashed) {
  Line line;
  line.label = std::move(label), line.dashed = dashed;
  for (int k = 0; k < count; ++k) {
    const double y = scale * (1 - std::exp(-(k + 1) * rise)) * (1 + 0.04 * lab_wave(k, rise * 40));
    line.y.push_back(y);
    if (band > 0) line.low.push_back(y * (1 - band)), line.high.push_back(y * (1 + band));
  }
  return line;
}

Curve lab_curve(std::vector<Line> lines, std::string x_unit, std::string y_unit, double from = 1, double step = 1) {
  Curve curve;
  for (std::size_t i = 0; i < lines.front().y.size(); ++i) curve.x.push_back(from + step * static_cast<double>(i));
  curve.lines = std::move(lines), curve.x_unit = std::move(x_unit), curve.y_unit = std::move(y_unit);
  return curve;
}

void paint_lab_road(Image& image, int left, int top, double at, double blur, double shift = 0) {
  for (int y = 0; y < lab_side; ++y) {
    const double far = (lab_side - y) / 64.0, middle = 32 + 9 * std::sin(at * 0.05 + far * 2.2) - 9 * std::sin(at * 0.05) + shift * far;
    for (int x = 0; x < lab_side; ++x) {
      const double on = 1 / (1 + std::exp((std::abs(x - middle) - 7.5) / (0.5 + blur)));
      const double red = 1 / (1 + std::exp((std::max(std::abs(x - 32) / 1.6, std::abs(y - 50) / 4.2) - 1) * (14 / (1 + 3 * blur))));
      const double rgb[] = {(102 - on * -3) * (1 - red) + 200 * red, (215 * (1 - on) + 105 * on) * (1 - red), (102 * (1 - on) + 105 * on) * (1 - red)};
      const auto base = static_cast<std::size_t>(((top + y) * image.width + left + x) * 3);
      for (std::size_t c = 0; c < 3; ++c) image.pixels[base + c] = static_cast<std::uint8_t>(std::clamp(rgb[c], 0.0, 255.0));
    }
  }
}

Image lab_blank(int columns, int rows) {
  return {columns * lab_side, rows * lab_side, 3, std::vector<std::uint8_t>(static_cast<std::size_t>(columns * rows * lab_side * lab_side * 3))};
}

/// Truth, dream and their difference, as they part.
Image lab_sheet(int columns) {
  Image sheet = lab_blank(columns, 3);
  for (int i = 0; i < columns; ++i) {
    paint_lab_road(sheet, i * lab_side, 0, i * 3, 0);
    paint_lab_road(sheet, i * lab_side, lab_side, i * 3 + 0.2 * i, 0.3 * i, 0.5 * i);
    for (int y = 0; y < lab_side; ++y)
      for (int x = 0; x < lab_side * 3; ++x) {
        const auto index = [&](int row) { return static_cast<std::size_t>(((row * lab_side + y) * sheet.width + i * lab_side) * 3 + x); };
        sheet.pixels[index(2)] = static_cast<std::uint8_t>(std::min(255, std::abs(sheet.pixels[index(0)] - sheet.pixels[index(1)]) * 5 / 2));
      }
  }
  return sheet;
}

LabFigure lab_pictures(const std::string& run, std::string name, std::string title, std::string caption, int columns, std::vector<std::string> names) {
  LabFigure figure{std::move(name), std::move(title), std::move(caption), lab_value_of(lab_sheet(columns)), lab_moments(run, columns)};
  figure.columns = columns, figure.rows = 3;
  figure.row_labels = {"truth", "dream", "difference"}, figure.column_labels = std::move(names);
  return figure;
}

std::vector<std::string> lab_steps(int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back("step " + std::to_string(i < 4 ? i + 1 : i < 8 ? 5 * (i - 3) : 25 * (i - 6)));
  return names;
}

using Verdict = LabNumber::Verdict;

LabNumber lab_number(const char* name, const char* title, const char* unit, double value, double half, const char* note, Verdict verdict = Verdict::none,
                     std::vector<LabNumber::Beside> beside = {}) {
  return {name, title, unit, value, half > 0 ? value - half : unknown, half > 0 ? value + half : unknown, note, verdict, std::move(beside)};
}

void answer_fake_horizon(LabAnswer& answer, const std::string& run, double better) {
  const int n = 200;
  answer.sentence = "The dream explains more than half of what happens for 46 (41 to 52) steps and is nearer to the truth than a picture that stands still for 118 (97 to 139) steps; over 200 steps its skill is 0.31 (0.27 to 0.35).";
  answer.numbers = {
      lab_number("skill", "Skill against a still picture", "", 0.31 + better, 0.04, "1 − error / error of the last frame standing still, over all 200 steps of pictures: 1 is perfect, 0 is no better than a copy. Above 0.12: modest, 0.7: strong", Verdict::good, {{"copy", 0}, {"perfect", 1}, {"mean frame", 0.12}}),
      lab_number("usable_horizon", "Usable horizon", "steps", 46 + 60 * better, 5.5, "imagined steps until less than half of the variance is explained", Verdict::none, {{"a still picture", 3}}),
      lab_number("honest_horizon", "Nearer than a still picture", "steps", 118, 21, "imagined steps until a picture that stands still is nearer to the truth"),
      lab_number("action_reliance", "Reliance on actions", "", 0.22, 0.03, "1 − error / error under another episode's actions: 0.03 and less is a model that does not listen, 0.16 and more one that does", Verdict::good),
      lab_number("latent_skill", "Skill in latents", "", 0.08, 0.05, "the same for what the behaviour sees of a state, against a latent that stands still"),
      lab_number("drift", "Drift of latents over 4 steps", "×", 6.95, 0, "error at step 4 / error at step 1: about 2 is fine, 7 is bad", Verdict::bad),
      lab_number("reconstruction_psnr", "Reconstruction", "dB", 27.4, 0.3, "PSNR of the decoded posterior: what no dream of this model can pass"),
      lab_number("dream_psnr", "The dream", "dB", 19.2, 0.5, "PSNR of the pooled error over all imagined steps", Verdict::none, {{"still picture", 17.6}, {"mean frame", 16.9}})};
  const auto plot = [&](const char* name, const char* title, const char* caption, Curve curve) {
    answer.figures.push_back({name, title, caption, lab_value_of(std::move(curve)), lab_moments(run, n)});
  };
  const double scale = 0.018 * (1 - better);
  plot("error", "Error of imagined pictures", "mean squared error per channel value, under the true actions, after 60 frames that were watched; band: 95 % over 24 episodes",
       lab_curve({lab_line("dream", n, scale, 0.02, 0.16, false), lab_line("still picture", n, 0.021, 0.08, 0, true), lab_line("mean frame", n, 0.0195, 8, 0, true),
                  lab_line("other actions", n, 0.0225, 0.035, 0, true), lab_line("reconstruction", n, 0.0019, 8, 0, true)},
                 "imagined steps", "MSE"));
  auto loudness = lab_curve({lab_line("dream", n, scale, 0.02, 0, false), lab_line("still picture", n, 0.021, 0.08, 0, true)}, "imagined steps", "dB");
  for (auto& line : loudness.lines)
    for (double& y : line.y) y = -10 * std::log10(y);
  plot("psnr", "PSNR of imagined pictures", "of the pooled error", loudness);
  auto ssim = lab_curve({lab_line("dream", 12, -0.5, 0.2, 0.05, false)}, "imagined steps", "SSIM", 1, 17);
  for (auto* values : {&ssim.lines[0].y, &ssim.lines[0].low, &ssim.lines[0].high})
    for (double& y : *values) y += 0.95;
  plot("ssim", "Structural similarity", "SSIM of the imagined picture with the real one", ssim);
  answer.figures.push_back(lab_pictures(run, "pictures", "Truth, dream, difference", "the first held-out episode; differences × 2.5", 12, lab_steps(12)));
  auto latent = lab_curve({lab_line("dream", n, 1.4, 0.03, 0.1, false), lab_line("still latent", n, 1.6, 0.09, 0, true), lab_line("constant velocity", n, 90, 0.01, 0, true)}, "imagined steps", "mean squared error");
  for (std::size_t k = 20; k < 60; ++k) latent.lines[0].y[k] = latent.lines[0].low[k] = unknown;
  latent.log_y = true;
  plot("latent", "Error of imagined latents", "of what the behaviour sees, against the posterior's; no episode was watched at steps 21 to 60", latent);
  plot("reward", "Error of imagined rewards", "squared, in the units of the model's target", lab_curve({lab_line("dream", n, 0.31, 0.01, 0.2, false), lab_line("always the mean", n, 0.28, 8, 0, true)}, "imagined steps", "squared error"));
}

void answer_fake_blame(LabAnswer& answer, const std::string& run) {
  answer.sentence = "The dynamics (M) are to blame for 72 % (64 to 80 %) of what the dream gets wrong, the encoder (V) for 14 % and the behaviour (C) for 14 %: with the real z the agent scores 861, with a dreamt one 214.";
  answer.numbers = {lab_number("encoder", "Encoder (V)", "%", 14, 4, "share of the error that goes away with the real z", Verdict::none),
                    lab_number("dynamics", "Dynamics (M)", "%", 72, 8, "share of the error that goes away with the posterior in the prior's place", Verdict::bad),
                    lab_number("behaviour", "Behaviour (C)", "%", 14, 5, "share of the score that a learned controller is short of the expert")};
  answer.figures.push_back({"shares", "Whose fault it is", "share of the error; the line is a 95 % interval over 24 episodes",
                            lab_value_of(Vector{{14, 72, 14}, {14, 72, 14}, {4, 8, 5}, {"encoder (V)", "dynamics (M)", "behaviour (C)"}})});
  Table table;
  table.columns = {{"replaced by the truth", "", "which part", 0}, {"score", "", "mean return in the real world", 0}, {"low", "", "95 % interval", 0}, {"high", "", "95 % interval", 0}, {"error", "MSE", "of pictures over 50 steps", 4}};
  const char* parts[] = {"nothing", "z of V", "h of M", "posterior for prior", "τ → 0", "random controller"};
  const double scores[] = {214, 861, 702, 833, 377, -38};
  for (int i = 0; i < 6; ++i)
    table.rows.push_back({{0, parts[i]}, {scores[i], ""}, {scores[i] - 30, ""}, {scores[i] + 30, ""}, {i == 5 ? unknown : 0.016 - 0.0021 * i, ""}});
  answer.figures.push_back({"replaced", "One part replaced by the truth", "score and error measured again, over 24 episodes", lab_value_of(table), lab_moments(run, 6)});
}

void answer_fake_gap(LabAnswer& answer, const std::string& run) {
  answer.sentence = "Whether the agent cheats cannot be told at τ = 1: this model has no reward of its own. At τ = 0.1 it survives 1,893 steps in its dream and 412 in the real world.";
  answer.numbers = {lab_number("gap", "Dream − real return", "reward", unknown, 0, "this model predicts no reward: there is nothing to hold against the real one"),
                    lab_number("length_gap", "Dream − real length", "steps", 1481, 210, "steps until the end, dream − real; within the real spread is healthy", Verdict::bad, {{"random agent", 210}}),
                    lab_number("real_return", "Real return", "reward", 861, 40, "over 100 unseen episodes", Verdict::good)};
  Curve curve = lab_curve({lab_line("in the dream", 8, 1900, 0.9, 0.08, false), lab_line("in the real world", 8, 700, 0.5, 0.12, false)}, "τ", "steps", 0.1, 0.2);
  curve.lines[1].real = true;
  std::ranges::reverse(curve.lines[0].y), std::ranges::reverse(curve.lines[0].low), std::ranges::reverse(curve.lines[0].high);
  answer.figures.push_back({"tau", "Return over τ", "the same behaviour inside the dream and in the real world; band: 95 % over 100 episodes", lab_value_of(curve), lab_moments(run, 8)});
}

void answer_fake_collapse(LabAnswer& answer) {
  answer.sentence = "Nothing has collapsed: 29 of 32 latents carry information, and the posterior differs from the prior by 16.4 nats.";
  answer.numbers = {lab_number("active", "Active units", "of 32", 29, 0, "Var over x of μ above 0.01", Verdict::good), lab_number("kl", "KL", "nats", 16.4, 0.6, "mean over unseen frames", Verdict::good),
                    lab_number("rank", "Effective rank", "", 21.3, 1.1, "participation ratio of the covariance")};
  Vector kl;
  for (int i = 0; i < 32; ++i) kl.values.push_back(static_cast<float>(i > 28 ? 0.01 : 1.4 * std::exp(-0.09 * i)));
  answer.figures.push_back({"kl", "KL of each latent", "nats, sorted; below 0.01 a latent tells nothing", lab_value_of(kl)});
  Heatmap map{32, 32, -1, 1, true, {}};
  for (int i = 0; i < 32 * 32; ++i) map.cells.push_back(static_cast<float>(i / 32 == i % 32 ? 1 : 0.35 * lab_wave(i / 32 + i % 32, std::abs(i / 32 - i % 32))));
  answer.figures.push_back({"correlation", "Correlation of latents", "of the posterior's means over unseen frames", lab_value_of(map)});
}

void answer_fake_calibration(LabAnswer& answer) {
  answer.sentence = "What it says of the end is right: of 100 steps to which it gives a chance of 10 %, 11 were the last (calibration error 0.012).";
  answer.numbers = {lab_number("ece", "Calibration error of the end", "", 0.012, 0.004, "15 bins; below 0.04 is noise at 100 steps a bin", Verdict::good, {{"base rate", 0.021}}),
                    lab_number("value_bias", "Bias of the value", "reward", 2.1, 1.4, "mean of V − what came", Verdict::none)};
  Curve curve = lab_curve({lab_line("what came", 10, 0.95, 0.25, 0.12, false), lab_line("perfect", 10, 1, 0.2, 0, true)}, "said", "share", 0.05, 0.1);
  for (std::size_t i = 0; i < 10; ++i) curve.lines[1].y[i] = curve.x[i], curve.lines[0].y[i] = curve.x[i] + 0.03 * lab_wave(static_cast<int>(i), 1);
  for (std::size_t i = 0; i < 10; ++i) curve.lines[0].low[i] = curve.lines[0].y[i] - 0.02 - 0.01 * static_cast<double>(i), curve.lines[0].high[i] = curve.lines[0].y[i] + 0.02 + 0.01 * static_cast<double>(i);
  curve.lines[0].y[7] = curve.lines[0].low[7] = curve.lines[0].y[9] = curve.lines[0].low[9] = unknown;
  answer.figures.push_back({"reliability", "What it says of the end, and what came", "bins of 10 %; two of them held no step", lab_value_of(curve)});
}

void answer_fake_actions(LabAnswer& answer, const std::string& run) {
  answer.sentence = "It listens to the actions: under another episode's actions the error is 1.28 times as high, and steering moves the picture most.";
  answer.numbers = {lab_number("reliance", "Reliance", "", 0.22, 0.02, "0.03 and less is a model that does not listen, 0.16 and more one that does", Verdict::good), lab_number("divergence", "Divergence", "", 0.47, 0.03, "1 is ideal, 0.06 is dead")};
  answer.figures.push_back(lab_pictures(run, "effects", "What each action does", "ten steps of one action from the same moment", 7, {"nothing", "left", "right", "gas", "brake", "left + gas", "right + gas"}));
}

void answer_fake_memory(LabAnswer& answer) {
  answer.sentence = "What leaves the view is remembered for 1.4 s (0.9 to 1.9 s).";
  answer.numbers = {lab_number("permanence", "Object permanence", "s", 1.4, 0.5, "until a read-out of h knows no more than its control")};
  answer.figures.push_back({"read_out", "Read-out of the true state", "R² of a linear read-out of h, by steps since it was seen; dashed: permuted labels",
                            lab_value_of(lab_curve({lab_line("h", 40, 0.8, 0.5, 0.08, false), lab_line("permuted", 40, 0.05, 0.5, 0, true)}, "steps since seen", "R²"))});
}

void answer_fake_worst(LabAnswer& answer, const std::string& run) {
  answer.sentence = "The worst frames are sharp bends: the road is drawn 5 pixels beside where it is.";
  answer.numbers = {lab_number("worst", "Worst frame", "MSE", 0.0412, 0, "of 4,800 frames", Verdict::none, {{"median", 0.0018}})};
  answer.figures.push_back(lab_pictures(run, "worst", "The worst first", "of 4,800 unseen frames", 8, {"0.041", "0.038", "0.037", "0.035", "0.031", "0.030", "0.029", "0.027"}));
}

void answer_fake_map(LabAnswer& answer, const std::string& run) {
  constexpr int count = 1200, across = 40;
  answer.sentence = "The latents lie on a ring: along it runs the bend of the road, across it the speed; reward is high where both are small.";
  answer.numbers = {lab_number("explained", "Explained by two dimensions", "%", 61, 2, "share of the variance"), lab_number("rank", "Effective rank", "", 9.7, 0.4, "participation ratio")};
  Points points;
  points.x_label = "first component", points.y_label = "second component";
  points.colours = {{"reward", "", {}}, {"time in the episode", "steps", {}}, {"error of the next picture", "MSE", {}}};
  for (int i = 0; i < count; ++i) {
    const double angle = 2 * std::numbers::pi * (i % 300) / 300.0 + 0.15 * lab_wave(i, 2), radius = 1.6 + 0.5 * lab_wave(i, 5) + 0.25 * (i / 300);
    points.x.push_back(static_cast<float>(radius * std::cos(angle) * 1.4)), points.y.push_back(static_cast<float>(radius * std::sin(angle)));
    points.colours[0].values.push_back(i % 97 == 0 ? std::nanf("") : static_cast<float>(1.2 * std::cos(angle) + 0.3 * lab_wave(i, 1)));
    points.colours[1].values.push_back(static_cast<float>(i % 300));
    points.colours[2].values.push_back(static_cast<float>(0.002 * std::exp(1.5 + 1.2 * std::sin(angle) + 0.4 * lab_wave(i, 9))));
  }
  auto sheet = std::make_shared<Image>(lab_blank(across, count / across));
  for (int i = 0; i < count; ++i) paint_lab_road(*sheet, i % across * lab_side, i / across * lab_side, i % 300, 0, 10 * lab_wave(i, 1));
  points.thumbnails = std::move(sheet), points.thumb_width = points.thumb_height = lab_side, points.thumb_columns = across;
  answer.figures.push_back({"pca", "Latents of 1,200 frames", "principal components of what the behaviour sees; unseen episodes", lab_value_of(points), lab_moments(run, count, 0)});
  answer.figures.push_back({"variance", "Variance of each component", "share of the whole", lab_value_of(lab_curve({lab_line("latents", 20, -0.3, 0.3, 0, false)}, "component", "share"))});
  auto& share = std::get<Curve>(const_cast<Value&>(*answer.figures.back().value)).lines[0].y;
  for (double& y : share) y += 0.3;
}

void answer_fake_diagnose(LabAnswer& answer) {
  using Weight = LabFinding::Weight;
  answer.sentence = "One fault, one warning and a note: the KL has vanished, so V tells M nothing; the learning rate of V is what I would turn first.";
  answer.findings = {
      {Weight::fault, "kl_vanished", "The KL of V is below 0.1 nat: every frame gets the same z.", "KL(q(z|x) ‖ N(0, I)) = 0.04 nats over the last 2,000 steps; 3 of 32 latents are active (19 in the shipped run).",
       "Lower the weight of the KL, or its tolerance, and train V again.", "curves", "v.kl_tolerance"},
      {Weight::warning, "dream_cheats", "The dream pays more than the world: 1,893 steps against 412 at τ = 0.1.", "gap over 100 episodes, 1,481 (1,271 to 1,691) steps.", "Raise τ while C is trained.", "worlds", "tau_mixture"},
      {Weight::note, "replay_young", "The replay holds 200 episodes, all by the same policy.", "one driver; 12 % of the track's bends are never taken to the left.", "Collect with a mixed policy.", "batch", ""}};
  Table table;
  table.columns = {{"gauge", "", "what was looked at", 0}, {"value", "", "of this run", 3}, {"healthy from", "", "the band's lower end", 2}, {"to", "", "the band's upper end", 2}};
  const char* gauges[] = {"KL", "active units", "reconstruction", "gradient norm", "action reliance", "skill"};
  const double values[] = {0.04, 3, 22.4, 0.9, 0.21, 0.31}, low[] = {5, 16, 0, 0.01, 0.16, 0.12}, high[] = {40, 32, 40, 100, 1, 1};
  for (int i = 0; i < 6; ++i) table.rows.push_back({{0, gauges[i]}, {values[i], ""}, {low[i], ""}, {high[i], ""}});
  answer.figures.push_back({"gauges", "What was looked at", "each gauge with its healthy band", lab_value_of(table)});
}

void answer_fake_compare(LabAnswer& answer) {
  answer.sentence = "car_dreamer has the longest usable horizon (83 steps), car the highest score (861 ± 40).";
  answer.numbers = {lab_number("runs", "Runs", "", 4, 0, "that are compared")};
  Table table;
  table.columns = {{"run", "", "its folder", 0}, {"family", "", "", 0}, {"score", "reward", "mean over 100 unseen episodes", 0}, {"skill", "", "against a still picture", 2}, {"usable horizon", "steps", "until less than half of the variance is explained", 0},
                   {"honest", "steps", "until a still picture is nearer", 0}, {"parameters", "M", "all networks", 2}, {"frames/s", "1/s", "dreaming, two cores", 0}, {"hours", "h", "of training", 1}};
  const char* names[] = {"car", "car_dreamer", "car_old", "car_kl0"};
  const char* families[] = {"V-M-C", "Dreamer V3", "V-M-C", "V-M-C"};
  const double numbers[][7] = {{861, 0.31, 46, 118, 4.77, 412, 3.2}, {702, 0.44, 83, 161, 18.2, 96, 11.5}, {430, 0.22, 31, 74, 4.77, 415, 0.8}, {unknown, -0.02, 0, 4, 4.77, 409, 0.8}};
  for (int i = 0; i < 4; ++i) {
    table.rows.push_back({{0, names[i]}, {0, families[i]}});
    for (const double value : numbers[i]) table.rows.back().push_back({value, ""});
  }
  answer.figures.push_back({"board", "Runs beside each other", "measured on the same unseen episodes", lab_value_of(table)});
}

}  // namespace

LabAnswer fake_answer(const std::string& question, const std::vector<std::string>& runs, double share) {
  LabAnswer answer;
  answer.question = question, answer.runs = runs;
  const std::string& run = runs.front();
  if (question == "horizon") answer_fake_horizon(answer, run, 0);
  if (question == "blame") answer_fake_blame(answer, run);
  if (question == "gap") answer_fake_gap(answer, run);
  if (question == "collapse") answer_fake_collapse(answer);
  if (question == "calibration") answer_fake_calibration(answer);
  if (question == "actions") answer_fake_actions(answer, run);
  if (question == "memory") answer_fake_memory(answer);
  if (question == "worst") answer_fake_worst(answer, run);
  if (question == "map") answer_fake_map(answer, run);
  if (question == "diagnose") answer_fake_diagnose(answer);
  if (question == "compare") answer_fake_compare(answer);
  answer.complete = share >= 1;
  answer.episodes = std::max<std::int64_t>(4, std::llround(24 * share)), answer.steps = answer.episodes * 200, answer.seconds = 34 * share;
  if (runs.size() < 2 || question == "compare") return answer;
  // Side by side: numbers below one another, one line a run.
  const auto name = [&](std::size_t i) {
    const auto alike = std::ranges::count_if(runs, [&](const auto& other) { return lab_short(other) == lab_short(runs[i]); });
    return alike > 1 ? runs[i] : lab_short(runs[i]);
  };
  const std::vector<LabNumber> numbers = std::exchange(answer.numbers, {});
  const std::string sentence = std::exchange(answer.sentence, "");
  for (std::size_t i = 0; i < runs.size(); ++i) {
    answer.sentence += (i > 0 ? "\n" : "") + name(i) + ": " + sentence;
    for (LabNumber number : numbers) {
      number.run = name(i);
      number.value *= 1 + 0.2 * static_cast<double>(i), number.low *= 1 + 0.2 * static_cast<double>(i), number.high *= 1 + 0.2 * static_cast<double>(i);
      answer.numbers.push_back(std::move(number));
    }
  }
  for (LabFigure& figure : answer.figures) {
    const auto* curve = std::get_if<Curve>(figure.value.get());
    if (!curve) continue;
    Curve all = *curve;
    all.lines.resize(1);
    for (std::size_t i = 1; i < runs.size(); ++i) {
      Line line = curve->lines.front();
      for (auto* values : {&line.y, &line.low, &line.high})
        for (double& y : *values) y *= 1 + 0.2 * static_cast<double>(i);
      all.lines.push_back(std::move(line));
    }
    for (std::size_t i = 0; i < runs.size(); ++i) all.lines[i].label = name(i);
    figure.value = lab_value_of(std::move(all)), figure.moments.clear();
    figure.caption = "one line a run; its baselines are in its own answer";
  }
  return answer;
}

FakeLab::FakeLab() {
  view.questions = {{"horizon", "How long is it true?", "Error over imagined steps against the truth, and against what needs no model: skill and usable horizon."},
                    {"blame", "Whose fault is it?", "One part replaced by the truth at a time: encoder, dynamics and behaviour each get their share."},
                    {"gap", "Does it cheat?", "The same behaviour's return inside the dream and in the real world."},
                    {"collapse", "Has it collapsed?", "KL of each latent, active units, dead classes, and how many dimensions are used."},
                    {"calibration", "Does it know what it does not know?", "Predicted reward, end and value against what came."},
                    {"actions", "Does it listen to the actions?", "True actions against shuffled, missing and reversed ones, and what each single action does."},
                    {"memory", "What does it remember?", "Seconds that something out of sight is known, and a read-out of the true state."},
                    {"worst", "Where is it worst?", "The worst reconstructions and predictions first, with the error of every pixel."},
                    {"map", "What do the latents look like?", "Latents of thousands of frames in two dimensions; click one to dream from there."},
                    {"diagnose", "What is wrong with this run?", "Reads curves and gauges as an experienced colleague would, and says what to turn."},
                    {"compare", "Which run is best?", "A board of runs: score, skill, horizon, size, speed, and any setting."}};
}

void FakeLab::put(LabAnswer answer) {
  std::erase_if(view.answers, [&](const auto& old) { return old->question == answer.question && old->runs == answer.runs; });
  view.answers.insert(view.answers.begin(), std::make_shared<const LabAnswer>(std::move(answer)));
}

void FakeLab::ask(const AskLab& command) {
  if (view.queue.empty()) done_ = 0, view.progress = 0, view.eta_seconds = -1, view.doing = "opens the run";
  view.queue.push_back({command.question, command.runs});
}

void FakeLab::cancel(const CancelLab& command) {
  if (view.queue.empty()) return;
  const auto first = view.queue.front();
  std::erase_if(view.answers, [&](const auto& each) { return each->question == first.question && each->runs == first.runs && !each->complete; });
  view.queue.erase(view.queue.begin(), command.all ? view.queue.end() : view.queue.begin() + 1);
  done_ = 0;
}

void FakeLab::walk(const WalkBetween& command) {
  constexpr int columns = 18;
  for (auto& answer : view.answers) {
    if (answer->question != "map" || std::ranges::count(answer->runs, command.from.run) == 0) continue;
    auto drawn = *answer;
    std::vector<std::string> names{"truth"};
    for (int i = 0; i < columns - 2; ++i) names.push_back(std::to_string(100 * i / (columns - 3)) + " %");
    names.push_back("truth");
    auto figure = lab_pictures(command.from.run, "walk", "A walk between two states", "pictures decoded from the straight line between two", columns, names);
    figure.film = true;
    std::erase_if(drawn.figures, [](const auto& each) { return each.name == "walk"; });
    drawn.figures.push_back(std::move(figure));
    answer = std::make_shared<const LabAnswer>(std::move(drawn));
  }
}

void FakeLab::tick() {
  if (view.queue.empty() || still) return;
  const auto now = view.queue.front();
  ++done_;
  view.progress = static_cast<double>(done_) / ticks, view.eta_seconds = 3.0 * (ticks - done_), view.doing = "imagines 200 steps of 8 episodes";
  if (done_ >= ticks) {
    put(fake_answer(now.question, now.runs));
    view.queue.erase(view.queue.begin());
    done_ = 0, view.progress = 0;
  } else if (done_ * 3 >= ticks) {
    put(fake_answer(now.question, now.runs, view.progress));
  }
}

void FakeLab::fill(const std::vector<std::string>& runs) {
  still = true;
  view.answers.clear();
  for (const LabQuestionView& question : view.questions) {
    if (question.name == "worst" || question.name == "compare") continue;
    LabAnswer answer = fake_answer(question.name, runs, question.name == "memory" ? 0.4 : 1);
    answer.kept = question.name == "collapse" || question.name == "blame";
    if (question.name == "calibration") answer.fault = "the held-out episodes end before anything could be imagined", answer.numbers.clear(), answer.figures.clear();
    put(std::move(answer));
  }
  view.queue = {{"memory", runs}, {"worst", runs}};
  view.progress = 0.4, view.eta_seconds = 21, view.doing = "imagines 200 steps of 8 episodes";
}

}  // namespace dream::ui
