#pragma once
#include "core/behaviours/behaviour.h"
#include "core/lab/question.h"

namespace dream::gap {

/// A dream and the real world under the dream's actions, from the same moment.
struct Twin {
  std::uint64_t seed = 0;
  std::int64_t began = 0;                             // step of the episode at which the dream closed its eyes
  std::shared_ptr<const std::vector<float>> actions;  // of the episode until then, and of the dream
  std::vector<double> dreamt, real;                   // reward of every dreamed step
  std::int64_t lived = 0;                             // steps until the real episode was over, or all
  std::int64_t at = 0;                                // where the dearest window begins, from 0
  double excess = 0, shortfall = 0;                   // by which the dream pays more (less) there than reality
};

/// The behaviour from the same moments of held-out episodes, in dreams and in the real world.
struct Sums {
  std::int64_t context = 0, steps = 0;
  std::string symbol;                                    // of what the dreams are bent by; empty: of nothing
  std::vector<double> values;                            // it was set to
  std::size_t usual = 0;                                 // of them: the default
  std::vector<std::vector<std::vector<double>>> dreams;  // returns: [values][starts][copies]
  std::vector<std::vector<double>> chance;   // of random actions in the dream, at the default: [starts][copies]
  std::vector<double> real, chance_real;     // [starts]
  std::vector<double> excesses, shortfalls;  // of every twin's dearest window
  std::vector<double> early;                 // what the dream pays beyond reality in the first window
  std::int64_t window = 0;
  Twin worst;          // the twin with the greatest excess
  bool drives = true;  // false: nobody but chance
  bool slow = false;   // it decides so slowly that the default alone is dreamed with
  std::size_t starts() const { return real.size(); }
};

/// Ways to act that were found in dreams of one temperature each: all in whole dreams of theirs, and in whole episodes.
struct Ways {
  static constexpr std::size_t most = 100;               // dreams and episodes of each, as published
  std::vector<DreamtWay> all;
  std::vector<std::vector<double>> dreamt, real;         // returns: [ways][episodes]
  std::int64_t steps = 0;                                // that an episode lasts at most
  std::size_t episodes() const { return real.empty() ? 0 : real.front().size(); }
};

/// Of the behaviour; none where it knows one way alone.
Ways ways_of(const System& system);
/// So many dreams and episodes of each way more.
void measure(Inquiry& inquiry, Ways& ways, std::size_t more, double from, double to);
/// Before what the answer says already.
void tell(const Ways& ways, LabAnswer& answer);

/// One group of episodes more; the first decides how many steps are dreamed.
void measure(Inquiry& inquiry, const std::vector<LivedEpisode>& episodes, std::size_t first_episode, Sums& sums,
             double from, double to);
void tell(Inquiry& inquiry, const Sums& sums, LabAnswer& answer);

}  // namespace dream::gap
