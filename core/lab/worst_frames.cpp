#include "core/lab/worst_frames.h"

#include <algorithm>
#include <numeric>

#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::size_t worst_shown = 12;       // pictures of a sheet
constexpr std::int64_t searched_frames = 48;  // of a group of episodes, for objects

void search_objects(WorstWay& way, const WorstSums& sums, const torch::Tensor& truth, const torch::Tensor& made,
                    Stretches::From from) {
  const auto background = sums.background->of(truth);
  for (const auto& object : objects_of(truth, background, made)) way.things.push_back({object, from});
  const auto mask = foreground_of(truth, background).to(torch::kFloat32);
  way.missed.push_back(((made - truth).square().mean(0) * mask).sum().item<double>());
  way.middle_missed.push_back(((sums.middle - truth).square().mean(0) * mask).sum().item<double>());
  way.area.push_back(mask.sum().item<double>());
  way.episode.push_back(from.episode);
  ++way.searched;
}

/// What was made of some lanes' frames: errors, the worst pictures, and every so often the objects.
void judge_worst(WorstWay& way, WorstSums& sums, const torch::Tensor& made, const torch::Tensor& truth,
                 const std::vector<Stretches::From>& from, const std::vector<Stretches::From>& begin,
                 std::int64_t every) {
  const auto difference = (made - truth).square();
  const auto error = floats(difference.flatten(1).mean(1)),
             middle = floats((sums.middle - truth).square().flatten(1).mean(1));
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    way.frames.push_back({from[i], error[i], middle[i]});
    if (way.worst.size() < worst_shown || error[i] > way.worst.back().error)
      way.offer({from[i], begin[i], error[i], truth[row].clone(), made[row].clone()});
    if (way.offered++ % every == 0) search_objects(way, sums, truth[row], made[row], from[i]);
  }
}

/// Mean frame and background, by the pictures of the first episodes.
void learn_background(const Whole& all, WorstSums& sums) {
  std::vector<torch::Tensor> some;
  for (std::int64_t lane = 0; lane < all.batch.lanes(); ++lane) {
    const auto frames = all.frames[static_cast<std::size_t>(lane)], count = std::min<std::int64_t>(frames, 40);
    for (std::int64_t i = 0; i < count; ++i) some.push_back(all.batch.image[i * frames / count][lane]);
  }
  const auto pictures = cpu_floats(unit_pictures(torch::stack(some)));
  sums.middle = pictures.mean(0);
  sums.background = std::make_shared<Background>(pictures);
}

}  // namespace

void WorstWay::offer(Shown shown) {
  const auto near = std::ranges::find_if(worst, [&](const Shown& other) {
    return other.from.episode == shown.from.episode && std::abs(other.from.step - shown.from.step) < WorstSums::apart;
  });
  if (near == worst.end())
    worst.push_back(std::move(shown));
  else if (shown.error > near->error)
    *near = std::move(shown);
  std::ranges::stable_sort(worst, std::greater<>{}, &Shown::error);
  if (worst.size() > worst_shown) worst.pop_back();
}

void measure_worst(Inquiry& inquiry, const Whole& all, WorstSums& sums, double from, double to) {
  auto& model = inquiry.model();
  const auto& batch = all.batch;
  const auto steps = batch.steps(), lanes = batch.lanes();
  const bool pictures = batch.image.defined();
  if (pictures && !sums.background) learn_background(all, sums);
  const double share = (to - from) / 2;
  // An odd number: every lane has its turn.
  const auto odd = [](std::int64_t n) { return n / 2 * 2 + 1; };
  const auto every = std::accumulate(all.frames.begin(), all.frames.end(), std::int64_t{0}) / searched_frames;
  std::vector<Watched> starts;
  std::vector<torch::Tensor> seen_features;
  watch(model, batch, steps, inquiry.rng(all.first), [&](std::int64_t t, const Carry& carry) {
    inquiry.at(
        from + share * static_cast<double>(t) / static_cast<double>(steps),
        "looks at what it makes of " + std::to_string(sums.episodes + static_cast<std::size_t>(lanes)) + " episodes");
    if (t >= sums.context && (t - sums.context) % WorstSums::stride == 0 && t + 1 < steps) starts.push_back({t, carry});
    const auto features = model.features(carry);
    seen_features.push_back(cpu_floats(features));
    std::vector<std::int64_t> which;
    std::vector<Stretches::From> where;
    for (std::int64_t lane = 0; lane < lanes; ++lane)
      if (all.real(lane, t)) which.push_back(lane), where.push_back(all.at(lane, t));
    if (which.empty()) return;
    const auto chosen = torch::tensor(which);
    if (batch.vector.defined() && t >= sums.context) {
      sums.features.push_back(seen_features.back().index_select(0, chosen)),
          sums.numbers.push_back(cpu_floats(batch.vector[t]).index_select(0, chosen));
      sums.rows.insert(sums.rows.end(), where.begin(), where.end());
    }
    if (!pictures) return;
    const auto frame = model.predict(carry).frame;
    sums.paints = frame.defined();
    if (!frame.defined()) return;
    const auto made = cpu_floats(frame).index_select(0, chosen),
               truth = cpu_floats(unit_pictures(batch.image[t])).index_select(0, chosen);
    const auto error = (made - truth).square().mean(1).sum(0);
    sums.pixel_error = sums.pixel_error.defined() ? sums.pixel_error + error : error;
    sums.pixel_frames += made.size(0);
    judge_worst(sums.seen, sums, made, truth, where, where, odd(every));
  });
  sums.paints = sums.paints && pictures;
  if (sums.ahead < 1) return;
  const auto parts =
      static_cast<double>(starts.size()) * static_cast<double>(sums.ahead) * static_cast<double>(lanes) / 32 + 1;
  double done = 0;
  imagine_from(model, all, starts, sums.ahead, inquiry.rng(100 + all.first),
               [&](std::int64_t k, const Carry& carry, const std::vector<Began>& began) {
                 inquiry.at(from + share + share * std::min(1.0, ++done / parts),
                            "imagines " + std::to_string(sums.ahead) + " steps from every " +
                                std::to_string(WorstSums::stride) + "th frame");
                 if (k != 1 && k != sums.ahead) return;
                 std::vector<std::int64_t> which;
                 std::vector<Stretches::From> where, begin;
                 std::vector<torch::Tensor> truths, features;
                 for (std::size_t i = 0; i < began.size(); ++i) {
                   const auto [lane, t] = began[i];
                   if (!all.real(lane, t + k)) continue;
                   which.push_back(static_cast<std::int64_t>(i)), where.push_back(all.at(lane, t + k)),
                       begin.push_back(all.at(lane, t));
                   if (pictures) truths.push_back(batch.image[t + k][lane]);
                   features.push_back(seen_features[static_cast<std::size_t>(t + k)][lane]);
                   if (batch.vector.defined() && k == sums.ahead)
                     sums.far_numbers.push_back(cpu_floats(batch.vector[t + k][lane]).unsqueeze(0)),
                         sums.far_rows.push_back(begin.back());
                 }
                 if (which.empty()) return;
                 const auto chosen = torch::tensor(which);
                 const auto now = cpu_floats(model.features(carry)).index_select(0, chosen);
                 if (k == sums.ahead) {
                   const auto missed = floats((now - torch::stack(features)).square().mean(1));
                   for (std::size_t i = 0; i < missed.size(); ++i) sums.latent.push_back({begin[i], missed[i], 0});
                   if (batch.vector.defined()) sums.far_features.push_back(now);
                 }
                 if (!sums.paints) return;
                 const auto made = cpu_floats(model.predict(carry).frame).index_select(0, chosen);
                 const auto truth = cpu_floats(unit_pictures(torch::stack(truths)));
                 for (auto* way : {&sums.next, &sums.far})
                   if (way == (k == 1 ? &sums.next : &sums.far) || (way == &sums.far && sums.ahead == 1))
                     judge_worst(*way, sums, made, truth, where, begin, odd(every / WorstSums::stride));
               });
}

}  // namespace dream
