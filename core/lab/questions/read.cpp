// What can a line read from it? What an encoder that has learned to see tells of the world's state, against raw pixels, the
// encoder as it began, and a VAE of as many numbers that learned from the same pictures.
#include <algorithm>
#include <cmath>

#include "core/lab/questions/questions.h"
#include "core/lab/readout.h"
#include "core/models/representation.h"
#include "core/nn/generator.h"

namespace dream {
namespace {
namespace reading {

constexpr std::size_t most_groups = 24;
constexpr std::size_t enough = 1200;           // rows that a read-out is fitted and judged on
constexpr std::int64_t most_directions = 512;  // of pixels

struct Sums {
  Readout state;  // its targets, and "y" and "episode" of every row
  std::vector<torch::Tensor> embedding, pixels, untrained, rival;
  std::shared_ptr<System> twin;
  std::size_t episodes = 0;
};

/// Rows of many columns along the directions in which they vary most, as the products of rows with one another give them,
/// turned at random: so all columns are about as loud, and a read-out that scales each by itself finds the same distances.
torch::Tensor along_directions(const torch::Tensor& rows) {
  if (!rows.defined() || rows.size(1) <= most_directions) return rows;
  const auto centred = (rows - rows.mean(0)).to(torch::kFloat64);
  const auto [values, vectors] = torch::linalg_eigh(torch::matmul(centred, centred.t()));  // rising
  const auto count = std::min(most_directions, values.size(0)), from = values.size(0) - count;
  auto chance = make_generator(torch::kCPU, 17);
  const auto turn = std::get<0>(torch::linalg_qr(torch::randn({count, count}, chance, torch::kFloat64)));
  return torch::matmul(vectors.slice(1, from) * values.slice(0, from).clamp_min(0).sqrt(), turn);
}

void gather(Inquiry& inquiry, Whole all, Sums& sums, double from, double to) {
  auto& encoder = *inquiry.system().encoder;
  all.batch.extra.erase("goal");  // it has a picture of its own, which the encoder is not shown
  const auto& batch = all.batch;
  const auto y = targets_of(all, inquiry.system(), sums.state);
  const auto stride = Readout::most_stride;
  for (std::int64_t t = 0; t < batch.steps(); t += stride) {
    inquiry.at(from + (to - from) * static_cast<double>(t) / static_cast<double>(batch.steps()),
               "looks at " + std::to_string(all.first + static_cast<std::size_t>(batch.lanes())) + " episodes");
    std::vector<std::int64_t> which;
    for (std::int64_t lane = 0; lane < batch.lanes(); ++lane)
      if (all.real(lane, t)) which.push_back(lane), sums.state.episode.push_back(all.at(lane, t).episode);
    if (which.empty()) continue;
    const auto lanes = torch::tensor(which).to(batch.image.device());
    std::vector<torch::Tensor> frames;  // up to this one
    for (auto k = encoder.frames() - 1; k >= 0; --k)
      frames.push_back(batch.image[std::max<std::int64_t>(0, t - k)].index_select(0, lanes));
    const auto clips = torch::stack(frames, 1);
    sums.embedding.push_back(cpu_floats(encoder.embed(clips)));
    if (sums.twin) sums.untrained.push_back(cpu_floats(sums.twin->encoder->embed(clips)));
    if (encoder.rival()) sums.rival.push_back(cpu_floats(encoder.rival()->encode(frames.back()).mean));
    sums.pixels.push_back(cpu_floats(frames.back().flatten(1)) / 255);
    sums.state.y.push_back(y[t].index_select(0, torch::tensor(which)));
  }
}

void fill(Inquiry& inquiry, const Sums& sums, LabAnswer& answer) {
  answer.numbers.clear(), answer.figures.clear();
  const auto& episode = sums.state.episode;
  answer.episodes = static_cast<std::int64_t>(sums.episodes), answer.steps = static_cast<std::int64_t>(episode.size());
  const auto y = stacked_rows(sums.state.y).to(torch::kFloat64);
  struct Source {
    std::string name, title, words, note;
    ReadResult result;
  };
  std::vector<Source> sources;
  const auto add = [&](std::string name, std::string title, std::string words, std::string note,
                       const std::vector<torch::Tensor>& parts, const torch::Tensor& targets) {
    inquiry.at(0.97, "reads " + sums.state.kind + " from " + words);
    if (parts.empty()) return;
    const auto x = along_directions(stacked_rows(parts));
    sources.push_back({std::move(name), std::move(title), std::move(words), std::move(note),
                       judged(read_guess(x, targets, episode, x, episode), targets, episode)});
  };
  add("encoder", "embedding", "its embedding", "what it makes of a picture", sums.embedding, y);
  add("pixels", "raw pixels", "raw pixels", "along the 512 directions in which they vary most", sums.pixels, y);
  add("untrained", "untrained", "the untrained encoder", "the same network as it begins", sums.untrained, y);
  add("rival", "VAE", "a VAE of as many numbers", "it learned beside it, from the same pictures", sums.rival, y);
  auto chance = make_generator(torch::kCPU, 5);
  add("permuted", "permuted", "labels of other moments", "a read-out that finds nothing has 0 or less", sums.embedding,
      y.index_select(0, torch::randperm(y.size(0), chance, torch::kInt64)));
  if (!sources.front().result.known()) {
    answer.sentence = "Nothing can be told yet: these are too few frames of too few episodes.";
    return;
  }
  for (const auto& each : sources) {
    if (each.name == "permuted") continue;
    auto said = number("read_" + each.name, "Read from " + each.words, "R²", each.result.mean_r2(),
                       "mean R² of a linear read-out of " + sums.state.kind +
                           " on episodes that it was not fitted on; 1: all of it, 0: none. " + each.note);
    if (each.name == "encoder")
      for (const auto& other : sources)
        if (other.name != "encoder") said.beside.push_back({other.title, other.result.mean_r2().value});
    answer.numbers.push_back(std::move(said));
  }
  Table table;
  table.columns = {{sums.state.kind, "", "", 0}};
  for (const auto& each : sources) table.columns.push_back({each.title, "R²", each.note, 2});
  for (std::size_t k = 0; k < sums.state.targets.size(); ++k) {
    std::vector<Table::Cell> cells = {{static_cast<double>(k), sums.state.targets[k]}};
    for (const auto& each : sources) {
      double below = 0;
      for (const auto& part : each.result.under) below += part[k];
      const double value = below > 0 ? each.result.r2(k).value : LabNumber::unknown;
      cells.push_back({value, !std::isfinite(value) ? "–" : value < -1 ? "< −1" : ""});
    }
    table.rows.push_back(std::move(cells));
  }
  answer.figures.push_back(figure("readout", "What a line reads, of each",
                                  "R² of a linear read-out, fitted on every other episode and judged on the rest",
                                  std::move(table)));
  answer.sentence = "A line reads " + sums.state.kind + " with R² " + in_figures(sources.front().result.mean_r2()) +
                    " from its embedding of " + std::to_string(inquiry.system().encoder->width()) + " numbers";
  for (const auto& each : sources)
    if (each.name != "encoder" && each.name != "permuted")
      answer.sentence += ", " + in_figures(each.result.mean_r2().value) + " from " + each.words;
  answer.sentence += ".";
}

void ask_read(Inquiry& inquiry, LabAnswer& answer) {
  Sums sums;
  sums.twin = untrained_twin(inquiry.system());
  for (std::size_t group = 0; group < most_groups; ++group) {
    const double began = inquiry.elapsed(), share = 0.95 / most_groups, from = share * static_cast<double>(group);
    const auto first = group * HeldOut::group;
    const auto& episodes = inquiry.episodes(first + HeldOut::group, from, from + share / 2);
    gather(inquiry, whole(episodes, first, HeldOut::group, inquiry.system().device), sums, from + share / 2,
           from + share);
    sums.episodes = first + HeldOut::group;
    if (group == 0) fill(inquiry, sums, answer), inquiry.show(answer);
    if (sums.state.episode.size() >= enough || !inquiry.time_for(2 * (inquiry.elapsed() - began))) break;
  }
  fill(inquiry, sums, answer);
}

}  // namespace reading
}  // namespace

Question question_read() {
  return {"read", "What can a line read from it?",
          "The world's state, read linearly from what an encoder makes of a picture: against raw pixels, the untrained "
          "encoder and a VAE.",
          [](const System& system) -> std::string {
            return system.encoder ? ""
                                  : "this is asked of what has learned to see alone, as i-jepa does; of a model's "
                                    "state, lab memory tells what can be read";
          },
          reading::ask_read};
}

}  // namespace dream
