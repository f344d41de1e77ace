#include "core/behaviours/script_driver.h"

#include "api/error.h"
#include "core/models/script_model.h"

namespace dream {

Decision ScriptDriver::decide(const Seen& seen, const Carry&, Mode, at::Generator rng) {
  auto* model = dynamic_cast<ScriptModel*>(seen.model);
  if (!model) throw Error("this behaviour is a part of its own program, and decides by no other model's state");
  return {.action = model->act(seen.carry, rng)};
}

}  // namespace dream
