// The lesson: a few short steps, each with what to look at and a button that does it. Steps whose probe or control the
// model does not offer are left out.
#include <algorithm>
#include <string>
#include <vector>

#include "ui/knobs.h"
#include "ui/panel_list.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

struct Step {
  std::string title, what;
  std::vector<std::pair<std::string, std::function<void(Ui&)>>> buttons;
};

template <class T>
const Probe* find_value(const DreamView& dream, bool editable = false) {
  for (const Probe& probe : dream.probes)
    if (probe.value && std::holds_alternative<T>(*probe.value) && (!editable || probe.editable)) return &probe;
  return nullptr;
}

std::function<void(Ui&)> bend(double share) {
  return [share](Ui& ui) {
    KnobSettings before, after;
    for (const auto* k : group_of_knobs(ui.dream())) {
      before.emplace_back(k->knob.name, k->value);
      after.emplace_back(k->knob.name, std::clamp(share * k->knob.default_value, k->knob.minimum, k->knob.maximum));
    }
    set_knobs(ui, after, before);
  };
}

std::vector<Step> make_steps(const DreamView& dream) {
  std::vector<Step> steps;
  steps.push_back({"A picture that nobody took",
                   "The large picture is imagined. A network draws it from a few numbers, step by step, and each step "
                   "builds on the one before. Hold a driving key: the dream answers.",
                   {{"new start", [](Ui& ui) { ui.send(DreamControl{DreamControl::Do::new_start}); }}}});
  steps.push_back(
      {"How far does it hold?",
       "Beside it the real world moves under the same keys, from the same first frame. At first the two agree; "
       "watch the difference grow. A dream is honest for a while only.",
       {{"same start again", [](Ui& ui) { ui.send(DreamControl{DreamControl::Do::restart}); }}}});
  if (const Probe* latent = find_value<Vector>(dream, true))
    steps.push_back(
        {"The world in a few numbers: z",
         "Each bar at the right is one number of the latent z; the whole picture is made of them. Drag one and "
         "see what it means.",
         {{"throw the dice", [name = latent->name](Ui& ui) { ui.send(RandomiseLatent{name}); }}}});
  if (find_value<Mixture>(dream))
    steps.push_back(
        {"The next moment is a guess",
         "For every number of z the model names several possible next values, each with a chance π, a mean μ "
         "and a spread σ; one is drawn. Flat bars in the entropy strip: it is sure. Tall ones: it is torn.",
         {}});
  if (const Probe* latent = find_value<Categorical>(dream, true)) {
    steps.push_back(
        {"A latent of categories",
         "Here the state is a table: each row picks one class. Bright prior and bright posterior in the same "
         "cell mean that the model foresaw what it then saw. A row whose prior is spread over several classes has "
         "several futures; only one of them is drawn, never a blur between them.",
         {{"throw the dice", [name = latent->name](Ui& ui) { ui.send(RandomiseLatent{name}); }}}});
    steps.push_back(
        {"Reach in",
         "Click a cell of the prior: the dream keeps that class, and you see what it stands for. Some classes move a "
         "thing, some do nothing. “Let go” returns the row to the dream. “Keep all” takes the whole state to another "
         "start.",
         {{"same start again", [](Ui& ui) { ui.send(DreamControl{DreamControl::Do::restart}); }}}});
    steps.push_back(
        {"What the frame told: KL",
         "The KL of a row is what seeing the frame told beyond what was predicted. Training pulls it down from two "
         "sides: the prior learns to predict (β_dyn), and, more gently, the posterior to be predicted (β_rep). Below "
         "the "
         "free nats nobody pulls, or z would fall silent. In Train, move the free nats or α while it learns, and watch "
         "the curves and the rows that collapse.",
         {{"go to Train", [](Ui& ui) { ui.want_workspace = "train"; }}}});
  }
  if (std::ranges::any_of(dream.probe_names, [](const std::string& name) { return name.ends_with("_bins"); }))
    steps.push_back(
        {"Numbers of any size: symlog",
         "Rewards may be 1 in one world and 1,000 in another. This model does not name a number: it says how likely "
         "each of many bins is. They lie evenly in symlog, close together near 0 and far apart beyond. The tab Horizon "
         "shows them; two humps mean that it expects one of two things.",
         {}});
  if (const auto bent = group_of_knobs(dream); !bent.empty()) {
    const KnobGroup& group = bent.front()->knob.group;
    steps.push_back({group.title + ": " + group.symbol, group.help,
                     {{group.symbol + " low", bend(0.1)}, {"as learned", bend(1)}, {group.symbol + " high", bend(1.5)}}});
  }
  steps.push_back(
      {"Learn it yourself",
       "The Train workspace shows how the networks got here: watch the error fall and the pictures sharpen.",
       {{"go to Train", [](Ui& ui) { ui.want_workspace = "train"; }}}});
  return steps;
}

}  // namespace

void draw_lesson(const Snapshot& snapshot, Ui& ui) {
  const std::vector<Step> steps = make_steps(*snapshot.dream);
  // Which steps there are depends on what the model publishes, whichever tab of the mind is open.
  ui.wanted_probes.insert(snapshot.dream->probe_names.begin(), snapshot.dream->probe_names.end());
  int& at = ui.views["lesson"].selected;
  at = std::clamp(at, 0, static_cast<int>(steps.size()) - 1);
  const Step& step = steps[static_cast<std::size_t>(at)];
  text(ui.color().dream, "Lesson · %d of %d", at + 1, static_cast<int>(steps.size()));
  ImGui::Dummy({0, ui.px(4)});
  ImGui::PushTextWrapPos(0);
  {
    WithFont bold(ui.fonts.bold, 1.35f);
    ImGui::TextUnformatted(step.title.c_str());
  }
  ImGui::Dummy({0, ui.px(4)});
  ImGui::TextUnformatted(step.what.c_str());
  ImGui::PopTextWrapPos();
  ImGui::Dummy({0, ui.px(8)});
  for (std::size_t i = 0; i < step.buttons.size(); ++i) {
    if (i) ImGui::SameLine(0, ui.px(6));
    if (button(ui, step.buttons[i].first.c_str(), step.buttons[i].first.c_str(), "Do it now, and watch.",
               {.why_not = snapshot.dream->ready ? "" : "No dream yet."}))
      step.buttons[i].second(ui);
  }
  const float bottom = ImGui::GetWindowHeight() - ImGui::GetFrameHeight() - ui.px(14);
  ImGui::SetCursorPosY(std::max(ImGui::GetCursorPosY() + ui.px(12), bottom));
  if (button(ui, "← back", "Back", "The step before.", {.why_not = at == 0 ? "This is the first step." : ""})) --at;
  ImGui::SameLine(0, ui.px(8));
  const bool last = at + 1 >= static_cast<int>(steps.size());
  if (button(ui, "next →", "Next", "The next step.",
             {.accent = !last, .why_not = last ? "This is the last step." : ""}))
    ++at;
}

}  // namespace dream::ui
