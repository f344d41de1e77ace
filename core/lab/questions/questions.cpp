#include "core/lab/questions/questions.h"

namespace dream {

const std::vector<Question>& questions() {
  static const std::vector<Question> all = {
      question_horizon(),     question_blame(),    question_gap(),     question_collapse(),
      question_calibration(), question_actions(),  question_memory(),  question_worst(),
      question_map(),         question_diagnose(), question_compare(), question_asked(),
      question_anew(),        question_places(),    question_codes(),   question_read(),
      question_steps(),
  };
  return all;
}

}  // namespace dream
