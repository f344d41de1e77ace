#include "ui/lesson/lesson_file.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <sstream>

#include "api/error.h"
#include "ui/coupling.h"
#include "ui/lesson/deeds.h"
#include "ui/lesson/things.h"
#include "ui/panel_list.h"

namespace dream::ui {
namespace {

constexpr std::size_t most_bytes = 256 * 1024, most_steps = 50, most_text = 6000, most_line = 300, most_items = 64;

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

template <class All>
std::vector<std::string> names_in(const All& all, std::string All::value_type::*name) {
  std::vector<std::string> names;
  for (const auto& each : all) names.push_back(each.*name);
  return names;
}

/// A table of the file, key by key: a key is asked for with what it must hold, and what nobody asked for is refused.
class Section {
 public:
  Section(const toml::table& table, std::string place) : table_(table), place_(std::move(place)) {}

  [[noreturn]] void fail(const std::string& key, const std::string& what) const {
    throw Error(place_ + (key.empty() ? "" : ", '" + key + "'") + ": " + what);
  }

  const toml::node* find(const std::string& key) {
    asked_.push_back(key);
    return table_.get(key);
  }

  std::string text(const std::string& key, std::size_t most, bool needed = false) {
    const toml::node* node = find(key);
    if (!node && needed) fail(key, "it is missing; a text was expected.");
    return node ? text_of(*node, key, most) : "";
  }

  std::string word(const std::string& key, const std::vector<std::string>& words) {
    const std::string found = text(key, most_line);
    if (!found.empty()) check_word(key, found, words);
    return found;
  }

  std::optional<bool> flag(const std::string& key) {
    const toml::node* node = find(key);
    if (!node) return {};
    if (!node->is_boolean()) fail(key, "true or false was expected.");
    return node->as_boolean()->get();
  }

  std::optional<double> number(const std::string& key, double low, double high, bool whole = false) {
    const toml::node* node = find(key);
    if (!node) return {};
    return number_of(*node, key, low, high, whole);
  }

  std::vector<std::string> words(const std::string& key, const std::function<void(const std::string&)>& check) {
    std::vector<std::string> all;
    for (const toml::node* node : items(key)) {
      all.push_back(text_of(*node, key, most_line));
      check(all.back());
    }
    return all;
  }

  std::vector<double> numbers(const std::string& key, double low, double high) {
    std::vector<double> all;
    for (const toml::node* node : items(key)) all.push_back(number_of(*node, key, low, high, false));
    return all;
  }

  /// Calls `read` for each table of a list, with its place in the file's words.
  bool tables(const std::string& key, const std::function<void(Section)>& read) {
    const bool there = table_.contains(key);
    int count = 0;
    for (const toml::node* node : items(key)) {
      const std::string place = place_ + ", '" + key + "' " + std::to_string(++count);
      if (!node->is_table()) throw Error(place + ": a table { … } was expected.");
      read({*node->as_table(), place});
    }
    return there;
  }

  std::optional<Section> table(const std::string& key) {
    const toml::node* node = find(key);
    if (!node) return {};
    if (!node->is_table()) fail(key, "a table was expected.");
    return Section(*node->as_table(), place_ + ", '" + key + "'");
  }

  std::map<std::string, double> named_numbers(const std::string& key) {
    std::map<std::string, double> all;
    const std::optional<Section> inner = table(key);
    if (!inner) return all;
    if (inner->table_.size() > most_items) fail(key, "more than " + std::to_string(most_items) + " entries.");
    for (const auto& [name, node] : inner->table_)
      all[std::string(name.str())] = number_of(node, key + "." + std::string(name.str()), -1e6, 1e6, false);
    return all;
  }

  void check_word(const std::string& key, const std::string& found, const std::vector<std::string>& words) const {
    if (std::ranges::find(words, found) == words.end())
      fail(key, "'" + found + "' is unknown; one of " + listed(words) + " was expected.");
  }

  /// At the end: nothing may be left over.
  void done() const {
    for (const auto& [name, node] : table_) {
      const std::string key(name.str());
      if (std::ranges::find(asked_, key) == asked_.end())
        fail(key, "no such field; those that there are: " + listed(asked_) + ".");
    }
  }

 private:
  std::vector<const toml::node*> items(const std::string& key) {
    const toml::node* node = find(key);
    if (!node) return {};
    if (!node->is_array()) fail(key, "a list was expected.");
    std::vector<const toml::node*> all;
    for (const toml::node& each : *node->as_array()) all.push_back(&each);
    if (all.size() > most_items) fail(key, "more than " + std::to_string(most_items) + " entries.");
    return all;
  }

  std::string text_of(const toml::node& node, const std::string& key, std::size_t most) const {
    if (!node.is_string()) fail(key, "a text was expected.");
    std::string found = node.as_string()->get();
    if (found.empty()) fail(key, "a text was expected, not an empty one.");
    if (found.size() > most) fail(key, "longer than " + std::to_string(most) + " bytes.");
    return found;
  }

  double number_of(const toml::node& node, const std::string& key, double low, double high, bool whole) const {
    const std::optional<double> found = node.is_number() ? node.value<double>() : std::nullopt;
    if (!found || !(*found >= low && *found <= high) || (whole && *found != std::floor(*found))) {
      const auto said = [](double bound) {
        std::string text = std::to_string(bound);
        text.erase(text.find_last_not_of('0') + 1);
        return text.back() == '.' ? text.substr(0, text.size() - 1) : text;
      };
      fail(key, std::string(whole ? "a whole number" : "a number") + " from " + said(low) + " to " + said(high) +
                    " was expected.");
    }
    return *found;
  }

  const toml::table& table_;
  std::string place_;
  std::vector<std::string> asked_;
};

Reach read_reach(Section at) {
  Reach reach;
  reach.that = at.text("that", most_line, true);
  for (const Deed& deed : deeds()) {
    const toml::node* node = at.find(deed.name);
    if (!node) continue;
    if (!reach.deed.empty()) at.fail(deed.name, "'" + reach.deed + "' is asked for already; one deed was expected.");
    reach.deed = deed.name;
    switch (deed.kind) {
      case Deed::Kind::count:
      case Deed::Kind::exact:
        reach.value = *at.number(deed.name, deed.low, deed.high);
        break;
      case Deed::Kind::flag:
        reach.value = *at.flag(deed.name);
        break;
      case Deed::Kind::word:
        reach.name = deed.words.empty() ? at.text(deed.name, most_line) : at.word(deed.name, deed.words);
        break;
      case Deed::Kind::named: {
        reach.name = at.text(deed.name, most_line);
        const auto above = at.number("above", deed.low, deed.high), below = at.number("below", deed.low, deed.high);
        if (above.has_value() == below.has_value()) at.fail(deed.name, "either 'above' or 'below' was expected.");
        reach.below = below.has_value();
        reach.value = above ? *above : *below;
        break;
      }
    }
  }
  if (reach.deed.empty())
    at.fail("", "nothing is asked for; one of " + listed(names_in(deeds(), &Deed::name)) + " was expected.");
  at.done();
  return reach;
}

Question read_question(Section at) {
  Question question;
  question.text = at.text("question", most_line, true);
  at.tables("choices", [&](Section choice) {
    Answer answer{choice.text("text", most_line, true), choice.text("why", most_text), choice.flag("right") == true};
    if (!answer.right && answer.why.empty()) choice.fail("why", "a wrong answer says why it is wrong.");
    choice.done();
    question.answers.push_back(std::move(answer));
  });
  const auto right = std::ranges::count_if(question.answers, &Answer::right);
  if (question.answers.size() < 2 || question.answers.size() > 4 || right != 1)
    at.fail("choices", "2 to 4 were expected, one of them with right = true.");
  at.done();
  return question;
}

Training read_training(Section at) {
  Training training{at.text("recipe", most_line, true), at.text("world", most_line, true), {}};
  training.settings = at.words("settings", [&](const std::string& setting) {
    if (setting.find('=') == std::string::npos)
      at.fail("settings", "'" + setting + "' is no setting with its value, for example \"world.against=none\".");
    if (const std::size_t run = setting.find("=run:"); run != std::string::npos && !is_run_name(setting.substr(run + 5)))
      at.fail("settings", "'" + setting.substr(run + 5) + "' is no run's name: the name of a shipped run, or of a run's folder beside the lesson, was expected.");
  });
  at.done();
  return training;
}

/// What a name of `point` stands for: a thing, a panel, or a probe.
void check_pointed(const Section& at, const std::string& key, const std::string& name) {
  const Thing* thing = find_thing(name);
  if ((thing && !thing->titles.empty()) || find_panel(name) || name.find('/') != std::string::npos) return;
  std::vector<std::string> names = names_in(panel_list(), &Panel::id);
  for (const Thing& each : things())
    if (!each.titles.empty()) names.push_back(each.name);
  at.fail(key, "'" + name + "' is unknown; a probe (latent/z) or one of " + listed(names) + " was expected.");
}

void check_locked(const Section& at, const std::string& name) {
  const Thing* thing = find_thing(name);
  if (thing && thing->does) return;
  std::vector<std::string> names;
  for (const Thing& each : things())
    if (each.does) names.push_back(each.name);
  at.fail("lock", "'" + name + "' is unknown; one of " + listed(names) + " was expected.");
}

void check_action(const Section& at, const std::string& id) {
  static const std::vector<std::string> allowed = [] {
    std::vector<std::string> ids;
    for (const Action& action : make_actions())
      if (action.group == "Dream" || action.group == "View") ids.push_back(action.id);
    return ids;
  }();
  at.check_word("actions", id, allowed);
}

LessonStep read_step(Section at) {
  LessonStep step;
  step.title = at.text("title", most_line, true);
  step.text = at.text("text", most_text, true);
  step.run = at.text("run", most_line);
  if (!step.run.empty() && !is_run_name(step.run))
    at.fail("run", "'" + step.run +
                       "' is no run's name: the name of a shipped run, or of a run's folder beside the "
                       "lesson, was expected.");
  if (auto training = at.table("train")) step.train = read_training(std::move(*training));
  step.workspace = at.word("workspace", names_in(workspaces(), &Workspace::id));
  step.panels = at.words(
      "panels", [&](const std::string& id) { at.check_word("panels", id, names_in(panel_list(), &Panel::id)); });
  step.tab = at.text("tab", most_line);
  step.start = at.word("start", {"new", "same"});
  if (const auto seed = at.number("seed", 0, 1e9, true)) step.seed = static_cast<std::int64_t>(*seed);
  if (step.seed && !step.start.empty()) at.fail("seed", "'start' says already where the dream begins.");
  step.play = at.flag("play");
  step.twin = at.flag("twin");
  if (const auto every = at.number("anchor", 0, 1e5, true)) {
    const auto tie = anchored_every(static_cast<int>(*every));
    step.coupling.emplace(tie.how, tie.steps);
  }
  if (const auto word = at.word("coupling", coupling_words()); !word.empty()) {
    if (step.coupling) at.fail("coupling", "'anchor' says already how dream and real world are tied.");
    step.coupling.emplace(coupling_called(word), usual_steps_of(coupling_called(word)));
  }
  if (const auto steps = at.number("coupling_steps", 1, 1e5, true)) {
    if (!step.coupling || usual_steps_of(step.coupling->first) == 0) at.fail("coupling_steps", "coupling = \"anchored\" or \"reality_leads\" was expected beside it.");
    step.coupling->second = static_cast<int>(*steps);
  }
  step.speed = at.number("speed", 0.05, 16);
  step.pilot = at.word("pilot", {"you", "agent"});
  step.knobs = at.named_numbers("knobs");
  std::vector<LatentHold> held;
  if (at.tables("hold", [&](Section one) {
        held.push_back({one.text("probe", most_line, true),
                        static_cast<int>(one.number("index", 0, 1e6, true).value_or(0)),
                        one.number("value", -1e6, 1e6).value_or(1)});
        one.done();
      }))
    step.hold = std::move(held);
  step.actions = at.words("actions", [&](const std::string& id) { check_action(at, id); });
  at.tables("drive", [&](Section one) {
    Scripted hands{one.numbers("action", -1e3, 1e3), static_cast<int>(one.number("steps", 1, 1e4, true).value_or(1))};
    if (hands.action.empty()) one.fail("action", "a list of numbers, one for each axis, was expected.");
    one.done();
    step.drive.push_back(std::move(hands));
  });
  step.point = at.words("point", [&](const std::string& name) { check_pointed(at, "point", name); });
  step.lock = at.words("lock", [&](const std::string& name) { check_locked(at, name); });
  step.hide = at.words("hide", [&](const std::string& name) { at.check_word("hide", name, {"knobs"}); });
  at.tables("reach", [&](Section one) { step.reach.push_back(read_reach(std::move(one))); });
  if (auto question = at.table("ask")) step.question = read_question(std::move(*question));
  at.done();
  return step;
}

/// What the parser (toml++ 3.3) must not see: very many dots in a key, which it nests without a bound, and letters
/// outside ASCII where neither a text nor a comment is, on which its tables of Unicode blanks are undefined.
void check_letters(const std::string& text, const std::string& name) {
  std::size_t line = 1, dots = 0;
  std::string quote;  // that ends the present text; "\n" in a comment
  for (std::size_t i = text.compare(0, 3, "\xef\xbb\xbf") == 0 ? 3 : 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') ++line, dots = 0;
    if (!quote.empty()) {
      if (c == '\\' && quote[0] == '"')
        ++i;
      else if (text.compare(i, quote.size(), quote) == 0 || (c == '\n' && quote.size() == 1))
        i += quote.size() - 1, quote.clear();
    } else if (c == '#') {
      quote = "\n";
    } else if (c == '"' || c == '\'') {
      quote = text.compare(i, 3, std::string(3, c)) == 0 ? std::string(3, c) : std::string(1, c);
      i += quote.size() - 1;
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      throw Error(name + ", line " + std::to_string(line) +
                  ": a letter outside ASCII that is in no text; texts stand in quotes.");
    } else if (c == '.' && ++dots > 64) {
      throw Error(name + ", line " + std::to_string(line) + ": very many dots outside of texts.");
    }
  }
}

}  // namespace

bool is_run_name(const std::string& name) {
  return !name.empty() && name.size() <= 100 && name.front() != '.' && std::ranges::all_of(name, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-' ||
           c == '.';
  });
}

Lesson parse_lesson(const std::string& text, const std::string& name) {
  if (text.size() > most_bytes) throw Error(name + " is larger than 256 kB, which no lesson is.");
  check_letters(text, name);
  toml::table file;
  try {
    file = toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw Error(name + ", line " + std::to_string(error.source().begin.line) + ": " + std::string(error.description()) +
                ".");
  }
  Section top(file, name);
  Lesson lesson;
  lesson.title = top.text("title", most_line, true);
  lesson.about = top.text("about", most_line, true);
  const toml::node* steps = top.find("step");
  if (!steps || !steps->is_array_of_tables() || steps->as_array()->size() > most_steps)
    top.fail("step", "1 to " + std::to_string(most_steps) + " steps, each under [[step]], were expected.");
  for (const toml::node& node : *steps->as_array()) {
    const std::string place = name + ", step " + std::to_string(lesson.steps.size() + 1);
    lesson.steps.push_back(read_step({*node.as_table(), place}));
  }
  top.done();
  return lesson;
}

Lesson load_lesson(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) throw Error(name + ": it is no file.");
  std::ifstream in(file, std::ios::binary);
  std::string text(most_bytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || !(in || in.eof())) throw Error(name + " could not be read.");
  text.resize(static_cast<std::size_t>(in.gcount()));
  return parse_lesson(text, name);
}

}  // namespace dream::ui
