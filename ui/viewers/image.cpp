#include "ui/pictures.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

constexpr int least_strip = 3;

/// Square pictures side by side, as many as that: how a frame came about, from left to right.
int pictures_in(const Image& value) {
  return value.height > 0 && value.width % value.height == 0 ? value.width / value.height : 1;
}

}  // namespace

void draw_viewer(Ui& ui, const Probe& probe, const Image& value, ImVec2 size) {
  if (const int count = pictures_in(value); count >= least_strip) {
    SheetLook film{.columns = count, .rows = 1, .row_labels = {}, .column_labels = {}, .film = true};
    for (int i = 1; i <= count; ++i) film.column_labels.push_back(std::to_string(i));
    return draw_sheet(ui, probe, value, film, size);
  }
  const ImVec2 fitted = fit_picture(value.width, value.height, size);
  const std::shared_ptr<const Image> shared(probe.value, &value);  // shares the probe's ownership
  const ImVec2 at = ImGui::GetCursorScreenPos(), end{at.x + fitted.x, at.y + fitted.y};
  const std::string slot = "probe/" + probe.name;
  const PictureLook look = ui.look.difference ? PictureLook{} : ui.look;  // it has nothing to be held against
  if (!draw_image(ui, slot, shared, at, end, {look})) {
    const Well box = well(ui, "picture", size);
    centred_note(ui, box.min, box.max, "The model published a picture whose size does not match its pixels.");
    return;
  }
  ImGui::SetNextItemAllowOverlap();
  ImGui::InvisibleButton(slot.c_str(), fitted);
  const ImVec2 below = ImGui::GetCursorScreenPos();
  if (ImGui::IsItemHovered()) show_pixel(ui, slot, {{probe.title, ui.color().text, &value}}, at, end);
  frame_pixel(ui, slot, value, at, end);
  const std::string done = description(look, "", "");
  if (done.empty()) return;
  note_look(ui, slot, done, at, end);
  ImGui::SetCursorScreenPos(below);
  ImGui::Dummy({0, 0});
}

}  // namespace dream::ui
