#pragma once
#include <string>

#include "api/snapshot.h"

namespace dream::ui {

/// A curve of a run as a table, one line per point: whose it is, where, its value and, of the run's own, the running
/// mean (RFC 4180).
std::string csv_of(const std::string& run, const CurveView& curve, double smoothing);

}  // namespace dream::ui
