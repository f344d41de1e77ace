// GCC 12 sees std::regex, which the dialogs' header uses, as uninitialised when sanitizers are on: a false alarm.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "ui/dialogs.h"

#include "portable_file_dialogs/portable_file_dialogs.h"

namespace dream::ui {

struct FolderDialog::Open {
  pfd::select_folder dialog{"Open a run", ""};
};

FolderDialog::FolderDialog() = default;

FolderDialog::~FolderDialog() {
  if (open_) open_->dialog.kill();
}

bool FolderDialog::available() {
  static const bool found = pfd::settings::available();
  return found;
}

void FolderDialog::open() {
  if (!open_ && available()) open_ = std::make_unique<Open>();
}

std::string FolderDialog::take() {
  if (!open_ || !open_->dialog.ready(0)) return "";
  const std::string chosen = open_->dialog.result();
  open_.reset();
  return chosen;
}

}  // namespace dream::ui
