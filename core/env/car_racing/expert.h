#pragma once
#include <array>

#include "core/env/car_racing/car.h"
#include "core/env/car_racing/track.h"

namespace dream::car_racing {

/// A driver who knows the whole track and the car's motion: steers towards a point of the centre line ahead (pure
/// pursuit, Coulter 1992), no faster than what the tyres hold in every bend within braking distance. Steer in [-1, 1]
/// (right is positive), gas and brake in [0, 1]. It remembers nothing.
std::array<float, 3> expert_action(const Track& track, const Car& car);

}  // namespace dream::car_racing
