#include "core/engine/feed.h"

#include <algorithm>

#include "api/error.h"
#include "core/data/sequences.h"
#include "core/engine/stream_place.h"
#include "core/engine/system.h"

namespace dream {
namespace {

void keep_best(Replay& replay, double share) {
  std::vector<Scored> scores;
  for (std::size_t i = 0; i < replay.episodes(); ++i) scores.push_back(score_of(replay.episode(i), i));
  std::vector<Episode> best;
  for (const auto i : best_of(scores, share)) best.push_back(replay.episode(i));
  replay.clear();
  for (auto& episode : best) replay.add(std::move(episode));
}

}  // namespace

void Feed::open(const Options& options, const std::filesystem::path& own, std::int64_t own_ended, bool resumes) {
  options_ = options;
  initial_ = {};
  std::size_t state_size = 0;
  if (options_.replay_context) {
    torch::NoGradGuard no_grad;
    initial_ = system_.model->initial(1);
    state_size = static_cast<std::size_t>(rows_of(initial_, initial_).size(1));
  }
  replay_ = Replay(static_cast<std::size_t>(options_.budget_gb * 1e9), state_size);
  sources_ = std::make_unique<DatasetSources>(
      folders_of(options_.datasets.folders),
      options_.fitting ? options_.fitting : fit_to(system_.make_env()->spaces(), system_.environment, options_.needs), options_.datasets.damage());
  notes_ = sources_->notes();
  own_.reset();
  stream_.reset();
  scores_.reset();
  best_alone_ = filling_ = false;
  own_ended_ = own_ended;
  own_read_ = own_steps_ = own_ended_steps_ = given_steps_ = given_frames_ = 0;
  if (resumes && std::filesystem::exists(own)) own_ = std::make_unique<Dataset>(own);
}

std::int64_t Feed::own_count() const {
  if (!own_) return 0;
  const auto there = static_cast<std::int64_t>(own_->episodes());
  return options_.keep_found ? there : std::min(there, own_ended_);
}

void Feed::count_given() {
  given_frames_ = replay_.dropped() + replay_.frames();
  if (!stream_) given_steps_ = replay_.steps();  // of a stream all are learned from
}

/// Of more episodes than memory holds, which are the best? True while that is being found out.
bool Feed::find_the_best() {
  if (!scores_ || !sources_) return false;
  if (const auto index = scored_++; index < sources_->episodes()) {
    if (const auto episode = sources_->read(index)) scores_->push_back(score_of(*episode, index));
    return true;
  }
  sources_->keep(best_of(*scores_, options_.best_share));
  scores_.reset();
  best_alone_ = true;
  return true;
}

/// From now on a part of the given episodes at a time.
void Feed::stream() {
  replay_.clear();
  given_steps_ = sources_->steps();
  stream_ = std::make_unique<EpisodeStream>(std::move(sources_), draws_.fork("episodes"), place_);
  notes_ = stream_->notes();
  own_.reset();  // there is nothing in it
  filling_ = true;
}

void Feed::learned(double frames) {
  if (!stream_) return;
  stream_->learned(replay_, frames);
  count_given();
  notes_ = stream_->notes();
}

bool Feed::read_more() {
  if (filling_) {
    filling_ = stream_->fill(replay_);
    if (!filling_) count_given();
    return filling_;
  }
  return read_given() || read_own();
}

/// One more of the given episodes; false once there are as many as fit.
bool Feed::read_given() {
  if (!sources_) return false;
  if (find_the_best()) return true;
  const bool more = sources_->read_into(replay_);
  notes_ = sources_->notes();
  if (more) return true;
  if (!sources_->all_read()) {
    if (options_.streams_from && sources_->steps() >= *options_.streams_from && own_count() == 0) {
      if (options_.best_share == 1 || best_alone_) return stream(), true;
      replay_.clear();
      scores_.emplace();
      scored_ = 0;
      return true;
    }
    for (auto& note : sources_->left_out(replay_, "train.budget_gb")) notes_.push_back(std::move(note));
  } else if (options_.best_share < 1 && !best_alone_) {
    keep_best(replay_, options_.best_share);
  }
  count_given();
  sources_.reset();
  return own_count() > 0;
}

/// One more of the run's own; false once all are there.
bool Feed::read_own() {
  if (own_read_ >= own_count()) {
    own_.reset();
    return false;
  }
  auto episode = own_->read(static_cast<std::size_t>(own_read_));
  if (episode.lane >= options_.lanes) episode.lane = -1;
  own_steps_ += static_cast<std::int64_t>(episode.length());
  if (own_read_++ < own_ended_) {
    own_ended_steps_ = own_steps_;
    replay_.add(std::move(episode));
  } else if (episode.lane >= 0 && episode.ended()) {
    replay_.extend(episode);  // new: an actor of its own went on
  } else {
    replay_.add(std::move(episode));
  }
  return own_read_ < own_count() || (own_.reset(), false);
}

std::string Feed::detail() const {
  if (filling_) return "reading episodes: " + std::to_string(replay_.episodes()) + " so far, as many as fit into memory";
  if (!sources_) return "reading its own episodes: " + std::to_string(own_read_) + " of " + std::to_string(own_count());
  const auto all = std::to_string(sources_->episodes());
  if (scores_) return "looking for the best episodes: " + std::to_string(scored_) + " of " + all;
  return "reading episodes: " + std::to_string(replay_.episodes()) + " of " + all;
}

void Feed::close() {
  if (stream_ && !filling_) place_ = stream_->place();  // begin() goes on from there
  sources_.reset();
  stream_.reset();
  filling_ = false;
  own_.reset();
  replay_.clear();
}

SequenceBatch Feed::draw(std::int64_t lanes, std::int64_t steps) {
  begins_.clear();
  if (options_.online_queue) begins_ = new_begins(replay_, steps, lanes);
  const auto old = draw_begins(replay_, lanes - static_cast<std::int64_t>(begins_.size()), draws_);
  begins_.insert(begins_.end(), old.begin(), old.end());
  auto batch = sequences_at(replay_, begins_, steps).to(system_.device);
  if (keeps_states()) batch.before = carry_of(states_before(replay_, begins_), initial_);
  return batch;
}

void Feed::keep(const Carry& states) {
  const auto lanes = static_cast<std::int64_t>(begins_.size());
  const auto rows = rows_of(states, initial_);
  keep_states(replay_, begins_, rows.view({rows.size(0) / lanes, lanes, -1}));
}

SequenceBatch Feed::draw_anywhere(std::int64_t lanes, std::int64_t steps) {
  const auto begins = draw_begins(replay_, lanes, draws_);
  auto batch = sequences_at(replay_, begins, steps).to(system_.device);
  if (keeps_states()) batch.before = carry_of(states_before(replay_, begins), initial_);
  return batch;
}

SequenceBatch Feed::at(const std::vector<std::int64_t>& begins, std::int64_t steps, bool pictures) const {
  return sequences_at(replay_, begins, steps, pictures).to(system_.device);
}

SequenceBatch Feed::sheet(std::int64_t lanes, std::int64_t steps, Rng chance) const {
  std::vector<std::int64_t> begins;
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    const auto any = static_cast<std::int64_t>(chance.integers(static_cast<std::uint64_t>(replay_.frames())));
    begins.push_back(whole_piece(replay_, any, steps));
  }
  return sequences_at(replay_, begins, steps).to(system_.device);
}

SequenceBatch Feed::piece(double recency, std::int64_t most_steps) const {
  const auto last =
      static_cast<std::int64_t>(std::clamp(recency, 0.0, 1.0) * static_cast<double>(replay_.frames() - 1));
  const auto before = std::min(static_cast<std::int64_t>(replay_.position(last).time), most_steps - 1);
  return sequences_at(replay_, {last - before}, before + 1);
}

void Feed::save_draws(Checkpoint& into, const std::string& name) const {
  const auto& s = draws_.state();
  const auto word = [](std::uint64_t x) { return static_cast<std::int64_t>(x); };
  into.tensors[name] = torch::tensor({word(s.state_high), word(s.state_low), word(s.increment_high),
                                      word(s.increment_low), word(s.seed), word(s.key), word(s.has_half), word(s.half)},
                                     torch::kInt64);
  store_place(into, name + "_stream", stream_ && !filling_ ? stream_->place() : place_);
}

void Feed::load_draws(const Checkpoint& from, const std::string& name) {
  const auto draws = from.exact(name, {8}).contiguous();
  if (draws.scalar_type() != torch::kInt64)
    throw Error(from.origin + ": '" + name + "' is no state of a random stream");
  const auto word = [d = draws.data_ptr<std::int64_t>()](int i) { return static_cast<std::uint64_t>(d[i]); };
  if (word(3) % 2 == 0 || word(6) > 1 || word(7) > 0xffffffffu)
    throw Error(from.origin + ": '" + name + "' is no state of a random stream");
  draws_ = Rng(Rng::State{word(0), word(1), word(2), word(3), word(4), word(5), static_cast<std::uint32_t>(word(6)),
                          static_cast<std::uint32_t>(word(7))});
  place_ = place_in(from, name + "_stream");
}

/// Frames are counted from the first that this run collected, so that more episodes on the disk (of an async actor that
/// went on), fewer in memory or other given ones (of another budget) do not shift what is known of the others.
void Feed::save(Checkpoint& into, const std::string& prefix) const {
  const auto dropped = replay_.dropped() - given_frames_;
  into.tensors[prefix + "counters"] = torch::tensor({dropped + replay_.whole_frames(), dropped}, torch::kInt64);
  std::vector<std::int64_t> fresh;
  for (std::int64_t lane = 0; lane < replay_.lanes(); ++lane) fresh.push_back(replay_.fresh(lane));
  into.tensors[prefix + "fresh"] = torch::tensor(fresh, torch::kInt64);
  if (keeps_states() && replay_.frames() > 0)
    into.tensors[prefix + "states"] = states_between(replay_, 0, replay_.frames());
}

void Feed::check(const Checkpoint& from, const std::string& prefix) const {
  const auto fail = [&](const char* name, const std::string& what) {
    throw Error(from.origin + ": '" + prefix + name + "' " + what);
  };
  if (from.tensors.contains(prefix + "fresh")) {
    const auto fresh = from.exact(prefix + "fresh", {-1});
    if (fresh.scalar_type() != torch::kInt64 || fresh.numel() > options_.lanes || fresh.lt(0).any().item<bool>())
      fail("fresh", "must hold a count of frames for each of the lanes");
  }
  if (from.tensors.contains(prefix + "counters")) {
    constexpr std::int64_t most = std::int64_t{1} << 50;
    const auto counters = from.exact(prefix + "counters", {2});
    if (counters.scalar_type() != torch::kInt64 || counters.lt(-most).any().item<bool>() ||
        counters.gt(most).any().item<bool>())
      fail("counters", "must hold two counts of frames");
  }
  if (!keeps_states() || !from.tensors.contains(prefix + "states")) return;
  const auto states = from.exact(prefix + "states", {-1, static_cast<std::int64_t>(replay_.state_size())});
  if (!states.isfinite().all().item<bool>()) fail("states", "holds a number that is not finite");
}

void Feed::load(const Checkpoint& from, const std::string& prefix) {
  const auto here = replay_.dropped() - given_frames_, there = here + replay_.whole_frames();  // whole ones in memory
  const bool known_lanes = from.tensors.contains(prefix + "fresh");
  if (known_lanes) {
    const auto fresh = from.tensors.at(prefix + "fresh").contiguous();
    for (std::int64_t lane = 0; lane < fresh.numel(); ++lane) {
      const auto found = options_.keep_found && lane < replay_.lanes() ? replay_.fresh(lane) : 0;
      replay_.set_fresh(lane, fresh.data_ptr<std::int64_t>()[lane] + found);
    }
  }
  if (!keeps_states() || !from.tensors.contains(prefix + "states") || !from.tensors.contains(prefix + "counters"))
    return;
  const auto states = from.tensors.at(prefix + "states").to(torch::kBFloat16);
  const auto counters = from.tensors.at(prefix + "counters").contiguous();
  const auto first = counters.data_ptr<std::int64_t>()[1];
  // Of whole episodes; in a run of before there were others all of them.
  const auto whole = known_lanes
                         ? std::clamp<std::int64_t>(counters.data_ptr<std::int64_t>()[0] - first, 0, states.size(0))
                         : states.size(0);
  // Those of given episodes only where the same ones are in memory: then both sides begin at the same frame.
  const auto begin = first == here ? here : std::max({first, here, std::int64_t{0}});
  const auto end = std::min(there, whole + std::min(first, there));
  if (begin < end) put_states(replay_, begin - here, states.slice(0, begin - first, end - first));
  const auto under_way = replay_.frames() - replay_.whole_frames();
  if (!options_.keep_found && under_way > 0 && states.size(0) - whole == under_way)
    put_states(replay_, replay_.whole_frames(), states.slice(0, whole));
}

}  // namespace dream
