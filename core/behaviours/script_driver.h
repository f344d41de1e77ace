#pragma once
#include "core/behaviours/behaviour.h"

namespace dream {

/// Does what the module of a ScriptModel would do (`act`). It remembers nothing and has no weights of its own.
class ScriptDriver : public Behaviour {
 public:
  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
};

}  // namespace dream
