#include "ui/chrome.h"
#include "ui/faults.h"
#include "ui/foreign.h"

namespace dream::ui {

void draw_over_all(Ui& ui) {
  draw_faults(ui);
  draw_foreign(ui);
  draw_toast(ui);
  draw_keys_page(ui);
  draw_palette(ui);
  draw_projector(ui);
}

}  // namespace dream::ui
