#pragma once
#include "core/nn/torch.h"

#include <string>
#include <vector>

#include "core/models/world_model.h"

namespace dream {

/// What a behaviour is asked for: experience to learn from, where it may try things, or the best that it can do.
enum class Mode { collect, judge };

/// What a behaviour decides by. Every tensor has the lanes first.
struct Seen {
  WorldModel* model = nullptr;     // null in a system without one
  Carry carry = {};                // the model's, now that it has seen the observation or imagined it
  Observation observation = {};    // what the world shows; in a dream there is none
  torch::Tensor last_reward = {};  // [B], of the step that led here, 0 where an episode begins; undefined: unknown
  KnobValues knobs = {};           // how the person who watches has set what knobs() offers

  torch::Tensor features() const { return model->features(carry); }
  /// Of whatever is there.
  std::int64_t lanes() const;
};

struct Decision {
  torch::Tensor action;  // [B, A], within the action space's bounds
  Carry memory = {};     // for the lane's next step: the tensors that initial() has
  Carry record = {};     // [B, ...]: what the replay is to keep beside this step, as a search's visit counts
  torch::Tensor next = {};  // [B, N, A]: what it means to do after that, where it plans; undefined: it decides then
};

/// One of several ways to act that were found inside a model's dreams.
struct DreamtWay {
  std::string name;        // "τ = 0.10"
  KnobValues knobs = {};   // of Behaviour::knobs(): what makes it drive
  double temperature = 1;  // of the dreams that it was found in
};

/// A policy. It knows neither the environment nor the model family, and may do without a model.
class Behaviour : public torch::nn::Module {
 public:
  /// What it remembers when an episode begins. Empty for one that remembers nothing. Who calls decide() keeps a memory
  /// per lane, and begins it anew with the lane's episode (see Pilot).
  virtual Carry initial(std::int64_t lanes) const {
    (void)lanes;
    return {};
  }

  virtual Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) = 0;

  /// The return that it expects from what is seen, [B], in the units of the model's reward targets and discounted by
  /// discount() a step; undefined for one that expects nothing.
  virtual torch::Tensor value(const Seen& seen) {
    (void)seen;
    return {};
  }
  virtual double discount() const { return 1; }
  /// The cost that it expects to pay from here on, [B], likewise discounted, in the environment's units; undefined for one
  /// that thinks of none.
  virtual torch::Tensor expected_cost(const Seen& seen) {
    (void)seen;
    return {};
  }

  /// What a person may set while it acts: the budget of a plan, a return to go.
  virtual std::vector<Knob> knobs() const { return {}; }

  /// Where it knows several ways, each found in dreams of another temperature: all of them, from the calmest on. Empty otherwise.
  virtual std::vector<DreamtWay> ways() const { return {}; }

  virtual std::vector<std::string> probe_names() const { return {}; }
  /// Publishes what this behaviour thinks of lane 0; computes only what the sink wants.
  virtual void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) {
    (void)seen, (void)memory, (void)sink, (void)rng;
  }
};

}  // namespace dream
