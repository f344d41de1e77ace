#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {

void draw_viewer(Ui& ui, const Probe& probe, const Image& value, ImVec2 size) {
  const ImVec2 fitted = fit_picture(value.width, value.height, size);
  const std::shared_ptr<const Image> shared(probe.value, &value);  // shares the probe's ownership
  const ImTextureID texture = ui.textures.get("probe/" + probe.name, shared);
  if (texture == ImTextureID_Invalid) {
    const Well box = well(ui, "picture", size);
    centred_note(ui, box.min, box.max, "The model published a picture whose size does not match its pixels.");
    return;
  }
  const ImVec2 at = ImGui::GetCursorScreenPos();
  draw_texture(ImGui::GetWindowDrawList(), texture, at, {at.x + fitted.x, at.y + fitted.y}, ui.settings.smooth);
  ImGui::Dummy(fitted);
  tip(ui, probe.title.c_str(), probe.caption.c_str());
}

}  // namespace dream::ui
