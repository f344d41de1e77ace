#include "app/cli/progress.h"

#include <cmath>
#include <cstdio>

#include "api/platform_time.h"
#include "core/base/platform.h"

namespace dream::cli {

std::string duration(double seconds) {
  if (seconds < 0 || !std::isfinite(seconds)) return "unknown";
  const auto total = static_cast<long>(std::llround(seconds));
  char text[64];
  if (total >= 3600) {
    std::snprintf(text, sizeof text, "%ld h %02ld min", total / 3600, total / 60 % 60);
  } else if (total >= 60) {
    std::snprintf(text, sizeof text, "%ld min %02ld s", total / 60, total % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld s", total);
  }
  return text;
}

ProgressLine::ProgressLine(bool quiet) : quiet_(quiet), terminal_(terminal_on_stderr()) {}

ProgressLine::~ProgressLine() {
  if (open_) std::fputc('\n', stderr);
}

void ProgressLine::show(const PhaseView& phase) {
  if (quiet_) return;
  const double now = now_seconds();
  const bool changed = phase.name != phase_;
  if (!changed && now - drawn_at_ < (terminal_ ? 0.2 : 10)) return;
  if (changed && open_) std::fputc('\n', stderr);
  drawn_at_ = now;
  phase_ = phase.name;
  constexpr int width = 24;
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < phase.progress * width ? "█" : "░";
  char rate[64] = "";
  if (phase.rate > 0) std::snprintf(rate, sizeof rate, "%.0f %s", phase.rate, phase.rate_unit.c_str());
  std::fprintf(stderr, "%s%-8s %s %3.0f %%  %s  %s left  %s%s", terminal_ ? "\r" : "", phase.name.c_str(), bar.c_str(),
               phase.progress * 100, rate, duration(phase.eta_seconds).c_str(), phase.detail.c_str(),
               terminal_ ? "\033[K" : "\n");
  std::fflush(stderr);
  open_ = terminal_;
}

void ProgressLine::say(const std::string& text) {
  if (open_) std::fputc('\n', stderr);
  open_ = false;
  if (!quiet_) std::fprintf(stderr, "%s\n", text.c_str());
}

}  // namespace dream::cli
