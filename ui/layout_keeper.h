#pragma once
#include <filesystem>
#include <string>

#include "imgui.h"
#include "ui/ui.h"

namespace dream::ui {

/// Each workspace's layout: what was saved is shown, the default is built where nothing was, and what somebody changed is saved.
class LayoutKeeper {
 public:
  std::filesystem::path folder;  // empty: nothing is remembered

  void use(Ui& ui, const std::string& workspace_id);
  void remember(Ui& ui) const;
  void rescale(Ui& ui);                // larger text needs other shares
  bool prepare(Ui& ui, ImGuiID dock);  // builds what is to be built; false where the panels wait for the next frame
  void frame_drawn(Ui& ui, bool visible);

 private:
  std::filesystem::path file(const Ui& ui) const;
  std::string now(Ui& ui) const;
  bool untouched(Ui& ui) const;
  void give_up(Ui& ui, const std::string& damage);
  void discard(Ui& ui) const;

  long frames_ = 0;
  bool build_ = false;
  long built_ = -1;        // the frame in which the default was built; -1: a remembered layout is shown
  long read_ = -1;         // the frame in which a remembered one was read; -1: its panels were looked at
  std::string untouched_;  // the default as it was a moment after it was built
};

}  // namespace dream::ui
