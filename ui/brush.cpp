#include "ui/brush.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ui/control_row.h"
#include "ui/game.h"
#include "ui/pictures.h"
#include "ui/slider.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

constexpr std::size_t most_strokes = 200, most_recent = 6;
constexpr const char* pipette = "\xef\x87\xbb";

bool of_the_world(const Image& image, const Spaces& spaces) {
  return image.width == spaces.image_width && image.height == spaces.image_height &&
         image.channels == spaces.image_channels;
}

double mean_squared(const Image& a, const Image& b) {
  if (a.pixels.size() != b.pixels.size() || a.pixels.empty()) return -1;
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    const double off = (a.pixels[i] - b.pixels[i]) / 255.0;
    sum += off * off;
  }
  return sum / static_cast<double>(a.pixels.size());
}

Brush::Colour colour_at(const Image& image, ImVec2 at) {
  const int x = std::clamp(static_cast<int>(at.x), 0, image.width - 1), y = std::clamp(static_cast<int>(at.y), 0, image.height - 1);
  const auto* pixel = &image.pixels[static_cast<std::size_t>((y * image.width + x) * image.channels)];
  return {pixel[0], pixel[image.channels > 1 ? 1 : 0], pixel[image.channels > 1 ? 2 : 0]};
}

bool corrects(Coupling how) {
  return how == Coupling::anchored || how == Coupling::reality_leads || how == Coupling::awake;
}

float recent_side() {
  return 0.75f * ImGui::GetFrameHeight();
}

float label_width(const char* label) {
  return ImGui::CalcTextSize(label).x + 2 * ImGui::GetStyle().FramePadding.x;
}

}  // namespace

std::string Brush::why_not(const Ui& ui) {
  const DreamView& dream = ui.dream();
  if (!dream.ready) return "No dream yet: open a run (File, Open run) or train one.";
  if (!dream.has_model) return "This system has no model that could look at a picture: it acts in the real world alone.";
  if (dream.spaces.image_bytes() == 0 || (dream.spaces.image_channels != 1 && dream.spaces.image_channels != 3))
    return "This model has no encoder for single pictures: its world shows none.";
  const Frame* frame = find_frame(dream.frames, "dream");
  if (!frame || !frame->image || !of_the_world(*frame->image, dream.spaces))
    return "There is no picture to paint on: this model has no decoder.";
  if (dream.has_done && dream.done_probability > 0.5f)
    return "The dream has ended with this step: go back, or begin anew.";
  return "";
}

void Brush::begin(Ui& ui) {
  const DreamView& dream = ui.dream();
  goes_on_ = dream.playing;
  if (dream.playing) ui.send(DreamControl{DreamControl::Do::pause});
  states_ = {find_frame(dream.frames, "dream")->image};
  run_ = dream.run;
  at_ = 0, picking_ = false;
  asked_.reset();
}

void Brush::put_back(Ui& ui) {
  states_.clear();
  at_ = 0;
  asked_.reset();
  if (goes_on_) ui.send(DreamControl{DreamControl::Do::play});
}

void Brush::dream_on(Ui& ui, bool first) {
  if (!active() || asked_) return;
  asked_.emplace();
  first_ = first;
  if (!ui.dream().playing) return;
  goes_on_ = true;
  ui.send(DreamControl{DreamControl::Do::pause});
}

void Brush::tick(Ui& ui) {
  const DreamView& dream = ui.dream();
  if (!active()) return;
  if (dream.run != run_ || !of_the_world(*states_[at_], dream.spaces)) {
    states_.clear(), asked_.reset(), at_ = 0;
    return ui.say("The painting was of another run's dream, and is put away.");
  }
  const TimelineStep* now = present_of(dream);
  if (!asked_ || !now || dream.playing) return;
  if (!asked_->sent) {
    asked_ = {true, ui.time + 3, ui.snapshot->fault, now->id, {dream.coupling, dream.coupling_steps}};
    if (corrects(dream.coupling)) ui.send(SetCoupling{Coupling::dream_leads, 0});  // else it would be seen for a moment
    return ui.send(SeePicture{states_[at_], first_});
  }
  const Frame* made = find_frame(dream.frames, "dream");
  if (now->id == asked_->from || !now->anchored || !made || !made->image) {
    const std::string& fault = ui.snapshot->fault;  // it says why; the painting stays
    if ((!fault.empty() && fault != asked_->fault) || ui.time > asked_->until) asked_.reset();
    return;
  }
  seen_ = {states_[at_], made->image, mean_squared(*states_[at_], *made->image), now->id, now->step};
  std::vector<Command> undo{GoTo{asked_->from}}, redo{GoTo{seen_.instant}};
  if (corrects(asked_->before.how)) {
    undo.insert(undo.begin(), asked_->before);
    redo.insert(redo.begin(), SetCoupling{Coupling::dream_leads, 0});
    ui.say("The dream has seen your painting and leads now: real frames no longer correct it. Ctrl-Z takes it back.");
  }
  ui.undoable("painting", std::move(undo), std::move(redo));
  states_.clear(), asked_.reset(), at_ = 0;
  if (goes_on_) ui.send(DreamControl{DreamControl::Do::play});
}

std::vector<Frame> Brush::frames(const DreamView& dream) const {
  const TimelineView& timeline = dream.timeline;
  const Frame* now = find_frame(dream.frames, "dream");
  if (!seen_.picture || !now || timeline.present >= timeline.line.size()) return {};
  std::size_t at = timeline.present;
  while (timeline.line[at].id != seen_.instant) {
    if (at == 0 || timeline.line[at].anchored) return {};  // it stood on a real frame since, or never saw the painting
    --at;
  }
  const auto steps = timeline.line[timeline.present].step - seen_.step;
  std::vector<Frame> all{*now};
  all[0].caption = counted(steps, "step") + " since your painting";
  all.push_back({"reconstruction", "what the encoder made of your painting", seen_.error, seen_.made_of_it});
  all.push_back({"painted", "by you", -1, seen_.picture});
  return all;
}

void Brush::paint(Image& image, ImVec2 from, ImVec2 to, float diameter, Colour colour) {
  const ImVec2 way{to.x - from.x, to.y - from.y};
  const float length = way.x * way.x + way.y * way.y, radius = diameter / 2;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      const float along_x = static_cast<float>(x) + 0.5f - from.x, along_y = static_cast<float>(y) + 0.5f - from.y;
      const float t = length > 0 ? std::clamp((along_x * way.x + along_y * way.y) / length, 0.0f, 1.0f) : 0;
      const float off_x = along_x - t * way.x, off_y = along_y - t * way.y;
      const bool under = x == static_cast<int>(std::floor(to.x)) && y == static_cast<int>(std::floor(to.y));
      if (!under && off_x * off_x + off_y * off_y > radius * radius) continue;
      std::copy_n(colour.begin(), image.channels, &image.pixels[static_cast<std::size_t>((y * image.width + x) * image.channels)]);
    }
}

void Brush::take(Colour colour) {
  colour_ = colour;
  picking_ = false;
}

void Brush::draw_canvas(Ui& ui, ImVec2 size) {
  const Image& shown = *states_[at_];
  const std::string caption =
      std::to_string(shown.width) + " × " + std::to_string(shown.height) + " px, to paint on";
  const Frame frame{"dream", caption, -1, states_[at_]};
  draw_picture(ui, "canvas dream", {}, &frame, "dream", size, "");
  const ImVec2 max = ImGui::GetItemRectMax(), min{max.x - size.x, max.y - size.y}, mouse = ImGui::GetMousePos();
  const float scale = size.x / static_cast<float>(shown.width);
  const ImVec2 at{(mouse.x - min.x) / scale, (mouse.y - min.y) / scale};
  const bool hovered = ImGui::IsItemHovered() && at.y >= 0, begun = ImGui::IsItemActivated();
  const ImGuiIO& io = ImGui::GetIO();
  if (hovered) diameter_ = std::clamp(diameter_ + static_cast<double>(io.MouseWheel), 1.0, shown.width / 2.0);
  const bool picked = (begun && (picking_ || io.KeyAlt)) || (hovered && ImGui::IsMouseClicked(ImGuiMouseButton_Right));
  if (picked) {
    take(colour_at(shown, at));
  } else if (ImGui::IsItemActive() && !asked_ && (begun || stroke_)) {
    if (begun) {
      states_.resize(at_ + 1);
      states_.push_back(states_[at_]);
      if (states_.size() > most_strokes) states_.erase(states_.begin());
      at_ = states_.size() - 1;
      last_ = at;
      std::erase(recent_, colour_);
      recent_.insert(recent_.begin(), colour_);
      recent_.resize(std::min(recent_.size(), most_recent));
    }
    if (begun || at.x != last_.x || at.y != last_.y) {
      auto next = std::make_shared<Image>(*states_[at_]);
      paint(*next, last_, at, static_cast<float>(diameter_), colour_);
      states_[at_] = std::move(next);
      last_ = at;
    }
  }
  stroke_ = ImGui::IsItemActive() && (begun ? !picked : stroke_);
  if (!hovered) return;
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->PushClipRect(min, max, true);
  const float radius = picking_ || io.KeyAlt ? ui.px(5) : std::max(static_cast<float>(diameter_) * scale / 2, ui.px(2));
  list->AddCircle(mouse, radius + 1, IM_COL32(0, 0, 0, 200), 0, ui.px(1));
  list->AddCircle(mouse, radius, IM_COL32(255, 255, 255, 230), 0, ui.px(1));
  list->PopClipRect();
}

void Brush::draw_colour(Ui& ui, float width) {
  if (states_[at_]->channels == 1) {
    double grey = colour_[0];
    if (slider(ui, "grey", &grey, {0, 255, false, true}, 255, width).changed)
      colour_.fill(static_cast<std::uint8_t>(grey));
    tip(ui, "Grey", "The brush's grey, from 0 (black) to 255 (white).");
    return;
  }
  float rgb[3];
  for (std::size_t i = 0; i < 3; ++i) rgb[i] = static_cast<float>(colour_[i]) / 255;
  if (ImGui::ColorEdit3("###brush colour", rgb, ImGuiColorEditFlags_NoInputs | ImGuiColorEditFlags_NoTooltip))
    for (std::size_t i = 0; i < 3; ++i) colour_[i] = static_cast<std::uint8_t>(std::lround(rgb[i] * 255));
  tip(ui, "Colour", "The brush's colour: click to mix another, or take one from the picture by a right click.");
}

void Brush::draw_recent(Ui& ui) {
  const float side = recent_side(), top = ImGui::GetCursorPosY() + (ImGui::GetFrameHeight() - side) / 2;
  for (std::size_t i = 0; i < most_recent; ++i) {
    if (i > 0) ImGui::SameLine(0, ui.px(3));
    ImGui::SetCursorPosY(top);
    const Colour each = i < recent_.size() ? recent_[i] : Colour{};
    ImGui::PushID(static_cast<int>(i));
    const ImVec4 shown = to_vec(i < recent_.size() ? IM_COL32(each[0], each[1], each[2], 255) : ui.color().well);
    if (ImGui::ColorButton("recent", shown, ImGuiColorEditFlags_NoTooltip, {side, side}) && i < recent_.size()) take(each);
    ImGui::PopID();
    tip(ui, "Recent colour", i < recent_.size() ? "Paint with it again." : "A colour that was painted with comes here.");
  }
}

void Brush::draw_tools(Ui& ui, float width, int rows) {
  const ImVec2 from = ImGui::GetCursorScreenPos();
  {
    WithFont small(ui.fonts.text, 0.94f);
    const char* says = asked_ ? "The model looks at it …"
                       : picking_ ? "Click the picture: the brush takes the colour that is there."
                                  : "Paint on the dream: drag. A right click takes a colour, the wheel makes the brush larger.";
    text(ui.color().dream, "%s", fitted(says, width).c_str());
    tip(ui, "Painting", says);
  }
  char pixels[16];
  std::snprintf(pixels, sizeof pixels, "%2.0f px", diameter_);
  const double most = std::floor(states_[at_]->width / 2.0);
  const auto fixed = [](float wide, auto draw) { return Control{wide, wide, draw}; };
  const float square = ImGui::GetFrameHeight(), figure = ImGui::CalcTextSize("00 px").x + ui.px(6);
  const bool grey = states_[at_]->channels == 1;
  const std::vector<Control> controls{
      fixed(label_width("dream on"), [&](float wide) { action_button(ui, "dream on", "paint_on", true, wide); }),
      fixed(label_width("begin with it"), [&](float wide) { action_button(ui, "begin with it", "paint_begin", false, wide); }),
      fixed(label_width("put back"),
            [&](float wide) {
              if (button(ui, "put back", "Put back", "The dream goes on as if nobody had painted.", {.keys = "Esc", .width = wide}))
                put_back(ui);
            }),
      fixed(label_width("undo"), [&](float wide) { action_button(ui, "undo", "undo", false, wide); }),
      {grey ? ui.px(90) : square, grey ? ui.px(160) : square, [&](float wide) { draw_colour(ui, wide); }},
      fixed(ui.px(38),
            [&](float wide) {
              if (button(ui, pipette, "Take a colour",
                         "The next click takes the colour under it; so does a right click, or a click with Alt.",
                         {.accent = picking_, .width = wide}))
                picking_ = !picking_;
            }),
      {ui.px(90) + figure, ui.px(200) + figure,
       [&](float wide) {
         slider(ui, "brush size", &diameter_, {1, most, false, true}, 6, wide - figure);
         tip(ui, "Brush", "Its diameter in pixels of the world; the wheel over the picture changes it too.");
         ImGui::SameLine(0, ui.px(6));
         ImGui::AlignTextToFramePadding();
         mono(ui, ui.color().text, "%s", pixels);
       }},
      fixed(most_recent * (recent_side() + ui.px(3)), [&](float) { draw_recent(ui); }),
  };
  ImGui::SetCursorScreenPos({from.x, from.y + ImGui::GetTextLineHeight() + ui.px(8)});
  control_row(ui, "brush", controls, width, rows);
}

}  // namespace dream::ui
