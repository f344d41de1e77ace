#pragma once
#include <vector>

#include "api/command.h"
#include "api/data.h"

namespace dream::ui {

/// The scripted engine's datasets: one of seven episodes, one of another program without pictures, and whatever is done to them.
struct FakeData {
  FakeData() { view.known = {"data/CarRacing-by-hand", "data/foreign", "runs/car/data/own"}; }

  void open(const std::string& path);
  void look(const std::string& name);
  void edit(const EditData& command);

  DataView view;
  std::size_t count = 7;         // episodes that are opened next
  std::vector<DataView> before;  // what undo goes back to
};

}  // namespace dream::ui
