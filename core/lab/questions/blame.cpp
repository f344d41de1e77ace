// Whose fault is it? One part after another is replaced by the truth, and what is missed or earned is measured again.
#include "core/lab/questions/blame.h"

#include <algorithm>
#include <cmath>

#include "api/error.h"
#include "core/lab/questions/questions.h"

namespace dream {
namespace blame {
namespace {

constexpr std::int64_t usual_horizon = 15;
constexpr std::size_t most_blamed = 32;    // episodes
constexpr double nothing_to_blame = 0.01;  // of the variance: a dream that explains 99 % of it has hardly an error
constexpr double quick = 0.03;             // of the time: who measures so fast takes several stretches of an episode
constexpr double share_for_errors = 0.45;  // of the time

double total(const Missed& rows, const std::vector<std::size_t>& chosen) {
  double sum = 0;
  for (const auto row : chosen)
    for (const double value : rows[row]) sum += value;
  return sum;
}

double total(const std::vector<double>& each, const std::vector<std::size_t>& chosen) {
  double sum = 0;
  for (const auto row : chosen) sum += each[row];
  return sum;
}

std::vector<std::size_t> every(std::size_t count) {
  std::vector<std::size_t> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = i;
  return all;
}

/// A part and what it adds: what the stage `to` misses more than `from` (nothing: stages).
struct Part {
  std::string name, title, who, how;
  std::size_t from, to;
};

std::vector<Part> parts_of(const Errors& errors) {
  std::vector<Part> parts;
  if (errors.paints)
    parts.push_back({"v", "V: reconstruction", "V", "what the decoded posterior misses", stages, seen});
  const std::size_t floor = errors.paints ? seen : stages;
  parts.push_back(
      {"m_step", "M: one step", "M", "what one step from the true posterior misses besides", floor, one_step});
  parts.push_back(
      {"m_compounds", "M: compounding", "M", "what M misses more when it goes on from its own steps", one_step, calm});
  parts.push_back({"m", "M: both", "M", "what M's steps add, one and all, at the lowest temperature", floor, calm});
  parts.push_back({"chance", "Chance", "chance",
                   errors.tempered ? "what the default temperature adds to the lowest"
                                   : "this model has no temperature to take chance away",
                   calm, drawn});
  if (errors.drives)
    parts.push_back(
        {"c", "C: feedback", "C",
         "what is missed more where the behaviour decides by the dream, against the real world under its decisions",
         drawn, closed});
  return parts;
}

double added(const Errors& errors, const Part& part, const std::vector<std::size_t>& chosen) {
  return total(errors.of[part.to], chosen) - (part.from == stages ? 0 : total(errors.of[part.from], chosen));
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, std::abs(share) < 9.95 ? "%.1f %%" : "%.0f %%", share + 0.0);
  return text;
}

Line line_of(std::string label, const Missed& rows, bool dashed = false) {
  Line line;
  line.label = std::move(label), line.dashed = dashed;
  const auto n = static_cast<double>(rows.size());
  for (std::size_t k = 0; k < rows.front().size(); ++k) {
    double mean = 0, square = 0;
    for (const auto& row : rows) mean += row[k] / n;
    for (const auto& row : rows) square += (row[k] - mean) * (row[k] - mean);
    line.y.push_back(mean);
    if (dashed || rows.size() < 3) continue;
    const double half = 1.96 * std::sqrt(square / (n - 1) / n);
    line.low.push_back(mean - half), line.high.push_back(mean + half);
  }
  return line;
}

}  // namespace

bool sees_well(const Errors& errors) {
  const auto all = every(errors.episodes());
  return !errors.paints || total(errors.of[seen], all) <= 0.5 * total(errors.mean, all);
}

void tell_errors(Inquiry& inquiry, const Errors& errors, LabAnswer& answer) {
  answer.numbers.clear(), answer.figures.clear();
  const auto n = errors.episodes();
  const auto all = every(n);
  const auto steps = std::to_string(errors.horizon);
  answer.episodes = static_cast<std::int64_t>(n);
  answer.steps = errors.stretches * errors.horizon;
  const auto& whole = errors.of[errors.last()];
  const double error = total(whole, all), variance = total(errors.mean, all);
  const bool any = error > 0, much = error > nothing_to_blame * variance;
  const auto measured = "over " + steps + " imagined steps, " + std::to_string(errors.stretches) + " stretches of " +
                        std::to_string(n) + " episodes";

  Vector bars;
  Table table;
  table.columns = {{"part", "", "what is replaced by the truth, last to first"},
                   {"share", "%", "of the error of the whole dream", 1},
                   {"from", "%", "95 %, bootstrap over episodes", 1},
                   {"to", "%", "", 1},
                   {"error", "", "mean squared, with this part and those above", 5}};
  const Part* most = nullptr;
  double most_share = 0;
  std::string sentence;
  const auto parts = parts_of(errors);
  for (const auto& part : parts) {
    auto share = bootstrap(n, [&](const auto& chosen) {
      const double of = total(whole, chosen);
      return of > 0 ? 100 * added(errors, part, chosen) / of : LabNumber::unknown;
    });
    auto made =
        number("share_" + part.name, "Share of " + part.title, "%", share,
               part.how + ", as a share of the dream's error " + measured + "; below 0: it makes the dream better");
    if (!any) made.note = "the dream has no error to have a share of";
    answer.numbers.push_back(made);
    const bool halves_m = part.name == "m_step" || part.name == "m_compounds";
    if (part.name != "m") {
      bars.labels.push_back(part.title);
      bars.values.push_back(any ? static_cast<float>(share.value) : 0);
      const bool band = std::isfinite(share.low);
      bars.mean.push_back(band ? static_cast<float>((share.low + share.high) / 2) : bars.values.back());
      bars.deviation.push_back(band ? static_cast<float>((share.high - share.low) / 2) : 0);
      table.rows.push_back(
          {{0, part.title},
           {share.value, any ? "" : "?"},
           {share.low, band ? "" : "?"},
           {share.high, band ? "" : "?"},
           {total(errors.of[part.to], all) / static_cast<double>(n) / static_cast<double>(errors.horizon), ""}});
    }
    if (halves_m) continue;
    sentence += (sentence.empty() ? "" : ", ") + part.who + " " + percent(share.value);
    if (part.name == "m") {
      const auto of = [&](const char* name) {
        return std::ranges::find(answer.numbers, std::string("share_") + name, &LabNumber::name)->value;
      };
      sentence += " (one step " + percent(of("m_step")) + ", compounding " + percent(of("m_compounds")) + ")";
    }
    if (!most || share.value > most_share) most = &part, most_share = share.value;
  }

  // The greatest share is the culprit if no other one could be greater.
  const Part* rival = nullptr;
  for (const auto& part : parts) {
    if (&part == most || part.name == "m_step" || part.name == "m_compounds") continue;
    const auto ahead =
        bootstrap(n, [&](const auto& chosen) { return added(errors, *most, chosen) - added(errors, part, chosen); });
    if (!(ahead.low > 0) && (!rival || added(errors, part, all) > added(errors, *rival, all))) rival = &part;
  }
  const auto culprit = [&](const Part& part) {
    return part.name == "chance"
               ? std::string("chance (draws among futures, which an uncertain world asks of a perfect model too)")
               : part.who;
  };
  const std::string of_what = errors.paints ? "picture error" : "error of what the behaviour sees";
  if (!any) {
    answer.sentence = "Over " + steps + " imagined steps the dream has no error: there is nothing to blame.";
  } else if (!much) {
    answer.sentence = "Over " + steps +
                      " imagined steps the dream explains more than 99 % of what happens: there is hardly anything to "
                      "blame (of the rest " +
                      sentence + ").";
  } else {
    answer.sentence = "Shares of the dream's " + of_what + " over " + steps + " steps: " + sentence + "; ";
    if (n < enough_to_tell)
      answer.sentence +=
          "the most is that of " + culprit(*most) + ", but " + std::to_string(n) + " episodes cannot tell.";
    else if (rival)
      answer.sentence += culprit(*most) + " and " + culprit(*rival) + " cannot be told apart as the culprit.";
    else
      answer.sentence += "the main culprit is " + culprit(*most) + ".";
  }
  if (!errors.paints)
    answer.sentence += " The model paints nothing that could be held against what was seen: V's part cannot be told.";

  if (errors.slow)
    answer.sentence += " Its behaviour takes too long over a decision to dream with it: C's feedback cannot be told.";

  const double per_step = static_cast<double>(errors.horizon);
  auto mse = number(
      "error", errors.paints ? "Error of the dream's pictures" : "Error of what the behaviour sees", "MSE",
      bootstrap(
          n, [&](const auto& chosen) { return total(whole, chosen) / static_cast<double>(chosen.size()) / per_step; }),
      "mean squared error of the whole dream " + measured + "; good: it explains more than half of what happens");
  mse.beside = {{"still", total(errors.still, all) / static_cast<double>(n) / per_step},
                {"mean", variance / static_cast<double>(n) / per_step}};
  mse.verdict = error <= 0.5 * variance ? LabNumber::Verdict::good : LabNumber::Verdict::none;
  answer.numbers.push_back(std::move(mse));

  if (errors.halves) {
    const auto healed = [&](const std::vector<double>& after) {
      return bootstrap(n, [&](const auto& chosen) {
        const double could = total(errors.after_none, chosen) - total(errors.after_both, chosen);
        return could > 0.01 * total(errors.after_none, chosen) && could > 0
                   ? 100 * (total(errors.after_none, chosen) - total(after, chosen)) / could
                   : LabNumber::unknown;
      });
    };
    const auto note = [&](const char* half) {
      return std::string("halfway through the calm dream ") + half +
             " is put right and it goes on: of the error that putting all right would spare, so much is spared";
    };
    for (auto made :
         {number("healed_latent", "Healed by the true latent", "%", healed(errors.after_latent), note("the latent z")),
          number("healed_memory", "Healed by the true memory", "%", healed(errors.after_memory),
                 note("the memory h"))}) {
      if (!std::isfinite(made.value))
        made.note =
            "putting the whole state right halfway spares no error: it does not come of what had gone wrong before";
      answer.numbers.push_back(made);
    }
  }

  answer.figures.push_back(
      figure("shares", "Whose error", "shares of the dream's " + of_what + ", %; " + measured, std::move(bars)));
  answer.figures.push_back(figure("parts", "One part after another",
                                  "what the dream misses as ever more of it is its own; " + measured,
                                  std::move(table)));
  Curve curve;
  curve.x_unit = "imagined steps", curve.y_unit = "mean squared error";
  for (std::int64_t k = 1; k <= errors.horizon; ++k) curve.x.push_back(static_cast<double>(k));
  const std::array<const char*, stages> labels = {"seen, decoded", "one step from the truth", "M alone, lowest τ",
                                                  "as learned", "it decides by the dream"};
  for (std::size_t stage = stages; stage-- > 0;)
    if (!errors.of[stage].empty() && (stage != seen || errors.paints))
      curve.lines.push_back(line_of(labels[stage], errors.of[stage], stage == seen));
  auto made =
      figure("errors", "Error with one part after another replaced",
             "mean squared, after " + std::to_string(errors.context) + " frames that were watched; band: 95 % over " +
                 std::to_string(n) + " episodes; a click begins where it went most wrong",
             std::move(curve));
  for (const auto& from : errors.worst_from) made.moments.push_back(inquiry.moment(from, errors.context));
  answer.figures.push_back(std::move(made));
  if (!errors.sheet.defined()) return;
  const auto columns = static_cast<std::int64_t>(errors.shown.size());
  auto sheet = figure("worst", "The worst stretch", "where the whole dream went most wrong, part by part",
                      sheet_of(errors.sheet, columns));
  sheet.columns = static_cast<int>(columns), sheet.rows = static_cast<int>(errors.sheet_rows.size());
  sheet.row_labels = errors.sheet_rows;
  for (const auto k : errors.shown) {
    sheet.column_labels.push_back(std::to_string(k));
    sheet.moments.push_back(inquiry.moment(errors.sheet_from, errors.context));
  }
  answer.figures.push_back(std::move(sheet));
}

namespace {

void ask_blame(Inquiry& inquiry, LabAnswer& answer) {
  Errors errors;
  Returns returns;
  const auto tell = [&] {
    tell_errors(inquiry, errors, answer);
    tell_returns(returns, sees_well(errors), answer);
    inquiry.show(answer);
  };
  for (std::size_t count = HeldOut::group; count <= most_blamed; count += HeldOut::group) {
    const auto first = count - HeldOut::group;
    const double began = inquiry.elapsed(), from = 0.5 * static_cast<double>(first) / most_blamed,
                 to = 0.5 * static_cast<double>(count) / most_blamed;
    const auto& lived = inquiry.episodes(count, from, (from + to) / 2);
    const std::vector<LivedEpisode> these(lived.begin() + static_cast<std::ptrdiff_t>(first),
                                          lived.begin() + static_cast<std::ptrdiff_t>(count));
    if (first == 0) {
      errors.context = context_of(these, inquiry.system().make_env()->spaces());
      errors.horizon = horizon_within(these, errors.context, usual_horizon);
      if (errors.horizon < 1) throw Error("the episodes end before anything could be imagined");
    }
    const double driven = inquiry.elapsed();
    measure(inquiry, these, first, errors, (from + to) / 2, to);
    if (errors.episodes() == 0) continue;
    if (first == 0 && inquiry.elapsed() - driven < quick * inquiry.seconds()) errors.pieces = 3;
    tell();
    if (inquiry.elapsed() + (inquiry.elapsed() - began) > share_for_errors * inquiry.seconds()) break;
  }
  if (errors.episodes() == 0) throw Error("no held-out episode was long enough");
  play(inquiry, returns, 0.5, 1, tell);
  tell();
}

}  // namespace
}  // namespace blame

Question question_blame() {
  return {"blame", "Whose fault is it?",
          "One part after another is replaced by the truth and the dream's error and the score are measured again: the "
          "shares of V, M, chance and C.",
          [](const System& system) {
            if (const auto lacks = lacks_true_actions(system); !lacks.empty()) return lacks;
            const auto spaces = system.make_env()->spaces();
            return std::string(
                system.model->actions(spaces).size() == spaces.action.size()
                    ? ""
                    : "its model brings actions of its own: no dream can be held against what the world did");
          },
          blame::ask_blame};
}

}  // namespace dream
