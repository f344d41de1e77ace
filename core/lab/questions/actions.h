#pragma once
#include <array>

#include "core/lab/question.h"
#include "core/lab/starts.h"

namespace dream {

/// An action that is held: a choice, or the end of an axis while the others idle.
struct HeldAction {
  std::string name;
  std::vector<float> values;
};

/// What doing nothing is: the space's own idling, or the middle of every axis.
std::vector<float> idle_of(const ActionSpace& space);

enum Way : std::size_t { as_done, shuffled_way, idle_way, reversed_way };
constexpr std::size_t ways = 4;
inline const std::array<const char*, ways> way_names = {"true actions", "another moment's actions", "idle",
                                                        "backwards"};

/// What was measured under true and other actions. Episodes are numbered as they are held out.
struct ActionsSeen {
  bool paints = false;
  std::int64_t horizon = 0;
  std::vector<std::int64_t> shown, compared;  // steps of the sheet, and of errors
  std::size_t distinct = 0, every = 1;        // actions that were taken; every how many starts are used
  // [way][episode][of `compared`]: summed error of pictures, or of features; how many starts; what stands still misses.
  std::vector<std::vector<std::vector<double>>> error = std::vector<std::vector<std::vector<double>>>(ways);
  std::vector<std::vector<double>> still;
  std::vector<double> starts;
  std::vector<double> apart, moved;         // of an episode: Σ|p(a) − p(a')|, Σ|z_{t+1} − z_t|
  std::vector<std::vector<double>> effect;  // [action][episode]: mean |change of the picture| against idle
  std::vector<double> chance, motion,
      effects;  // of an episode: idle against idle by other chance; the real one; how many
  std::vector<torch::Tensor> before, after, dreamt, action;  // rows to read actions from
  std::vector<char> held_out;
  torch::Tensor projection, sheet;
  Stretches::From sheet_from;
  std::vector<LabMoment> worst;  // of each step: where the true actions' error is largest
  std::vector<double> worst_error;
};

/// Writes down the whole answer.
void report_actions(const ActionSpace& space, const std::vector<HeldAction>& actions, const ActionsSeen& seen,
                    Inquiry& inquiry, LabAnswer& answer);

}  // namespace dream
