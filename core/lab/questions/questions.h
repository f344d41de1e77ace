#pragma once
#include "core/lab/question.h"

namespace dream {

Question question_horizon();
Question question_blame();
Question question_gap();
Question question_collapse();
Question question_calibration();
Question question_actions();
Question question_memory();
Question question_worst();
Question question_map();
Question question_diagnose();
Question question_compare();
Question question_asked();
Question question_anew();
Question question_places();
Question question_codes();
Question question_read();
Question question_steps();

/// Of systems without a model, and of those whose model has found actions of its own: for questions that imagine under true actions.
std::string lacks_true_actions(const System& system);

}  // namespace dream
