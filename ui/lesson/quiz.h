#pragma once
#include <array>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "ui/ui.h"

namespace dream::ui {

/// Real or dream?: two clips of the same length from the same start under the same actions, one of the real world and
/// one dreamt and never corrected. A class says which is which; the clips grow, and with them its doubts.
class Quiz {
 public:
  enum class State { idle, making, asking, told };
  static constexpr std::array<int, 6> horizons{1, 2, 5, 10, 20, 50};  // imagined steps

  struct Answered {
    int horizon = 0;
    bool real_left = false, right = false;
    bool painted = false;  // the real clip was shown as the model paints it
    double error = -1;     // of the clip's last picture, mean squared; < 0: not known
  };
  struct Accuracy {
    int asked = 0, right = 0;
    double share() const { return static_cast<double>(right) / asked; }
    double low() const;  // of Wilson's interval of one standard error
    double high() const;
  };

  explicit Quiz(unsigned seed = std::random_device{}()) : rng_(seed) {}

  State state() const { return state_; }
  /// Why there can be no clips of this dream; empty = there can.
  static std::string why_not(const Ui& ui);
  void begin(Ui& ui);  // the next clip
  void stop(Ui& ui);   // the dream goes on as it was
  /// How that was, while clips are made.
  struct Before {
    bool human = false, twin = false;
    SetCoupling coupling;
  };
  std::optional<Before> before() const { return busy_ ? std::optional(Before{human_, twin_, coupling_}) : std::nullopt; }
  void reset() { answers_.clear(); }
  void answer(bool left);
  void show_painted(bool on) { painted_ = on; }  // from the next clip on
  bool painted() const { return painted_; }

  void frame(Ui& ui);  // once a frame: asks for the clip's next step and keeps its pictures
  void shown() { shown_ = ImGui::GetFrameCount(); }  // its panel is in sight; out of sight it stops
  int horizon() const { return horizons[static_cast<std::size_t>(at_)]; }
  double made() const { return static_cast<double>(dreamt_.size()) / (horizon() + 1); }  // 0 … 1
  /// The arrows answer: they do not drive.
  bool takes_keys() const { return state_ == State::asking || state_ == State::told; }
  bool real_left() const { return real_left_; }
  /// The picture of one side at a step of the clip, from 0, which is the same on both sides; null while it is made.
  std::shared_ptr<const Image> picture(bool left, int step) const;
  const std::vector<Answered>& answers() const { return answers_; }
  Accuracy accuracy(int horizon) const;  // of the answers under the present kind of real clip
  const std::string& trouble() const { return trouble_; }
  std::string csv() const;

 private:
  void want_start(Ui& ui);
  void ask_again(Ui& ui, const std::string& why);

  std::mt19937 rng_;
  State state_ = State::idle;
  int at_ = 0;       // of horizons
  int longest_ = 5;  // the last of horizons that this world's episodes are long enough for
  int failed_ = 0;   // starts in a row that ended before the clip did
  bool real_left_ = false, painted_ = true, clip_painted_ = true;
  std::vector<std::shared_ptr<const Image>> dreamt_, real_, seen_;  // one a step
  double error_ = -1;
  std::uint64_t sent_at_ = 0;  // the dream's version when something was asked for
  double sent_time_ = 0;
  std::string run_, trouble_;
  std::vector<Answered> answers_;
  int shown_ = 0;
  bool busy_ = false;  // the dream is the quiz's; this is how it was:
  bool played_ = false, human_ = false, twin_ = true;
  SetCoupling coupling_;  // as it was before
};

}  // namespace dream::ui
