#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "core/engine/system.h"

namespace dream {

/// The run whose agent drives in a run's dreams where nobody chooses, its path from the run's own folder: for a world model whose
/// behaviour has learned nothing.
constexpr const char* driver_fact = "driver";

/// The agent of `run`, a folder or a checkpoint, drives in the dreams of `system` from now on, unless its knob says otherwise. Throws
/// dream::Error where that run is of another world or other actions, has nobody who drives, or does not do with pictures alone.
void invite_driver(System& system, const std::filesystem::path& run);

/// load_system(), with the driver that the run asks for. Where it cannot come, why goes to `away`, and the run's own behaviour drives.
std::shared_ptr<System> load_with_driver(const Checkpoint& checkpoint, const std::string& device, const std::string& world = {},
                                         std::string* away = nullptr);

}  // namespace dream
