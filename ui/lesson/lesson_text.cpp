// Lessons written as files.
#include <cmath>
#include <cstdint>
#include <locale>
#include <sstream>

#include "ui/coupling.h"
#include "ui/lesson/deeds.h"
#include "ui/lesson/lesson_file.h"

namespace dream::ui {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\', out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (code < 0x20 || code == 0x7f) {
      constexpr char digits[] = "0123456789ABCDEF";
      out += std::string("\\u00") + digits[code >> 4] + digits[code & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string written(double value) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out.precision(17);
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    out << static_cast<std::int64_t>(value);
    return out.str();
  }
  for (int digits = 6; digits <= 17; ++digits) {  // the shortest that is the same number
    out.str("");
    out.precision(digits);
    out << value;
    if (std::stod(out.str()) == value) break;
  }
  return out.str();
}

template <class Items, class Write>
std::string list_of(const Items& items, Write write) {
  std::string text;
  for (const auto& each : items) text += (text.empty() ? "" : ", ") + write(each);
  return "[" + text + "]";
}

std::string inline_reach(const Reach& reach) {
  const Deed& deed = *find_deed(reach.deed);
  std::string text = "{ that = " + quoted(reach.that) + ", " + reach.deed + " = ";
  if (deed.kind == Deed::Kind::word || deed.kind == Deed::Kind::named)
    text += quoted(reach.name);
  else
    text += deed.kind == Deed::Kind::flag ? (reach.value > 0 ? "true" : "false") : written(reach.value);
  if (deed.kind == Deed::Kind::named) text += (reach.below ? ", below = " : ", above = ") + written(reach.value);
  return text + " }";
}

std::string written_step(const LessonStep& step) {
  std::string out = "\n[[step]]\n";
  const auto line = [&](const std::string& key, const std::string& value) { out += key + " = " + value + "\n"; };
  const auto text = [&](const std::string& key, const std::string& value) {
    if (!value.empty()) line(key, quoted(value));
  };
  const auto words = [&](const std::string& key, const std::vector<std::string>& all) {
    if (!all.empty()) line(key, list_of(all, quoted));
  };
  const auto flag = [&](const std::string& key, const std::optional<bool>& value) {
    if (value) line(key, *value ? "true" : "false");
  };
  text("title", step.title), text("text", step.text);
  text("run", step.run);
  if (step.train)
    line("train", "{ recipe = " + quoted(step.train->recipe) + ", world = " + quoted(step.train->world) +
                      (step.train->settings.empty() ? "" : ", settings = " + list_of(step.train->settings, quoted)) + " }");
  text("workspace", step.workspace), words("panels", step.panels), text("tab", step.tab);
  text("start", step.start);
  if (step.seed) line("seed", std::to_string(*step.seed));
  flag("play", step.play), flag("twin", step.twin);
  if (step.coupling && step.coupling->first == Coupling::anchored) {
    line("anchor", std::to_string(step.coupling->second));
  } else if (step.coupling) {
    text("coupling", coupling_word(step.coupling->first));
    if (usual_steps_of(step.coupling->first) > 0) line("coupling_steps", std::to_string(step.coupling->second));
  }
  if (step.speed) line("speed", written(*step.speed));
  text("pilot", step.pilot);
  if (!step.knobs.empty())
    line(
        "knobs", "{ " + [&] {
          std::string all;
          for (const auto& [name, value] : step.knobs)
            all += (all.empty() ? "" : ", ") + quoted(name) + " = " + written(value);
          return all;
        }() + " }");
  if (step.hold)
    line("hold", list_of(*step.hold, [](const LatentHold& h) {
           return "{ probe = " + quoted(h.probe) + ", index = " + std::to_string(h.index) +
                  ", value = " + written(h.value) + " }";
         }));
  words("actions", step.actions);
  if (!step.drive.empty())
    line("drive", list_of(step.drive, [](const Scripted& hands) {
           return "{ action = " + list_of(hands.action, written) + ", steps = " + std::to_string(hands.steps) + " }";
         }));
  words("point", step.point), words("lock", step.lock), words("hide", step.hide);
  if (!step.reach.empty()) line("reach", list_of(step.reach, inline_reach));
  if (step.question) {
    out += "[step.ask]\n";
    text("question", step.question->text);
    line("choices", list_of(step.question->answers, [](const Answer& answer) {
           return "{ text = " + quoted(answer.text) + (answer.why.empty() ? "" : ", why = " + quoted(answer.why)) +
                  (answer.right ? ", right = true" : "") + " }";
         }));
  }
  return out;
}

}  // namespace

std::string to_toml(const Lesson& lesson) {
  std::string out = "title = " + quoted(lesson.title) + "\nabout = " + quoted(lesson.about) + "\n";
  for (const LessonStep& step : lesson.steps) out += written_step(step);
  return out;
}

}  // namespace dream::ui
