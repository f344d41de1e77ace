#include <algorithm>
#include <cmath>

#include "answers/answer_text.h"
#include "api/error.h"
#include "api/platform_time.h"
#include "app/cli/progress.h"
#include "app/cli/verb.h"
#include "core/engine/run_file.h"
#include "core/lab/answer_shelf.h"
#include "core/live/run_list.h"

namespace dream::cli {
namespace {

std::string listed_questions() {
  std::string text;
  for (const auto& each : questions())
    text += "\n  " + each.name + std::string(std::max<std::size_t>(1, 13 - each.name.size()), ' ') + each.title;
  return text;
}

/// How many places it takes: of UTF-8, one a letter.
int letters(const std::string& text) {
  return static_cast<int>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string padded(const std::string& text, int width) {
  return text + std::string(static_cast<std::size_t>(std::max(0, width - letters(text))), ' ');
}

void print_table(const LabFigure& figure, const Table& table) {
  std::printf("  %s\n", figure.title.c_str());
  std::vector<std::vector<std::string>> cells(1);
  for (const auto& column : table.columns)
    cells.front().push_back(column.title + (column.unit.empty() ? "" : " [" + column.unit + "]"));
  for (const auto& row : table.rows) {
    cells.emplace_back();
    for (const auto& cell : row) cells.back().push_back(cell.text.empty() ? in_figures(cell.number) : cell.text);
  }
  std::vector<int> widths(table.columns.size(), 0);
  for (const auto& row : cells)
    for (std::size_t i = 0; i < std::min(row.size(), widths.size()); ++i)
      widths[i] = std::max(widths[i], letters(row[i]));
  for (const auto& row : cells) {
    std::string line = "   ";
    for (std::size_t i = 0; i < std::min(row.size(), widths.size()); ++i) line += " " + padded(row[i], widths[i] + 1);
    std::printf("%s\n", line.c_str());
  }
}

/// `first`: seconds until there were first figures; < 0: they came with the answer.
void print(const LabAnswer& answer, const std::string& name, double first) {
  std::printf("%s  %s\n", name.c_str(),
              answer.fault.empty() ? answer.sentence.c_str() : ("no answer: " + answer.fault).c_str());
  if (!answer.fault.empty()) return;
  const auto title_of = [](const LabNumber& each) {
    return each.run.empty() ? each.title : each.title + " · " + each.run;
  };
  int widest = 0;
  for (const auto& each : answer.numbers) widest = std::max(widest, letters(title_of(each)));
  for (const auto& each : answer.numbers) {
    std::string line = in_figures({each.value, each.low, each.high}) + (each.unit.empty() ? "" : " " + each.unit);
    for (const auto& beside : each.beside) line += "  · " + beside.label + " " + in_figures(beside.value);
    if (!std::isfinite(each.value)) line = "cannot tell: " + each.note;
    std::printf("  %s  %s\n", padded(title_of(each), widest).c_str(), line.c_str());
  }
  for (const auto& each : answer.findings) {
    const char* weight = each.weight == LabFinding::Weight::fault     ? "FAULT"
                         : each.weight == LabFinding::Weight::warning ? "warning"
                                                                      : "note";
    std::printf("  %s  %s\n      seen: %s\n      try:  %s\n", weight, each.sentence.c_str(), each.evidence.c_str(),
                each.advice.c_str());
  }
  for (const auto& each : answer.figures)
    if (const auto* table = std::get_if<Table>(each.value.get())) print_table(each, *table);
  const auto soon =
      first >= 0 ? ", first figures after " + in_figures(std::round(first * 10) / 10) + " s" : std::string();
  std::printf("  over %lld held-out episode%s, %s in %.0f s%s\n", static_cast<long long>(answer.episodes), answer.episodes == 1 ? "" : "s",
              answer.kept ? "kept from before, then" : "measured", answer.seconds, soon.c_str());
}

}  // namespace

Verb lab_verb(CLI::App& app) {
  struct Options {
    std::string question, json, csv, driver;
    std::vector<std::string> runs;
    double seconds = 60;
    bool anew = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("lab", "Ask a question about runs: when, where and why a dream stops being true");
  command->add_option("question", options->question, "One of:" + listed_questions())->required();
  command->add_option("runs", options->runs, "Runs' folders, or checkpoints")->required();
  command->add_option("--seconds", options->seconds, "That an answer may take, for each run")
      ->transform(number_between(1, 86400))
      ->capture_default_str();
  command->add_option("--driven-by", options->driver,
                      "Who drives the held-out episodes, the same for all: a run, or 'expert', the world's own; without it each run drives its own. "
                      "Such answers are not kept with the runs");
  command->add_flag("--anew", options->anew, "Measure even where an answer is kept with the run");
  command->add_option("--json", options->json, "Write the whole answer to this file");
  command->add_option("--csv", options->csv, "Write its numbers to this file");
  return {command, [options](const Common& common) {
            const auto& asked = question(options->question);
            if (!options->json.empty() && std::filesystem::weakly_canonical(options->json) == std::filesystem::weakly_canonical(options->csv))
              throw Error("--json and --csv are both '" + options->csv + "'; two files were expected");
            for (const auto& run : options->runs) {
              const auto file = checkpoint_path(run);
              if (!options->json.empty()) check_output("--json", options->json, file);
              if (!options->csv.empty()) check_output("--csv", options->csv, file);
            }
            ProgressLine progress(common.quiet);
            std::vector<LabAnswer> answers;
            std::vector<std::string> names;
            std::vector<double> first_figures(options->runs.size(), -1);
            const auto assets = find_assets();
            HeldOutDriver driver;
            if (options->driver == "expert")
              driver.expert = true;
            else if (!options->driver.empty())
              driver.run = std::shared_ptr<System>(load_system(load_run(checkpoint_path(options->driver)), common.device));
            for (const auto& run : options->runs) {
              auto system = std::shared_ptr<System>(load_system(load_run(checkpoint_path(run)), common.device));
              system->directory =
                  std::filesystem::is_directory(run) ? std::filesystem::path(run) : checkpoint_path(run).parent_path();
              names.push_back(short_name(run));
              Bench bench(system, driver);
              const AnswerShelf shelf(run, is_shipped(run, assets), "runs");
              if (auto kept = options->anew || driver.given() ? std::nullopt : shelf.find(asked.name, bench)) {
                answers.push_back(std::move(*kept));
                continue;
              }
              const double began = now_seconds();
              Inquiry::Asker asker;
              asker.seconds = options->seconds;
              asker.all_runs = options->runs;
              if (!driver.given()) asker.kept = [&](const std::string& other) { return shelf.find(other, bench); };
              asker.show = [&](const LabAnswer& so_far) {
                auto& first = first_figures[names.size() - 1];
                if (first < 0) first = so_far.seconds;
              };
              asker.progress = [&](double share, const std::string& doing) {
                if (interrupted()) throw Error("interrupted; nothing was written");
                PhaseView view;
                view.name = asked.name;
                view.progress = share;
                const double elapsed = now_seconds() - began;
                view.eta_seconds = share > 0 ? elapsed * (1 - share) / share : -1;
                view.detail = names.back() + ": " + doing;
                progress.show(view);
              };
              answers.push_back(ask(asked, bench, asker));
              progress.say("");
              if (interrupted()) throw Error("interrupted; nothing was written");
              if (!driver.given()) shelf.keep(answers.back(), bench);
            }
            for (std::size_t i = 0; i < answers.size(); ++i) print(answers[i], names[i], first_figures[i]);
            if (!options->csv.empty()) write_file(options->csv, answers_as_csv(answers));
            if (!options->json.empty()) write_file(options->json, answers_as_json(answers));
            if (std::ranges::all_of(answers, [](const LabAnswer& answer) { return !answer.fault.empty(); }))
              throw Error(answers.size() == 1 ? "there is no answer" : "there is no answer for any of these runs");
          }};
}

}  // namespace dream::cli
