#pragma once
#include <memory>

#include "core/behaviours/behaviour.h"

namespace dream {

/// Who drives in one model's dream as it learned to in another's: it watches the pictures by the model that it has brought, and knows
/// nothing of the state behind them. Neither has weights of the run that it visits.
class Guest : public Behaviour {
 public:
  /// `height`, `width`: of the pictures that its model sees; others are scaled. The model must do with pictures alone.
  Guest(std::shared_ptr<WorldModel> model, std::shared_ptr<Behaviour> behaviour, std::int64_t actions, std::int64_t height, std::int64_t width);

  /// Both memories, as "model/…" and "behaviour/…", and "done", [lanes, A].
  Carry initial(std::int64_t lanes) const override;
  /// Looks at what the observation shows, in a dream at the picture that the state is decoded to.
  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;

 private:
  torch::Tensor picture(const Seen& seen) const;

  std::shared_ptr<WorldModel> model_;
  std::shared_ptr<Behaviour> behaviour_;
  std::int64_t actions_, height_, width_;
};

}  // namespace dream
