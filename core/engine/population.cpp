#include "core/engine/run_file.h"
#include "core/engine/population.h"

#include <cmath>
#include <iomanip>
#include <set>
#include <sstream>

#include "api/error.h"
#include "core/engine/counters.h"

namespace dream {

Population::Population(Actor actor, Lanes& lanes, const Options& options)
    : actor_(std::move(actor)), lanes_(lanes), options_(options), state_(static_cast<std::size_t>(lanes.count())) {}

void Population::begin(std::int64_t candidates, std::vector<std::uint64_t> seeds) {
  seeds_ = std::move(seeds);
  results_.assign(static_cast<std::size_t>(candidates) * seeds_.size(), {});
  next_ = done_ = 0;
  for (std::int64_t lane = 0; lane < lanes_.count(); ++lane) assign(lane);
  start_assigned();
}

void Population::assign(std::int64_t lane) {
  auto& state = state_[static_cast<std::size_t>(lane)];
  state = {};
  if (next_ == static_cast<std::int64_t>(results_.size())) return;
  state.job = next_++;
  starting_.push_back({lane, seeds_[static_cast<std::size_t>(state.job) % seeds_.size()]});
}

void Population::start_assigned() {
  lanes_.start_all(starting_);
  for (const auto& start : starting_) {
    if (options_.begins) options_.begins(start.lane);
  }
  starting_.clear();
}

void Population::finish(std::int64_t lane, double reward) {
  const auto& state = state_[static_cast<std::size_t>(lane)];
  results_[static_cast<std::size_t>(state.job)] = {reward, state.steps, state.cost};
  ++done_;
  assign(lane);
}

std::int64_t Population::tick() {
  torch::NoGradGuard no_grad;
  std::vector<std::int64_t> who(state_.size());
  std::vector<char> active(state_.size());
  for (std::size_t lane = 0; lane < state_.size(); ++lane) {
    active[lane] = state_[lane].job >= 0;
    who[lane] = active[lane] ? state_[lane].job / static_cast<std::int64_t>(seeds_.size()) : 0;
  }
  const auto actions = actor_(lanes_.look(), torch::tensor(who, torch::kInt64)).to(torch::kCPU);
  const auto outcomes = lanes_.step(actions, active);
  std::int64_t stepped = 0;
  for (std::size_t index = 0; index < state_.size(); ++index) {
    if (!active[index]) continue;
    auto& lane = state_[index];
    const auto& outcome = outcomes[index];
    ++stepped;
    ++lane.steps;
    lane.reward += outcome.reward;
    lane.cost += outcome.cost;
    lane.unrewarding += outcome.reward;
    ++lane.since_reward;
    if (outcome.reward > 0) lane.since_reward = 0, lane.unrewarding = 0;
    if (outcome.done() || (options_.max_steps > 0 && lane.steps >= options_.max_steps)) {
      finish(static_cast<std::int64_t>(index), lane.reward);
    } else if (options_.patience > 0 && lane.since_reward >= options_.patience) {
      const auto rest = static_cast<double>(std::max<std::int64_t>(options_.max_steps - lane.steps, 0));
      finish(static_cast<std::int64_t>(index),
             lane.reward + rest * lane.unrewarding / static_cast<double>(lane.since_reward));
    }
  }
  start_assigned();
  return stepped;
}

std::vector<std::int64_t> Population::busy() const {
  std::vector<std::int64_t> lanes;
  for (std::size_t lane = 0; lane < state_.size(); ++lane) {
    if (state_[lane].job >= 0) lanes.push_back(static_cast<std::int64_t>(lane));
  }
  return lanes;
}

double Population::progress() const {
  if (results_.empty()) return 0;
  double started = 0;
  for (const auto& lane : state_) {
    if (lane.job >= 0 && options_.max_steps > 0)
      started += static_cast<double>(lane.steps) / static_cast<double>(options_.max_steps);
  }
  return (static_cast<double>(done_) +
          std::min(started, static_cast<double>(results_.size()) - static_cast<double>(done_))) /
         static_cast<double>(results_.size());
}

std::vector<double> Population::mean_rewards() const {
  std::vector<double> means(results_.size() / seeds_.size());
  for (std::size_t job = 0; job < results_.size(); ++job) means[job / seeds_.size()] += results_[job].reward;
  for (auto& mean : means) mean /= static_cast<double>(seeds_.size());
  return means;
}

void Population::save(Checkpoint& into, const std::string& prefix) const {
  std::vector<double> lanes, results;
  for (const auto& lane : state_) {
    lanes.insert(lanes.end(), {static_cast<double>(lane.job), static_cast<double>(lane.steps),
                               static_cast<double>(lane.since_reward), lane.reward, lane.unrewarding});
  }
  std::vector<double> costs;  // of the lanes, then of the results; written where there are any
  for (const auto& lane : state_) costs.push_back(lane.cost);
  for (const auto& result : results_) {
    results.insert(results.end(), {result.reward, static_cast<double>(result.steps)});
    costs.push_back(result.cost);
  }
  if (std::ranges::any_of(costs, [](double cost) { return cost != 0; }))
    into.tensors[prefix + "costs"] = torch::tensor(costs, torch::kFloat64);
  into.tensors[prefix + "lanes"] = torch::tensor(lanes, torch::kFloat64).view({-1, 5});
  into.tensors[prefix + "results"] = torch::tensor(results, torch::kFloat64).view({-1, 2});
  into.tensors[prefix + "queue"] = torch::tensor({next_, done_}, torch::kInt64);
  lanes_.save(into, prefix + "lane_");
}

bool Population::fits(const Checkpoint& from, const std::string& prefix) const {
  const auto rows = [&](const std::string& name) {
    const auto found = from.tensors.find(prefix + name);
    return found == from.tensors.end() || found->second.dim() == 0 ? -1 : found->second.size(0);
  };
  return rows("lanes") == lanes_.count() && rows("results") == static_cast<std::int64_t>(results_.size());
}

void Population::load(const Checkpoint& from, const std::string& prefix) {
  const auto lanes = from.exact(prefix + "lanes", {lanes_.count(), 5}).to(torch::kFloat64).contiguous();
  const auto jobs = static_cast<std::int64_t>(results_.size());
  const auto results = from.exact(prefix + "results", {jobs, 2}).to(torch::kFloat64).contiguous();
  auto costs = torch::zeros({lanes_.count() + jobs}, torch::kFloat64);
  if (from.tensors.contains(prefix + "costs"))
    costs = finite_tensor(from, prefix + "costs", costs.sizes()).to(torch::kFloat64).contiguous();
  const auto queue = counters_of(from, prefix + "queue", {"begun episodes", "finished episodes"});
  const auto next = queue[0], done = queue[1];
  if (next > jobs || done > next) throw Error(from.origin + ": '" + prefix + "queue' is out of range");
  if (!results.isfinite().all().item<bool>() || !lanes.isfinite().all().item<bool>())
    throw Error(from.origin + ": '" + prefix + "lanes' or '" + prefix + "results' holds a number that is not finite");
  std::vector<Lane> state;
  std::set<std::int64_t> taken;
  for (std::int64_t lane = 0; lane < lanes_.count(); ++lane) {
    const double* row = lanes.data_ptr<double>() + lane * 5;
    const auto job = static_cast<std::int64_t>(row[0]);
    if (job < -1 || job >= next || (job >= 0 && !taken.insert(job).second))
      throw Error(from.origin + ": '" + prefix + "lanes' names an episode that does not exist, or one twice");
    if (row[1] < 0 || row[2] < 0 || row[2] > row[1])
      throw Error(from.origin + ": '" + prefix + "lanes' counts steps that no episode can have");
    state.push_back({job, static_cast<std::int64_t>(row[1]), static_cast<std::int64_t>(row[2]), row[3], row[4],
                     costs.data_ptr<double>()[lane]});
  }
  lanes_.load(from, prefix + "lane_");
  state_ = std::move(state);
  for (std::int64_t job = 0; job < jobs; ++job) {
    const double* row = results.data_ptr<double>() + job * 2;
    results_[static_cast<std::size_t>(job)] = {row[0], static_cast<std::int64_t>(row[1]),
                                               costs.data_ptr<double>()[lanes_.count() + job]};
  }
  next_ = next;
  done_ = done;
}

namespace {

Score score_of(const std::vector<Population::Result>& results, double Population::Result::*what) {
  Score score;
  const auto n = static_cast<double>(results.size());
  for (const auto& result : results) score.mean += result.*what / n;
  for (const auto& result : results) score.deviation += (result.*what - score.mean) * (result.*what - score.mean) / n;
  score.deviation = std::sqrt(score.deviation);
  return score;
}

std::string in_words(const Score& score, std::size_t episodes, const std::string& noun) {
  const auto [mean, deviation] = score;
  std::ostringstream text;
  const double size = std::abs(mean) + deviation;
  const int digits = size >= 100 ? 0 : size >= 0.1 ? 2 : 6;
  const double unit = std::pow(10, digits);
  text << std::fixed << std::setprecision(digits) << std::round(mean * unit) / unit + 0.0  // no -0
       << " ± " << deviation << " over " << episodes << " unseen " << noun;
  return text.str();
}

}  // namespace

Score score_of(const std::vector<Population::Result>& results) {
  return score_of(results, &Population::Result::reward);
}

Score cost_of(const std::vector<Population::Result>& results) {
  return score_of(results, &Population::Result::cost);
}

std::string score_in_words(const std::vector<Population::Result>& results, const std::string& noun) {
  return in_words(score_of(results), results.size(), noun);
}

std::string cost_in_words(const std::vector<Population::Result>& results, const std::string& noun) {
  return in_words(cost_of(results), results.size(), noun);
}

Metrics::Spec cost_curve(std::string name, std::string title, std::string x_unit, const Spaces& spaces) {
  return {std::move(name), std::move(title), "cost", std::move(x_unit), spaces.cost_limit, "limit"};
}

void publish_score(System& system, const std::vector<Population::Result>& results, const std::string& noun) {
  system.metrics.clear("evaluate/");
  std::int64_t episode = 0;
  const bool costs = system.metrics.declares("evaluate/cost");
  for (const auto& result : results) {
    system.metrics.add("evaluate/reward", ++episode, result.reward);
    if (costs) system.metrics.add("evaluate/cost", episode, result.cost);
  }
  system.facts[score_fact] = score_in_words(results, noun);
  if (costs) system.facts[cost_fact] = cost_in_words(results, noun);
}

}  // namespace dream
