// Questions asked about models whose answers are known.
#include "core/lab/question.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "answers/answer_json.h"
#include "core/lab/answer_shelf.h"
#include "tests/data/temp_folder.h"
#include "tests/lab/known_world.h"
#include "tests/lab/lab_answers.h"

namespace dream {
namespace question_test {

using namespace test;

TEST(HorizonQuestion, APerfectModelHasSkillOneAndNeverCeasesToBeOfUse) {
  const auto answer = answer_about("horizon", known_system(Wrong::nothing, true));
  EXPECT_DOUBLE_EQ(number_of(answer, "skill").value, 1);
  EXPECT_EQ(number_of(answer, "usable_horizon").value, number_of(answer, "honest_horizon").value);
  EXPECT_GE(number_of(answer, "usable_horizon").value, 60) << "all that was imagined";
  EXPECT_DOUBLE_EQ(number_of(answer, "latent_skill").value, 1);
  EXPECT_DOUBLE_EQ(number_of(answer, "action_reliance").value, 1) << "under other actions all of the error comes";
  EXPECT_NEAR(number_of(answer, "sharpness").value, 1, 1e-6);
}

TEST(HorizonQuestion, ACopierHasSkillZero) {
  const auto answer = answer_about("horizon", known_system(Wrong::copies, true));
  EXPECT_NEAR(number_of(answer, "skill").value, 0, 1e-6);
  EXPECT_NEAR(number_of(answer, "action_reliance").value, 0, 1e-9) << "it does not hear of actions";
}

TEST(HorizonQuestion, ADeafModelDoesNotRelyOnActions) {
  const auto answer = answer_about("horizon", known_system(Wrong::deaf, true));
  EXPECT_NEAR(number_of(answer, "action_reliance").value, 0, 1e-9);
  EXPECT_LT(number_of(answer, "usable_horizon").value, 5);
}

TEST(HorizonQuestion, ModelsThatAreWrongHaveNoSkill) {
  for (const auto wrong : {Wrong::dynamics, Wrong::encoder})
    EXPECT_LT(number_of(answer_about("horizon", known_system(wrong, true)), "skill").value, 0.1);
  EXPECT_NEAR(number_of(answer_about("horizon", known_system(Wrong::decoder, true)), "sharpness").value, 0, 1e-6) << "it paints grey";
}

TEST(HorizonQuestion, ASoftBeginningIsNotTheEnd) {
  const auto soft = answer_about("horizon", known_system(Wrong::soft, true));
  EXPECT_EQ(number_of(soft, "honest_horizon").value, number_of(answer_about("horizon", known_system(Wrong::nothing, true)), "honest_horizon").value);
  ASSERT_EQ(number_of(soft, "honest_horizon").beside.size(), 1u);
  EXPECT_EQ(number_of(soft, "honest_horizon").beside[0].value, 4) << "from here on";
  EXPECT_NE(soft.sentence.find(", from step 4 on"), std::string::npos) << soft.sentence;
  EXPECT_EQ(number_of(soft, "usable_horizon").value, 0);
  const auto shuffled = answer_about("horizon", known_system(Wrong::encoder, true));
  EXPECT_EQ(number_of(shuffled, "honest_horizon").value, 0) << "never nearer";
}

/// Drives straight to PointGoal's goals, whatever lies in between.
class Rushes : public Behaviour {
 public:
  Decision decide(const Seen& seen, const Carry&, Mode, at::Generator) override {
    return {seen.observation.vector.slice(1, 16, 18)};
  }
};

TEST(HorizonQuestion, CostsAreHeldAgainstThoseThatCame) {
  const auto system = system_of("safe-dreamer", "PointGoal");
  system->behaviour = std::make_shared<Rushes>();
  const auto answer = answer_about("horizon", system, 0);
  EXPECT_LT(number_of(answer, "cost_skill").value, 1);
  const auto& lines = std::get<Curve>(*figure_of(answer, "cost").value).lines;
  ASSERT_EQ(lines.size(), 2u);
  const auto sum = [](const Line& line) { return std::accumulate(line.y.begin(), line.y.end(), 0.0); };
  EXPECT_GT(sum(lines[1]), 0) << "some steps of these episodes cost";
  EXPECT_GE(sum(lines[0]), sum(lines[1])) << "it has learned nothing yet, expects no cost, and nothing constant beats the mean";
  const auto none = answer_about("horizon", known_system(Wrong::nothing, true));
  EXPECT_TRUE(std::ranges::none_of(none.numbers, [](const auto& n) { return n.name == "cost_skill"; }));
}

TEST(HorizonQuestion, CurvesAndMomentsFitTogether) {
  const auto answer = answer_about("horizon", known_system(Wrong::deaf, true));
  ASSERT_FALSE(answer.figures.empty());
  const auto& curve = std::get<Curve>(*answer.figures.front().value);
  ASSERT_EQ(curve.x.size(), answer.figures.front().moments.size());
  EXPECT_TRUE(answer.figures.front().moments.front().known());
  for (const auto& line : curve.lines) EXPECT_EQ(line.y.size(), curve.x.size()) << line.label;
  ASSERT_EQ(curve.lines.front().low.size(), curve.x.size());
}

TEST(HeldOut, EpisodesAreTheSameHoweverManyAreAskedFor) {
  auto system = known_system(Wrong::nothing, true);
  HeldOut few(*system, 50), many(*system, 50);
  few.first(4), few.first(8), many.first(8);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(few.all()[i].data.actions, many.all()[i].data.actions);
    EXPECT_EQ(few.all()[i].data.frames, many.all()[i].data.frames);
  }
  EXPECT_EQ(few.all()[0].data.extra.at("cell").width, 2);
  EXPECT_TRUE(few.all()[0].data.ended());
}

/// Runs that see the world in another size are asked of the same episodes.
TEST(HeldOut, AnotherRunCanDrive) {
  const auto driver = system_of("dreamer-v3", "Catch"), other = system_of("iris", "Catch");
  HeldOut its(*driver, 50), same(*other, 50, {driver}), own(*other, 50);
  its.first(8), same.first(4), same.first(8), own.first(8);
  bool differs = false;
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(its.all()[i].data.actions, same.all()[i].data.actions) << i;
    EXPECT_EQ(its.all()[i].data.rewards, same.all()[i].data.rewards) << i;
    EXPECT_EQ(its.all()[i].data.vectors, same.all()[i].data.vectors) << i;
    EXPECT_EQ(same.all()[i].data.height, 32);
    differs = differs || own.all()[i].data.actions != its.all()[i].data.actions;
  }
  EXPECT_TRUE(differs) << "its own behaviour does something else";
  HeldOut looked(*other, 50, {driver});
  EXPECT_EQ(looked.glimpse().size(), 0u) << "all of Catch's episodes are over within a glimpse";
  EXPECT_EQ(looked.first(4)[3].data.actions, its.all()[3].data.actions);
  // Who is interrupted while the other drives goes on with the same episodes.
  HeldOut torn(*other, 50, {driver});
  EXPECT_THROW(torn.first(4, [](double) { throw Cancelled{}; }), Cancelled);
  EXPECT_EQ(torn.first(4)[3].data.actions, its.all()[3].data.actions);
  EXPECT_ANY_THROW(HeldOut(*other, 50, {system_of("dreamer-v3", "KeyDoor")}));
}

TEST(HeldOut, TheExpertCanDrive) {
  const auto ring = known_system(Wrong::nothing, true);
  HeldOut its(*ring, 50, {{}, true}), again(*ring, 50, {{}, true});
  its.first(8), again.first(4), again.first(8);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(its.all()[i].data.actions, again.all()[i].data.actions) << i;
    const auto& rewards = its.all()[i].data.rewards;
    const auto there = std::ranges::find(rewards, 1.0f);
    EXPECT_LE(there - rewards.begin(), Ring::cells / 2) << "by the shorter way, whatever the run does";
    EXPECT_EQ(std::count(there, rewards.end(), 1.0f), rewards.end() - there) << "and stays there";
  }
  EXPECT_ANY_THROW(HeldOut(*system_of("dreamer-v3", "MinAtarBreakout"), 50, {{}, true})) << "which has none";
}

TEST(HeldOut, AGlimpseIsTheirBeginningAndChangesNothing) {
  auto system = known_system(Wrong::nothing, true);
  constexpr auto steps = static_cast<std::size_t>(HeldOut::glimpse_steps);
  HeldOut looked(*system, 150), driven(*system, 150);
  const auto few = looked.glimpse();
  ASSERT_EQ(few.size(), 4u);
  EXPECT_TRUE(looked.all().empty());
  looked.first(8), driven.first(8);
  for (std::size_t i = 0; i < 8; ++i) {
    const auto& whole = driven.all()[i].data;
    EXPECT_EQ(looked.all()[i].data.actions, whole.actions);
    EXPECT_EQ(looked.all()[i].data.frames, whole.frames);
    if (i >= 4) continue;
    const auto& begun = few[i].data;
    EXPECT_EQ(begun.length(), steps);
    EXPECT_TRUE(begun.ended());
    EXPECT_EQ(begun.seed, whole.seed);
    EXPECT_TRUE(std::ranges::equal(begun.frames, std::span(whole.frames).first((steps + 1) * whole.frame_bytes())));
    EXPECT_EQ(begun.extra.at("cell").values.size(), (steps + 1) * 2);
    EXPECT_EQ(driven.glimpse()[i].data.frames, begun.frames) << "of what has been driven already";
  }
  HeldOut brief(*system, 50);
  EXPECT_TRUE(brief.glimpse().empty()) << "they last no longer";
}

TEST(HeldOut, StretchesAreWhatWasLived) {
  auto system = known_system(Wrong::nothing, true);
  HeldOut held(*system, 50);
  const auto& all = held.first(4);
  const auto made = stretches(all, 20, 2, torch::kCPU);
  ASSERT_EQ(made.from.size(), 8u);
  const auto& data = all[made.from[3].episode].data;
  const auto begin = static_cast<std::size_t>(made.from[3].step);
  EXPECT_EQ(begin, 20u);
  for (std::int64_t t = 0; t <= 20; ++t) {
    EXPECT_EQ(made.batch.image[t][3].sum().item<std::int64_t>(),
              torch::from_blob(const_cast<std::uint8_t*>(data.frames.data()) +
                                   (begin + static_cast<std::size_t>(t)) * data.frame_bytes(),
                               {16, 16, 3}, torch::kUInt8)
                  .sum()
                  .item<std::int64_t>());
    if (t == 0) continue;
    EXPECT_EQ(made.batch.action[t][3].item<float>(), data.actions[begin + static_cast<std::size_t>(t) - 1]);
  }
  EXPECT_EQ(made.batch.first.sum().item<float>(), 8);
}

TEST(LabAnswer, IsTheSameFromTheDisk) {
  const auto answer = answer_about("horizon", known_system(Wrong::deaf, true));
  const auto json = answer_to_json(answer, true);
  const auto back = answer_from_json(nlohmann::json::from_cbor(nlohmann::json::to_cbor(json)));
  EXPECT_EQ(answer_to_json(back, true), json);
  EXPECT_EQ(*back.figures.front().moments.front().actions, *answer.figures.front().moments.front().actions);
}

TEST(LabAnswer, SeveralRunsStandInOnePlot) {
  const auto one = answer_about("horizon", known_system(Wrong::nothing, true)),
             two = answer_about("horizon", known_system(Wrong::deaf, true));
  const auto both = joined(question("horizon"), {one, two}, {"good", "deaf"});
  const auto& curve = std::get<Curve>(*both.figures.front().value);
  ASSERT_EQ(curve.lines.size(), 2u);
  EXPECT_EQ(curve.lines[0].label, "good");
  EXPECT_EQ(curve.lines[1].label, "deaf");
  EXPECT_EQ(both.numbers.size(), one.numbers.size() + two.numbers.size());
  EXPECT_NE(both.sentence.find("deaf: "), std::string::npos);
}

TEST(LabAnswer, CurvesOverMeasuredPlacesKeepTheirOwn) {
  const auto answer = [](std::vector<double> x) {
    LabAnswer made;
    Curve curve{x, {{"what came", x}}, "predicted", "came"};
    LabFigure plot;
    plot.name = "reliability", plot.title = "Reliability", plot.value = std::make_shared<const Value>(std::move(curve));
    made.figures = {plot};
    return made;
  };
  const auto both = joined(question("calibration"), {answer({0.1, 0.2, 0.3}), answer({0.5, 0.7, 0.8, 0.9}), answer({0.1, 0.2})}, {"a", "b", "c"});
  ASSERT_EQ(both.figures.size(), 2u);
  EXPECT_EQ(std::get<Curve>(*both.figures[0].value).lines.size(), 2u) << "a and c have the same places";
  EXPECT_EQ(both.figures[1].name, "reliability@b");
  EXPECT_EQ(std::get<Curve>(*both.figures[1].value).x, (std::vector<double>{0.5, 0.7, 0.8, 0.9}));
}

TEST(LabAnswer, FirstFiguresComeFromAGlimpseAndTheAnswerIsTheSameWithoutOne) {
  Bench watched(known_system(Wrong::deaf, true)), alone(known_system(Wrong::deaf, true));
  std::vector<LabAnswer> shown;
  std::vector<double> shares;
  Inquiry::Asker asker;
  asker.show = [&](const LabAnswer& answer) { shown.push_back(answer); };
  asker.progress = [&](double share, const std::string&) { shares.push_back(share); };
  const auto answer = ask(question("horizon"), watched, asker);
  ASSERT_GE(shown.size(), 2u);
  EXPECT_LT(shown.front().steps, answer.steps);
  EXPECT_FALSE(shown.front().complete);
  EXPECT_FALSE(shown.front().sentence.empty());
  EXPECT_TRUE(std::ranges::is_sorted(shares));
  auto same = ask(question("horizon"), alone, {});
  same.seconds = answer.seconds;
  EXPECT_EQ(answer_to_json(same, true), answer_to_json(answer, true));
}

TEST(LabAnswer, WhenTheTimeIsUpTheGlimpseIsTheAnswer) {
  Bench bench(known_system(Wrong::nothing, true));
  Question slow{"slow", "", "", {}, [](Inquiry& inquiry, LabAnswer& answer) {
                  const auto& episodes = inquiry.episodes(4);
                  answer.sentence = "Seen.";
                  const auto whole = static_cast<std::int64_t>(episodes.front().data.length()) > HeldOut::glimpse_steps;
                  while (whole) inquiry.at(0.5, "dawdles");
                }};
  Inquiry::Asker asker;
  asker.seconds = 1, asker.show = [](const LabAnswer&) {};
  const auto answer = ask(slow, bench, asker);
  EXPECT_EQ(answer.sentence, "Seen. There was no time for more than the first 64 steps of 4 episodes.");
  const test::TempFolder folder;
  const AnswerShelf shelf(folder / "run", false, folder.path());
  shelf.keep(answer, bench);
  EXPECT_FALSE(shelf.find("slow", bench) || shelf.holds_any()) << "it rests on beginnings alone";
  Question short_one{"short", "", "", {}, [](Inquiry&, LabAnswer& made) { made.sentence = "No episode is needed."; }};
  Bench another(known_system(Wrong::nothing, true));
  shelf.keep(ask(short_one, another, {}), another);
  EXPECT_TRUE(shelf.find("short", another)) << "as of what needs none";
  EXPECT_EQ(answer.fault, "");
  EXPECT_TRUE(answer.complete);
  EXPECT_LT(answer.seconds, 10);
}

TEST(LabAnswer, WhoNoLongerWantsToKnowIsNotMadeToWait) {
  Bench bench(known_system(Wrong::nothing));
  Inquiry::Asker asker;
  int asked = 0;
  asker.progress = [&](double, const std::string&) {
    if (++asked == 5) throw Cancelled{};
  };
  EXPECT_THROW(ask(question("horizon"), bench, asker), Cancelled);
  EXPECT_EQ(asked, 5);
}

TEST(LabAnswer, AQuestionThatIsNotThereNamesTheNearest) {
  try {
    question("horizom");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'horizon'"), std::string::npos);
  }
}

}  // namespace question_test
}  // namespace dream
