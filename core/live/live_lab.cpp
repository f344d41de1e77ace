// The laboratory's thread: one question after the other, beside dream and training.
#include <algorithm>
#include <set>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/engine/run_file.h"
#include "core/lab/answer_shelf.h"
#include "core/lab/latent_walk.h"
#include "core/live/live_engine.h"
#include "core/live/live_work.h"
#include "core/live/run_list.h"

namespace dream {
namespace {

constexpr std::size_t most_answers = 64, most_benches = 3;
constexpr std::int64_t walk_pictures = 16;
constexpr double show_seconds = 0.2;  // between two looks at the progress

/// What each of them is called in their common answer: its folder, or all of the path where two are called alike.
std::string name_among(const std::string& run, const std::vector<std::string>& runs) {
  const auto alike = [&](const auto& other) { return short_name(other) == short_name(run); };
  return std::ranges::count_if(runs, alike) > 1 ? run : short_name(run);
}

}  // namespace

struct LiveEngine::LabWork {
  struct Asked {
    AskLab what;
    std::int64_t number = 0;
  };
  std::deque<Asked> waiting;
  std::vector<std::shared_ptr<const LabAnswer>> answers;
  struct Known {
    std::string run;
    FileMark mark;
    std::shared_ptr<Bench> bench;
  };
  std::deque<Known> benches;  // the last one used first: questions about one run share its episodes
  double progress = 0, eta = -1, began = 0, shown_at = 0;
  std::string doing;
  std::set<std::string> recalled;  // runs whose kept answers have been looked for

  void put(const std::shared_ptr<const LabAnswer>& answer) {
    std::erase_if(answers,
                  [&](const auto& old) { return old->question == answer->question && old->runs == answer->runs; });
    answers.insert(answers.begin(), answer);
    if (answers.size() > most_answers) answers.pop_back();
  }
  LabView view() const {
    LabView view;
    for (const auto& each : questions()) view.questions.push_back({each.name, each.title, each.help});
    view.answers = answers;
    for (const auto& each : waiting) view.queue.push_back({each.what.question, each.what.runs});
    view.progress = progress, view.eta_seconds = eta, view.doing = doing;
    return view;
  }
};

void LiveEngine::ask_lab(LabWork& work, const AskLab& command, std::int64_t number) {
  question(command.question);  // throws for an unknown one
  if (command.runs.empty()) throw Error("no run was named to ask '" + command.question + "' about");
  std::erase_if(work.waiting, [&](const auto& each) {
    return each.what.question == command.question && each.what.runs == command.runs && each.number != answering_;
  });
  work.waiting.push_back({command, number});
}

bool LiveEngine::carry_out_orders(LabWork& work, double wait) {
  auto orders = lab_orders_.take(std::chrono::duration<double>(wait));
  for (auto& order : orders) order(work);
  return !orders.empty();
}

std::shared_ptr<Bench> LiveEngine::bench_of(LabWork& work, const std::string& run) {
  const auto file = checkpoint_path(as_typed(run));
  const auto mark = mark_of(file);
  for (const auto& each : work.benches)
    if (each.run == run && each.mark == mark) return each.bench;
  auto system = std::shared_ptr<System>(load_system(load_run(file), options_.device));
  system->directory = run;
  work.benches.push_front({run, mark, std::make_shared<Bench>(system)});
  if (work.benches.size() > most_benches) work.benches.pop_back();
  return work.benches.front().bench;
}

void LiveEngine::walk_between(LabWork& work, const WalkBetween& command) {
  if (!command.from.known() || !command.to.known() || command.from.run != command.to.run)
    throw Error("a walk leads between two known moments of one run");
  const auto& run = command.from.run;
  const auto walk = walk_latents(*bench_of(work, run)->system, command.from, command.to, walk_pictures);
  if (!walk.lacks.empty()) throw Error("a walk cannot be shown: " + walk.lacks);
  for (auto& answer : work.answers) {
    if (answer->question != "map" || std::ranges::count(answer->runs, run) == 0) continue;
    auto drawn = *answer;
    auto figure = walk.sheet(command.from, command.to);
    if (const auto name = name_among(run, drawn.runs); drawn.runs.size() > 1)
      figure.name += "@" + name, figure.title = name + ": " + figure.title;
    std::erase_if(drawn.figures, [&](const auto& each) { return each.name == figure.name; });
    drawn.figures.push_back(std::move(figure));
    answer = std::make_shared<const LabAnswer>(std::move(drawn));
  }
  lab_.put(std::make_shared<const LabView>(work.view()));
}

void LiveEngine::answer_next(LabWork& work) {
  const auto asked = work.waiting.front();
  answering_ = asked.number;
  const auto& about = question(asked.what.question);
  const auto tell = [&] { lab_.put(std::make_shared<const LabView>(work.view())); };
  work.progress = 0, work.eta = -1, work.doing = "opens the run", work.began = now_seconds();
  tell();
  std::vector<LabAnswer> answers;
  std::vector<std::string> names;
  const auto runs = static_cast<double>(asked.what.runs.size());
  const auto publish = [&](const LabAnswer* under_way) {
    auto all = answers;
    auto called = names;
    if (under_way) all.push_back(*under_way);
    called.resize(all.size());
    auto whole = std::make_shared<LabAnswer>(joined(about, all, called));
    whole->runs = asked.what.runs;
    whole->complete = !under_way && answers.size() == asked.what.runs.size();
    work.put(whole);
    tell();
  };
  try {
    for (const auto& run : asked.what.runs) {
      names.push_back(name_among(run, asked.what.runs));
      const double done = static_cast<double>(answers.size()) / runs;
      LabAnswer answer;
      std::string wrong;  // its own: what is shown to people may be another thread's
      const auto ask_it = [&] {
        const auto path = as_typed(run);
        const auto kept_bench = bench_of(work, run);
        auto& bench = *kept_bench;
        const AnswerShelf shelf(path, is_shipped(path, options_.assets), options_.runs);
        if (auto kept = asked.what.anew ? std::nullopt : shelf.find(about.name, bench)) {
          answer = std::move(*kept);
          answer.runs = {run};
          return;
        }
        Inquiry::Asker asker;
        asker.all_runs = asked.what.runs;
        asker.kept = [&](const std::string& other) { return shelf.find(other, bench); };
        asker.progress = [&](double share, const std::string& doing) {
          const bool more = carry_out_orders(work, 0);
          if (quit_ || cancelled_ >= asked.number) throw Cancelled{};
          work.progress = done + share / runs;
          work.doing = runs > 1 ? names.back() + ": " + doing : doing;
          const double now = now_seconds(), elapsed = now - work.began;
          work.eta = work.progress > 0 ? elapsed * (1 - work.progress) / work.progress : -1;
          if (!more && now - work.shown_at < show_seconds) return;
          work.shown_at = now;
          tell();
        };
        asker.show = [&](const LabAnswer& so_far) { publish(&so_far); };
        answer = ask(about, bench, asker);
        shelf.keep(answer, bench);
      };
      const bool ok = guarded("lab", [&] {
        try {
          ask_it();
        } catch (const std::exception& error) {
          wrong = in_words(error);
          throw;
        }
      });
      if (!ok)
        answer.question = about.name, answer.runs = {run}, answer.fault = wrong, answer.complete = true;
      answers.push_back(std::move(answer));
    }
    publish(nullptr);
  } catch (const Cancelled&) {
    std::erase_if(work.answers, [&](const auto& each) {
      return each->question == about.name && each->runs == asked.what.runs && !each->complete;
    });
  }
  work.waiting.pop_front();
}

/// What was answered about the run that dreams in an earlier session is shown without being asked again.
void LiveEngine::recall_answers(LabWork& work) {
  const auto run = dream_.get()->run;
  if (run.empty() || !work.recalled.insert(run).second) return;
  const AnswerShelf shelf(as_typed(run), is_shipped(run, options_.assets), options_.runs);
  if (!shelf.holds_any()) return;
  try {
    auto& bench = *bench_of(work, run);
    for (const auto& about : questions()) {
      const auto is_this = [&](const auto& each) { return each->question == about.name && each->runs == std::vector{run}; };
      if (std::ranges::any_of(work.answers, is_this)) continue;
      if (auto kept = shelf.find(about.name, bench)) {
        kept->runs = {run};
        work.put(std::make_shared<const LabAnswer>(joined(about, {*kept}, {name_among(run, {run})})));
      }
    }
    lab_.put(std::make_shared<const LabView>(work.view()));
  } catch (const std::exception&) {  // nobody has asked: whoever does is told why
  }
}

void LiveEngine::answer_questions() {
  name_thread("laboratory");
  lower_thread_priority();
  compute_with(1);
  LabWork work;
  lab_.put(std::make_shared<const LabView>(work.view()));
  while (!quit_) {
    carry_out_orders(work, work.waiting.empty() ? 1 : 0);
    if (quit_) break;
    std::erase_if(work.waiting, [&](const auto& each) { return each.number <= cancelled_; });
    if (!work.waiting.empty()) answer_next(work);
    if (work.waiting.empty()) recall_answers(work);
    if (auto now = work.view(); now.queue.size() != lab_.get()->queue.size())
      lab_.put(std::make_shared<const LabView>(std::move(now)));
  }
}

void LiveEngine::begin_at(const LabMoment& moment) {
  if (!moment.known()) throw Error("this figure does not say where it comes from");
  const bool other = !same_folder(dream_.get()->run, as_typed(moment.run));
  if (other) open_run(as_typed(moment.run));
  // The orders are carried out one after the other: the run is there by then.
  const auto name =
      "moment of the laboratory: episode " + std::to_string(moment.seed) + ", step " + std::to_string(moment.step);
  player_orders_.push(guarding<Player>("start", [this, moment, name](Player& player) {
    player.start_from(start_in_episode(moment.seed, moment.actions, moment.step, name));
    log_.say("dreams begin at the " + name);
  }));
}

}  // namespace dream
