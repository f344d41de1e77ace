#pragma once

namespace dream {

/// How dream and real world are tied together. Both take the same actions from the same start.
enum class Coupling {
  drift,          // the agent decides by the real frames; the dream is never corrected
  anchored,       // the agent decides by the dream, which stands on the real frame again every few steps
  reality_leads,  // the agent decides by the real frames, and the dream runs a few steps ahead of them
  dream_leads,    // the agent decides by the dream, which is never corrected
  awake,          // the dream stands on every real frame: one drives in the real world
};

/// What differs between the futures of a fan.
enum class FanOver { closed, chance, knob, action, weights };  // weights: of earlier in the training

}  // namespace dream
