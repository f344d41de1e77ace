#pragma once
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

/// One group of episodes more; the first decides how many steps are dreamed.
void measure(Inquiry& inquiry, const std::vector<LivedEpisode>& episodes, std::size_t first_episode, Sums& sums,
             double from, double to);
void tell(Inquiry& inquiry, const Sums& sums, LabAnswer& answer);

}  // namespace dream::gap
