#include "core/lab/occlusion.h"

#include <algorithm>

#include "core/models/rollout.h"

namespace dream {
namespace {

constexpr double hidden_moves = 0.05;  // of a channel's range
const std::vector<std::int64_t> hidden_steps = {0, 1, 2, 5, 10, 20, 40};

/// Where a quarter of the picture is covered, bool [1, 1, H, W]: four corners and the middle.
std::vector<torch::Tensor> patches_of(std::int64_t h, std::int64_t w) {
  std::vector<torch::Tensor> patches;
  const auto ph = std::max<std::int64_t>(1, h / 2), pw = std::max<std::int64_t>(1, w / 2);
  const auto add = [&](std::int64_t y, std::int64_t x) {
    auto patch = torch::zeros({1, 1, h, w}, torch::kBool);
    patch.slice(2, y, y + ph).slice(3, x, x + pw).fill_(true);
    patches.push_back(patch);
  };
  add(0, 0), add(0, w - pw), add(h - ph, 0), add(h - ph, w - pw), add((h - ph) / 2, (w - pw) / 2);
  return patches;
}

/// Σ over `ways` places of each lane: [ways · B] -> one column of `rows`, whose last B rows are the lanes.
void add_column(StepRows& rows, const torch::Tensor& sums, std::int64_t lanes) {
  const auto each = sums.view({-1, lanes}).sum(0).to(torch::kCPU, torch::kFloat64).contiguous();
  for (std::int64_t lane = 0; lane < lanes; ++lane)
    rows[rows.size() - static_cast<std::size_t>(lanes - lane)].push_back(each[lane].item<double>());
}

struct HiddenTruth {
  torch::Tensor now, before, last_seen, middle;  // [B, C, H, W]
};

void judge_hidden(HiddenErrors& errors, const torch::Tensor& made, const HiddenTruth& truth,
                  const torch::Tensor& patch) {
  const auto lanes = truth.now.size(0), places = made.size(0) / lanes;
  const auto all = [&](const torch::Tensor& x) { return x.repeat({places, 1, 1, 1}); };
  const auto now = all(truth.now), last = all(truth.last_seen);
  const auto moved =
      ((truth.now - truth.before).abs().amax(1, true) > hidden_moves).repeat({places, 1, 1, 1}).logical_and(patch);
  const auto changed =
      ((truth.now - truth.last_seen).abs().amax(1, true) > hidden_moves).repeat({places, 1, 1, 1}).logical_and(patch);
  const auto missed = (made.to(torch::kFloat32) - now).square(), stood = (last - now).square();
  const auto sum = [](const torch::Tensor& error, const torch::Tensor& mask) { return (error * mask).sum({1, 2, 3}); };
  add_column(errors.made, sum(missed, moved), lanes), add_column(errors.still, sum(stood, moved), lanes);
  add_column(errors.middle, sum((all(truth.middle) - now).square(), moved), lanes);
  add_column(errors.changed, sum(missed, changed), lanes), add_column(errors.changed_still, sum(stood, changed), lanes);
}

}  // namespace

void measure_occlusion(Inquiry& inquiry, const std::vector<LivedEpisode>& episodes, std::size_t first_episode,
                       Occlusion& sums, double from, double to) {
  auto& model = inquiry.model();
  const auto context = sums.context, steps = sums.steps;
  const auto made = stretches(episodes, context + steps + 2, 1, inquiry.system().device);
  if (made.from.empty() || !made.batch.image.defined()) {
    sums.paints = sums.paints && (made.from.empty() || made.batch.image.defined());
    return;
  }
  const auto& batch = made.batch;
  const auto lanes = batch.lanes(), h = batch.image.size(2), w = batch.image.size(3);
  const double share = to - from;
  const auto seen =
      watch(model, batch, context + 1, inquiry.rng(200 + first_episode), [&](std::int64_t t, const Carry&) {
        inquiry.at(from + share * 0.2 * static_cast<double>(t) / static_cast<double>(context + 1),
                   "watches " + std::to_string(lanes) + " episodes");
      });
  if (!model.predict(seen).frame.defined()) {
    sums.paints = false;
    return;
  }
  for (auto* errors : {&sums.away, &sums.covered, &sums.quarter})
    for (auto* rows : {&errors->made, &errors->still, &errors->middle, &errors->changed, &errors->changed_still})
      rows->resize(rows->size() + static_cast<std::size_t>(lanes));
  const auto real = [&](std::int64_t k) { return unit_pictures(batch.image[context + k]); };
  const auto watched = unit_pictures(batch.image.slice(0, 0, context + 1));
  const auto middle = watched.mean({0, 1}).unsqueeze(0).expand_as(real(0));
  const auto colour = (watched.mean({0, 1, 3, 4}) * 255).round().to(torch::kUInt8);  // [C]
  std::vector<torch::Tensor> patches;
  for (const auto& patch : patches_of(h, w)) patches.push_back(patch.to(batch.image.device()));
  const auto places = static_cast<std::int64_t>(patches.size());
  const auto under = torch::cat(patches).repeat_interleave(lanes, 0);  // [places · B, 1, H, W]
  const auto everywhere = torch::ones({1, 1, h, w}, under.options());
  const auto cover = [&](std::int64_t t, const torch::Tensor& patch) {
    const auto copies = patch.size(0) / lanes;
    const auto image = batch.image[t].repeat({std::max<std::int64_t>(1, copies), 1, 1, 1});
    return torch::where(patch.permute({0, 2, 3, 1}), colour.view({1, 1, 1, -1}), image);
  };
  auto imagined = seen, covered = seen, quarter = repeated(seen, places);
  auto chance = inquiry.rng(300 + first_episode), other_chance = inquiry.rng(400 + first_episode);
  std::map<std::int64_t, Carry> after = {{0, seen}};
  std::vector<torch::Tensor> truths, shown, watching, dreams;
  for (std::int64_t k = 1; k <= steps; ++k) {
    inquiry.at(from + share * (0.2 + 0.7 * static_cast<double>(k) / static_cast<double>(steps)),
               "hides what goes on for " + std::to_string(steps) + " steps of " +
                   std::to_string(sums.from.size() + static_cast<std::size_t>(lanes)) + " episodes");
    const auto t = context + k;
    const auto action = batch.action[t];
    const HiddenTruth truth{real(k), real(k - 1), real(0), middle};
    imagined = model.imagine(imagined, action, {}, chance);
    after[k] = imagined;
    const auto dreamt = model.predict(imagined).frame;
    judge_hidden(sums.away, dreamt, truth, everywhere);
    // Where numbers are shown beside the picture they stay what they were when everything is covered.
    Observation nothing{cover(t, everywhere), batch.vector.defined() ? batch.vector[context] : torch::Tensor()};
    covered = model.observe(covered, action, nothing, other_chance);
    judge_hidden(sums.covered, model.predict(covered).frame, truth, everywhere);
    Observation rest{cover(t, under), batch.vector.defined() ? batch.vector[t].repeat({places, 1}) : torch::Tensor()};
    quarter = model.observe(quarter, action.repeat({places, 1}), rest, other_chance);
    const auto made_of_it = model.predict(quarter).frame;
    judge_hidden(sums.quarter, made_of_it, truth, under);
    if (sums.sheet.defined() || !std::ranges::count(hidden_steps, k)) continue;
    const auto last = (places - 1) * lanes;  // the middle is covered
    truths.push_back(truth.now[0]), shown.push_back(unit_pictures(rest.image[last]));
    watching.push_back(made_of_it[last].to(torch::kFloat32)), dreams.push_back(dreamt[0].to(torch::kFloat32));
    sums.shown.push_back(k);
  }
  if (!sums.sheet.defined() && !truths.empty()) {
    for (const auto* row : {&shown, &watching, &dreams}) truths.insert(truths.end(), row->begin(), row->end());
    sums.sheet = torch::stack(truths);
  }
  // One real frame after n imagined steps, then a step further.
  const auto nothing = model.initial(lanes);
  std::size_t row = 0;
  for (const auto n : hidden_steps) {
    if (n > steps) break;
    inquiry.at(from + share * (0.9 + 0.1 * static_cast<double>(row) / static_cast<double>(hidden_steps.size())),
               "shows a frame after " + std::to_string(n) + " imagined steps");
    if (sums.recall.size() <= row) sums.recall.push_back({n, {}, {}});
    auto& errors = sums.recall[row++];
    const auto t = context + n + 1;
    const auto next = [&](const Carry& before) {
      auto rng = inquiry.rng(600 + first_episode);
      const auto looked = model.observe(before, batch.action[t], observation_at(batch, t), rng);
      const auto frame = model.predict(model.imagine(looked, batch.action[t + 1], {}, rng)).frame.to(torch::kFloat32);
      return (frame - real(n + 2)).square().flatten(1).mean(1).to(torch::kCPU, torch::kFloat64);
    };
    const auto full = next(after.at(n)), cut = next(nothing);
    for (std::int64_t lane = 0; lane < lanes; ++lane)
      errors.full.push_back(full[lane].item<double>()), errors.cut.push_back(cut[lane].item<double>());
  }
  for (const auto& each : made.from) sums.from.push_back({each.episode + first_episode, each.step});
}

double known_steps(const HiddenErrors& errors, const std::vector<std::size_t>& episodes, bool against_mean) {
  const auto steps = errors.made.empty() ? 0 : errors.made.front().size();
  bool any = false;
  for (std::size_t k = 0; k < steps; ++k) {
    double made = 0, still = 0, middle = 0;
    for (const auto e : episodes) made += errors.made[e][k], still += errors.still[e][k], middle += errors.middle[e][k];
    if (still <= 0 && middle <= 0) continue;  // nothing hidden_moves in this step
    any = true;
    if (made > 0 && made >= 0.999 * (against_mean ? std::min(still, middle) : still)) return static_cast<double>(k);
  }
  return any ? static_cast<double>(steps) : LabNumber::unknown;
}

double change_explained(const HiddenErrors& errors, const std::vector<std::size_t>& episodes, std::int64_t step) {
  double made = 0, still = 0;
  const auto k = static_cast<std::size_t>(step - 1);
  for (const auto e : episodes) made += errors.changed[e][k], still += errors.changed_still[e][k];
  return still > 0 ? 1 - made / still : LabNumber::unknown;
}

}  // namespace dream
