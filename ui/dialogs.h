#pragma once
#include <memory>
#include <string>

namespace dream::ui {

/// The desktop's own folder dialog (zenity, kdialog …), where there is one. It runs beside the window: take() is asked
/// once a frame. The destructor ends a dialog that is still open, so that the window can close at once.
class FolderDialog {
 public:
  FolderDialog();
  ~FolderDialog();
  static bool available();
  void open();
  std::string take();  // the chosen folder, once; empty while nothing was chosen

 private:
  struct Open;
  std::unique_ptr<Open> open_;
};

}  // namespace dream::ui
