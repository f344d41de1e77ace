// Has it collapsed? How much every part of the latent says of a frame, how many classes are in use, and how many
// directions the features take. Measures 10 and 11 of the gauges.
#include <algorithm>
#include <cmath>
#include <optional>

#include "api/error.h"
#include "core/lab/density_scores.h"
#include "core/lab/questions/questions.h"
#include "core/lab/readout.h"
#include "core/lab/watched.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

// Thresholds. A number is active where its posterior's mean varies over frames (Burda et al. 2016); a group of classes,
// where it tells which frame it was: I = H(mean q) − mean H(q), the same for probabilities.
constexpr double active_variance = 0.01, active_information = 0.01;  // nats
constexpr double same_as_prior = 0.01;     // nats of KL below which posterior and prior are one
constexpr double told_at_least = 0.1;      // nats that the frames tell in all; less is nothing
constexpr double healthy_share = 0.5;      // of the parts that are active
constexpr double still_dimension = 0.01;   // of the median spread of features
constexpr double fewest_directions = 1.5;  // that features take where they are all there is to look at
constexpr double frames_per_class = 10;    // below that, a class that was not seen need not be dead
constexpr double rows_per_direction = 10;  // N rows show at most N directions: x/(1 + x/N) of x
constexpr std::int64_t most_rows = 512;
constexpr std::size_t collapse_episodes = 16;

/// Sums over the frames of one episode. The first frame is apart: nothing was known before it.
struct CollapseSums {
  double frames = 0, prior_frames = 0;
  torch::Tensor kl, first_kl;            // [U]
  torch::Tensor prior_entropy, entropy;  // [U], of the posterior
  torch::Tensor mean, square;            // [D], of the posterior's mean; [G·C] probabilities
  torch::Tensor modes;                   // [G, C]: how often a class was the likeliest
};

struct CollapseSeen {
  bool numbers = false, latent = false, posterior = false, prior = false;
  std::int64_t units = 0, classes = 0;
  std::vector<CollapseSums> sums;   // of every episode
  std::vector<torch::Tensor> rows;  // features [F]
  std::vector<std::size_t> row_episode;
};

void add_to(torch::Tensor& sum, const torch::Tensor& x) {
  const auto wide = x.to(torch::kCPU, torch::kFloat64);
  if (sum.defined())
    sum += wide;
  else
    sum = wide.clone();
}

void look_for_collapse(Inquiry& inquiry, WorldModel& model, const Whole& episodes, CollapseSeen& seen, double from,
                       double to, const std::string& doing) {
  const auto& batch = episodes.batch;
  const auto base = seen.sums.size();
  seen.sums.resize(base + static_cast<std::size_t>(batch.lanes()));
  // Features change slowly: a few frames of each episode show as much as all.
  const auto stride = std::max<std::int64_t>(1, batch.steps() / 64);
  watch(model, batch, batch.steps(), inquiry.rng(episodes.first), [&](std::int64_t t, const Carry& carry) {
    inquiry.at(from + (to - from) * static_cast<double>(t) / static_cast<double>(batch.steps()), doing);
    const auto belief = model.belief(carry);
    seen.latent = belief.latent.defined(), seen.prior = belief.prior.known(), seen.posterior = belief.posterior.known();
    const auto& told = seen.posterior ? belief.posterior : belief.prior;
    seen.numbers = told.mean.defined();
    torch::Tensor kl, prior_entropy, entropy, expected, modes;
    if (seen.prior && seen.posterior) kl = kl_of(belief.posterior, belief.prior);
    if (seen.prior) prior_entropy = entropy_of(belief.prior);
    if (seen.posterior) entropy = entropy_of(belief.posterior), expected = expected_of(belief.posterior);
    if (told.known()) seen.units = (seen.numbers ? told.mean : told.log_probabilities).size(1);
    if (told.log_probabilities.defined()) {
      seen.classes = told.log_probabilities.size(2);
      modes = torch::one_hot(told.log_probabilities.argmax(-1), seen.classes);
    }
    const auto features = t % stride == 0 ? cpu_floats(model.features(carry)) : torch::Tensor();
    for (std::int64_t lane = 0; lane < batch.lanes(); ++lane) {
      if (!episodes.real(lane, t)) continue;
      auto& sums = seen.sums[base + static_cast<std::size_t>(lane)];
      sums.frames += 1;
      if (kl.defined()) add_to(t == 0 ? sums.first_kl : sums.kl, kl[lane]);
      if (prior_entropy.defined() && t > 0) add_to(sums.prior_entropy, prior_entropy[lane]), sums.prior_frames += 1;
      if (entropy.defined()) add_to(sums.entropy, entropy[lane]);
      if (expected.defined()) add_to(sums.mean, expected[lane]), add_to(sums.square, expected[lane].square());
      if (modes.defined()) add_to(sums.modes, modes[lane]);
      if (features.defined())
        seen.rows.push_back(features[lane]), seen.row_episode.push_back(base + static_cast<std::size_t>(lane));
    }
  });
}

/// What the sums of these episodes come to.
struct CollapseMeans {
  torch::Tensor kl, first_kl, prior_entropy, entropy;  // [U]
  torch::Tensor told;                                  // [U]: variance of the mean, or information in nats
  torch::Tensor usage, perplexity;                     // [G, C], [G]
  torch::Tensor used;                                  // [G]: classes that ever were the likeliest
  double share(const torch::Tensor& which) const { return which.to(torch::kFloat64).mean().item<double>(); }
};

std::vector<std::size_t> all_episodes(const CollapseSeen& seen) {
  std::vector<std::size_t> all(seen.sums.size());
  for (std::size_t e = 0; e < all.size(); ++e) all[e] = e;
  return all;
}

CollapseMeans collapse_means(const CollapseSeen& seen, const std::vector<std::size_t>& chosen) {
  double frames = 0, prior_frames = 0;
  CollapseSums all;
  double begun = 0;
  for (const auto e : chosen) {
    const auto& each = seen.sums[e];
    frames += each.frames, prior_frames += each.prior_frames;
    for (const auto part : {&CollapseSums::kl, &CollapseSums::first_kl, &CollapseSums::prior_entropy,
                            &CollapseSums::entropy, &CollapseSums::mean, &CollapseSums::square, &CollapseSums::modes})
      if ((each.*part).defined()) add_to(all.*part, each.*part);
    begun += each.first_kl.defined();
  }
  CollapseMeans made;
  if (all.kl.defined()) made.kl = all.kl / prior_frames;
  if (all.first_kl.defined()) made.first_kl = all.first_kl / begun;
  if (all.prior_entropy.defined()) made.prior_entropy = all.prior_entropy / prior_frames;
  if (all.entropy.defined()) made.entropy = all.entropy / frames;
  if (!all.mean.defined()) return made;
  const auto mean = all.mean / frames;
  if (seen.numbers) {
    made.told = (all.square / frames - mean.square()).clamp_min(0);
  } else {
    made.usage = mean.view({seen.units, seen.classes});
    const auto entropy = -torch::xlogy(made.usage, made.usage).sum(-1);
    made.perplexity = entropy.exp();
    made.told = (entropy - made.entropy).clamp_min(0);
    made.used = (all.modes > 0).sum(-1);
  }
  return made;
}

/// Of rows [N, F]: their covariance's spectrum, falling, as shares of the variance.
std::vector<double> covariance_spectrum(const torch::Tensor& rows) {
  const auto x = rows - rows.mean(0);
  const auto values = torch::linalg_eigvalsh(x.size(0) < x.size(1) ? torch::matmul(x, x.t()) : torch::matmul(x.t(), x))
                          .flip(0)
                          .clamp_min(0);
  const double sum = values.sum().item<double>();
  std::vector<double> made;
  for (std::int64_t i = 0; i < values.size(0) && sum > 0; ++i)
    if (const double share = values[i].item<double>() / sum; share > 1e-9) made.push_back(share);
  return made;
}

struct CollapseShape {
  Interval directions, isotropy;         // participation ratio, and 1 − |mean unit vector|²
  std::vector<double> spectrum, spread;  // both falling; spread is each dimension's deviation
  double still = 0;                      // share of dimensions that do not move
  std::int64_t rows = 0, dimensions = 0;
  /// N rows of a wide distribution seem narrower than it is.
  bool enough() const {
    return static_cast<double>(rows) >=
           rows_per_direction * std::min<double>(static_cast<double>(dimensions), directions.value);
  }
};

CollapseShape shape_of(const CollapseSeen& seen) {
  CollapseShape made;
  const auto every = (seen.rows.size() + most_rows - 1) / most_rows;
  std::vector<torch::Tensor> kept;
  std::vector<std::vector<std::int64_t>> of_episode(seen.sums.size());
  for (std::size_t i = 0; i < seen.rows.size(); i += every) {
    of_episode[seen.row_episode[i]].push_back(static_cast<std::int64_t>(kept.size()));
    kept.push_back(seen.rows[i]);
  }
  const auto rows = torch::stack(kept).to(torch::kFloat64);
  made.rows = rows.size(0), made.dimensions = rows.size(1);
  made.spectrum = covariance_spectrum(rows);
  const auto spread = std::get<0>(rows.std(0, false).sort(0, true)).contiguous();
  made.spread.assign(spread.data_ptr<double>(), spread.data_ptr<double>() + spread.size(0));
  made.still = (spread <= still_dimension * spread.median()).to(torch::kFloat64).mean().item<double>();
  if (spread[0].item<double>() == 0) made.still = 1;
  // Of every resample only the weights of the rows differ: with Gram matrix K, r = Kw / Σw and m = w·r / Σw, the
  // centred covariance has the trace Σ w (K_ii − 2 r_i + m) and the squared norm wᵀK²w − 2 Σw Σ w r² + (Σw)² m².
  const auto centred = rows - rows.mean(0), unit = rows / rows.norm(2, 1, true).clamp_min(1e-12);
  const auto gram = torch::matmul(centred, centred.t()), squared = gram.square(),
             likeness = torch::matmul(unit, unit.t());
  const auto diagonal = gram.diagonal();
  const auto over = [&](const std::function<double(const torch::Tensor&)>& of) {
    return bootstrap(of_episode.size(), [&](const auto& chosen) {
      auto weight = torch::zeros({made.rows}, torch::kFloat64);
      auto* w = weight.template data_ptr<double>();
      for (const auto e : chosen)
        for (const auto row : of_episode[e]) w[row] += 1;
      return of(weight);
    });
  };
  made.directions = over([&](const torch::Tensor& w) {
    const double sum = w.sum().item<double>();
    const auto r = torch::mv(gram, w) / sum;
    const double m = w.dot(r).item<double>() / sum;
    const double trace = w.dot(diagonal - 2 * r + m).item<double>();
    const double squares =
        w.dot(torch::mv(squared, w)).item<double>() - 2 * sum * w.dot(r.square()).item<double>() + sum * sum * m * m;
    return squares > 1e-12 ? trace * trace / squares : LabNumber::unknown;
  });
  made.isotropy = over([&](const torch::Tensor& w) {
    const double sum = w.sum().item<double>();
    return 1 - w.dot(torch::mv(likeness, w)).item<double>() / (sum * sum);
  });
  return made;
}

enum class Collapse { none, part, whole, untold };

std::string listed_units(const torch::Tensor& which) {
  std::string text;
  std::int64_t named = 0, all = 0;
  for (std::int64_t i = 0; i < which.size(0); ++i) {
    if (!which[i].item<bool>()) continue;
    if (++all; named < 12) text += (text.empty() ? "" : ", ") + std::to_string(i), ++named;
  }
  return text + (all > named ? " and " + std::to_string(all - named) + " more" : "");
}

Vector kl_bars(const CollapseSeen& seen) {
  Vector bars;
  bars.values = floats(collapse_means(seen, all_episodes(seen)).kl);
  std::vector<torch::Tensor> each;
  for (const auto e : all_episodes(seen))
    if (const auto one = collapse_means(seen, {e}).kl; one.defined()) each.push_back(one);
  if (each.size() < 3) return bars;
  const auto rows = torch::stack(each);
  bars.mean = floats(rows.mean(0)),
  bars.deviation = floats(1.96 * rows.std(0) / std::sqrt(static_cast<double>(each.size())));
  return bars;
}

/// What an untrained twin makes of the same frames.
struct CollapseTwin {
  CollapseMeans means;
  CollapseShape shape;
};

void answer_collapse(const CollapseSeen& seen, const std::optional<CollapseTwin>& twin, LabAnswer& answer) {
  answer.numbers.clear(), answer.figures.clear();
  const auto n = seen.sums.size();
  const auto whole = collapse_means(seen, all_episodes(seen));
  answer.episodes = static_cast<std::int64_t>(n), answer.steps = 0;
  for (const auto& each : seen.sums) answer.steps += static_cast<std::int64_t>(each.frames);
  const std::string part = seen.numbers ? "number" : "group", parts = part + "s";
  std::map<std::vector<std::size_t>, std::optional<CollapseMeans>> resampled;  // every number has the same resamples
  const auto over = [&](const std::function<double(const CollapseMeans&)>& of) {
    return bootstrap(n, [&](const auto& chosen) {
      auto& means = resampled[chosen];
      if (!means) means = collapse_means(seen, chosen);
      return of(*means);
    });
  };
  const auto beside_twin = [&](const std::function<double(const CollapseMeans&)>& of) {
    if (twin) answer.numbers.back().beside.push_back({"untrained twin", of(twin->means)});
  };
  const auto add = [&](const char* name, const char* title, const char* unit, std::string note,
                       const std::function<double(const CollapseMeans&)>& of) -> LabNumber& {
    answer.numbers.push_back(number(name, title, unit, over(of), std::move(note)));
    beside_twin(of);
    return answer.numbers.back();
  };

  auto state = Collapse::untold;
  std::string silent;
  double told_nats = LabNumber::unknown;
  if (whole.told.defined()) {
    const double least = seen.numbers ? active_variance : active_information;
    const auto active = [least](const CollapseMeans& m) { return m.share(m.told > least); };
    auto& share = add("active", "Active", "of all",
                      seen.numbers ? "share of numbers whose posterior mean varies over frames by more than 0.01 "
                                     "(variance): good from a half on, bad where it is none"
                                   : "share of groups that tell which frame it was: H(mean q) − mean H(q) > 0.01 nats: "
                                     "good from a half on, bad where it is none",
                      active);
    const auto kl = [](const CollapseMeans& m) {
      return m.kl.defined() ? m.kl.sum().item<double>() : LabNumber::unknown;
    };
    const auto first = [](const CollapseMeans& m) {
      return m.first_kl.defined() ? m.first_kl.sum().item<double>() : LabNumber::unknown;
    };
    told_nats = std::fmax(kl(whole), first(whole));  // fmax passes over what is not known
    silent = listed_units(whole.told <= least);
    state = active(whole) == 0 || told_nats < told_at_least ? Collapse::whole
            : active(whole) < healthy_share                 ? Collapse::part
                                                            : Collapse::none;
    share.verdict = state == Collapse::none    ? LabNumber::Verdict::good
                    : state == Collapse::whole ? LabNumber::Verdict::bad
                                               : LabNumber::Verdict::none;
    if (whole.kl.defined()) {
      add("kl", "A frame tells", "nats",
          "KL(posterior ‖ prior) a frame, the sum over all " + parts + ", without an episode's first frame", kl);
      add("kl_first", "The first frame tells", "nats",
          "the same at an episode's first frame, before which nothing is known: at least 0.1 nats here or later, or "
          "posterior and prior are one",
          first)
          .verdict = told_nats >= told_at_least ? LabNumber::Verdict::good : LabNumber::Verdict::bad;
      add("posterior_is_prior", "Posterior = prior", "of all",
          "share of " + parts +
              " with KL < 0.01 nats after the first frame: right where the next frame is certain, a collapse where it "
              "is not",
          [](const CollapseMeans& m) { return m.share(m.kl < same_as_prior); });
    }
    if (whole.prior_entropy.defined()) {
      const auto entropies = [](torch::Tensor CollapseMeans::*which) {
        return [which](const CollapseMeans& m) { return (m.*which).sum().item<double>(); };
      };
      const std::string note =
          "the sum over all " + parts +
          (seen.numbers ? ", of Gaussians of the same variance; below 0 where they are narrow" : "");
      add("prior_entropy", "Entropy of the prior", "nats", note, entropies(&CollapseMeans::prior_entropy));
      if (!seen.numbers)
        answer.numbers.back().beside.push_back(
            {"uniform", static_cast<double>(seen.units) * std::log(static_cast<double>(seen.classes))});
      add("posterior_entropy", "Entropy of the posterior", "nats", note, entropies(&CollapseMeans::entropy));
    }
    if (whole.perplexity.defined()) {
      add("perplexity", "Perplexity", "classes",
          "exp of the entropy of how often each class is used, the mean over groups: all alike gives " +
              std::to_string(seen.classes) + ", one alone 1",
          [](const CollapseMeans& m) { return m.perplexity.mean().item<double>(); })
          .beside.push_back({"uniform", static_cast<double>(seen.classes)});
      const auto classes = static_cast<double>(seen.classes);
      auto& dead = add(
          "dead_classes", "Dead classes", "of all",
          "share of classes that were the likeliest in none of these frames; those of a whole training's data may be "
          "fewer",
          [classes](const CollapseMeans& m) { return 1 - m.used.to(torch::kFloat64).mean().item<double>() / classes; });
      dead.beside.push_back({"by chance", std::pow(1 - 1 / classes, static_cast<double>(answer.steps))});
      if (static_cast<double>(answer.steps) < frames_per_class * classes)
        dead.value = dead.low = dead.high = LabNumber::unknown,
        dead.note = "there are fewer than 10 frames for every class: one that was not seen need not be dead";
    }
  }

  const auto shape = shape_of(seen);
  const auto* raw = twin ? &twin->shape : nullptr;
  const auto add_shape = [&](const char* name, const char* title, std::string unit, const Interval& interval,
                             const Interval* other, std::string note) {
    answer.numbers.push_back(number(name, title, std::move(unit), interval, std::move(note)));
    if (other && std::isfinite(other->value)) answer.numbers.back().beside.push_back({"untrained twin", other->value});
  };
  add_shape("directions", "Directions of the features", "of " + std::to_string(shape.dimensions), shape.directions,
            raw ? &raw->directions : nullptr,
            "participation ratio (Σλ)²/Σλ² of the covariance, from " + std::to_string(shape.rows) +
                " frames; compare it with the twin's and with its own past");
  auto& directions = answer.numbers.back();
  if (!std::isfinite(shape.directions.value))
    directions.note = "the features never change";
  else if (!shape.enough()) {
    directions.note = std::to_string(shape.rows) + " frames are too few: they show " +
                      in_figures(shape.directions.value) + " directions of " + std::to_string(shape.dimensions) +
                      ", and ten times as many frames as directions are needed";
    directions.value = directions.low = directions.high = LabNumber::unknown;
  }
  add_shape("isotropy", "Isotropy of the features", "", shape.isotropy, raw ? &raw->isotropy : nullptr,
            "1 − |mean unit vector|²: 0 where all point the same way");
  answer.numbers.push_back({"still_dimensions", "Dimensions that stand still", "of all", shape.still,
                            LabNumber::unknown, LabNumber::unknown,
                            "share of features whose spread over frames is below a hundredth of the median one's"});
  if (raw) answer.numbers.back().beside.push_back({"untrained twin", raw->still});
  if (!whole.told.defined())
    state = !(shape.directions.value >= fewest_directions) || shape.isotropy.value < 1e-4 ? Collapse::whole
                                                                                          : Collapse::none;

  const auto features = std::isfinite(shape.directions.value)
                            ? "its features use " + std::string(shape.enough() ? "" : "at least ") +
                                  in_figures(shape.directions.value) + " of " + std::to_string(shape.dimensions) +
                                  " directions" +
                                  (raw && std::isfinite(raw->directions.value)
                                       ? ", an untrained twin's " + in_figures(raw->directions.value)
                                       : "")
                            : std::string("its features never change");
  if (!whole.told.defined()) {
    answer.sentence = std::string(state == Collapse::whole ? "It has collapsed: "
                                                           : "It has not collapsed, as far as features tell: ") +
                      features +
                      (seen.latent ? "; what it makes of a frame is no density, so nothing can be told of its latent."
                                   : "; it keeps no latent of its own.");
  } else {
    const auto units = static_cast<double>(seen.units);
    const auto active = std::llround(answer.numbers.front().value * units);
    const std::string of = std::to_string(active) + " of " + std::to_string(seen.units) + " " + parts +
                           " of the latent " + (active == 1 ? "tells" : "tell") + " one frame from another";
    const std::string told =
        !std::isfinite(told_nats)
            ? ""
            : ", a frame tells " +
                  in_figures({answer.numbers[1].value, answer.numbers[1].low, answer.numbers[1].high}) +
                  " nats that were not expected (an episode's first " + in_figures(answer.numbers[2].value) + ")";
    answer.sentence = std::string(state == Collapse::none   ? "It has not collapsed: "
                                  : state == Collapse::part ? "It has partly collapsed: only "
                                                            : "It has collapsed: ") +
                      of + told + ", and " + features + "." +
                      (silent.empty() || state == Collapse::whole ? "" : " Silent: " + silent + ".");
  }

  const auto about = "over " + std::to_string(answer.steps) + " frames of " + std::to_string(n) + " held-out episodes";
  if (whole.kl.defined())
    answer.figures.push_back(
        figure("kl", "What a frame tells",
               "KL(posterior ‖ prior) of every " + part + " in nats, " + about + "; mark: mean and 95 % over episodes",
               kl_bars(seen)));
  if (Vector told; whole.told.defined()) {
    told.values = floats(whole.told);
    answer.figures.push_back(
        figure("told", seen.numbers ? "Variance of the posterior's mean" : "What each group tells of a frame",
               (seen.numbers ? "a number is active above 0.01; "
                             : "H(mean q) − mean H(q) in nats: a group is active above 0.01; ") +
                   about,
               std::move(told)));
  }
  if (whole.usage.defined())
    answer.figures.push_back(figure("usage", "How often each class is used",
                                    "the posterior's mean probabilities: a row is a group, a column a class; " + about,
                                    heatmap_from(whole.usage, static_cast<int>(seen.classes), 0,
                                                 static_cast<float>(whole.usage.max().item<double>()), false)));
  const auto falling = [&](std::string name, std::string title, std::string caption, std::string x_unit,
                           std::string unit, std::vector<double> CollapseShape::*which) {
    Curve curve;
    curve.x_unit = std::move(x_unit), curve.y_unit = std::move(unit), curve.log_y = true;
    Line trained;
    trained.label = "trained", trained.y = shape.*which;
    curve.lines = {trained};
    if (raw) {
      Line line;
      line.label = "untrained twin", line.dashed = true, line.y = (*raw).*which;
      line.y.resize(trained.y.size(), LabNumber::unknown);
      curve.lines.push_back(std::move(line));
    }
    for (auto& line : curve.lines)
      for (double& y : line.y) y = y > 0 ? y : LabNumber::unknown;  // of no use on a logarithmic axis
    for (std::size_t i = 1; i <= trained.y.size(); ++i) curve.x.push_back(static_cast<double>(i));
    answer.figures.push_back(figure(std::move(name), std::move(title), std::move(caption), std::move(curve)));
  };
  const auto from_rows = "from " + std::to_string(shape.rows) + " frames of these episodes";
  if (!shape.spectrum.empty())
    falling("spectrum", "Spectrum of the features",
            "share of the variance along each principal direction, " + from_rows, "direction", "share",
            &CollapseShape::spectrum);
  falling("spread", "Spread of every feature", "deviation over frames, the largest first, " + from_rows, "feature",
          "deviation", &CollapseShape::spread);
}

void ask_collapse(Inquiry& inquiry, LabAnswer& answer) {
  CollapseSeen seen;
  std::optional<CollapseTwin> twin;
  for (std::size_t count = HeldOut::group; count <= collapse_episodes; count += HeldOut::group) {
    const auto first = count - HeldOut::group;
    const double began = inquiry.elapsed(), from = static_cast<double>(first) / collapse_episodes,
                 share = static_cast<double>(HeldOut::group) / collapse_episodes;
    const auto& all = inquiry.episodes(count, from, from + share / 2);
    const auto those = whole(all, first, HeldOut::group, inquiry.system().device);
    look_for_collapse(inquiry, inquiry.model(), those, seen, from + share / 2, from + share,
                      "watches " + std::to_string(count) + " episodes");
    answer_collapse(seen, twin, answer);
    inquiry.show(answer);
    const double last = inquiry.elapsed() - began;
    if (first == 0 && inquiry.time_for(0.7 * last)) {  // it only watches what has been driven
      if (const auto fresh = untrained_twin(inquiry.system())) {
        CollapseSeen untrained;
        look_for_collapse(inquiry, *fresh->model, those, untrained, from + 0.7 * share, from + share,
                          "an untrained twin watches the same");
        twin = {collapse_means(untrained, all_episodes(untrained)), shape_of(untrained)};
        answer_collapse(seen, twin, answer);
        inquiry.show(answer);
      }
    }
    if (!inquiry.time_for(1.5 * last)) break;
  }
}

}  // namespace

Question question_collapse() {
  return {"collapse", "Has it collapsed?",
          "What every part of the latent tells of a frame, which classes are in use, and how many directions features "
          "take.",
          lacks_model, ask_collapse};
}

}  // namespace dream
