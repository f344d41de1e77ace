#pragma once
#include <functional>
#include <string>

namespace dream {

/// Runs `work` in a process of its own, a copy of this one, and returns what it returns: for a library that files from
/// strangers may crash or hang. A dream::Error of the work is thrown again here; when the process dies or takes more
/// than `seconds` of the processor, or 20 times as long by the clock, dream::Error says that `subject` ("'d/data/main_data.hdf5'") is damaged. The work must not wait for
/// other threads, which do not exist in the copy, and what it changes stays there.
std::string run_isolated(const std::string& subject, int seconds, const std::function<std::string()>& work);

}  // namespace dream
