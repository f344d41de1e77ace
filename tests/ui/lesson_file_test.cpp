// Lessons as files: what is read, what is refused and how it is said, what is written is read again; and every shipped
// one names what there is.
#include "ui/lesson/lesson_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "api/error.h"
#include "ui/lesson/deeds.h"
#include "ui/lesson/markdown.h"
#include "ui/lesson/things.h"

namespace dream::ui {
namespace lesson_file_test {

const std::string head = "title = \"T\"\nabout = \"A.\"\n";
const std::string step = "[[step]]\ntitle = \"S\"\ntext = \"x\"\n";

std::string mistake(const std::string& toml) {
  try {
    parse_lesson(toml, "t.toml");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(LessonFile, ReadsEveryFieldAndWritesTheSame) {
  const std::string toml = head + R"(
[[step]]
title = "Zwei Welten: τ"
text = """
# Überschrift
A **bold** word, "quoted" and \\ back.
"""
run = "car_racing"
train = { recipe = "jepa", world = "TwoRoom", settings = ["world.against=none"] }
workspace = "teach"
panels = ["worlds", "mind"]
tab = "latent"
seed = 7
play = true
twin = false
anchor = 10
speed = 0.5
pilot = "you"
knobs = { tau_mixture = 1.5, tau_sigma = 0.3 }
hold = [{ probe = "latent/z", index = 4, value = -2.5 }]
actions = ["pill", "step"]
drive = [{ action = [0.5, 1.0, 0.0], steps = 20 }]
point = ["dream", "mind", "latent/z"]
lock = ["knobs", "run"]
hide = ["knobs"]
reach = [
  { that = "Drive.", driven = 30 },
  { that = "Hot.", knob = "tau_mixture", above = 1.7 },
  { that = "Quiet.", probe = "latent/kl", below = 0.5 },
  { that = "Still.", playing = false },
  { that = "You.", pilot = "you" },
  { that = "Drifts.", anchor = 0 },
  { that = "Falls.", curve = "collapse/spread", below = 0.1 },
  { that = "Set it.", setting = "world.against=vicreg" },
]
[step.ask]
question = "Why?"
choices = [{ text = "So.", right = true }, { text = "No.", why = "Because." }]

[[step]]
title = "Last"
text = "Begin anew."
start = "same"
coupling = "reality_leads"
coupling_steps = 7
hold = []
reach = [{ that = "Let it drift.", coupling = "drift" }]
)";
  const Lesson lesson = parse_lesson(toml, "t.toml");
  ASSERT_EQ(lesson.steps.size(), 2u);
  const LessonStep& first = lesson.steps[0];
  EXPECT_EQ(first.text, "# Überschrift\nA **bold** word, \"quoted\" and \\ back.\n");
  EXPECT_EQ(first.panels, (std::vector<std::string>{"worlds", "mind"}));
  EXPECT_EQ(first.seed, 7);
  EXPECT_EQ(first.coupling, std::pair(Coupling::anchored, 10));
  EXPECT_EQ(lesson.steps[1].coupling, std::pair(Coupling::reality_leads, 7));
  EXPECT_EQ(lesson.steps[1].reach[0], (Reach{"Let it drift.", "coupling", "drift", 0, false}));
  EXPECT_EQ(first.twin, false);
  EXPECT_EQ(first.knobs.at("tau_sigma"), 0.3);
  EXPECT_EQ(first.hold->front(), (LatentHold{"latent/z", 4, -2.5}));
  EXPECT_EQ(first.train, (Training{"jepa", "TwoRoom", {"world.against=none"}}));
  EXPECT_EQ(first.reach[6], (Reach{"Falls.", "curve", "collapse/spread", 0.1, true}));
  EXPECT_EQ(first.reach[7], (Reach{"Set it.", "setting", "world.against=vicreg", 0, false}));
  EXPECT_EQ(first.drive.front(), (Scripted{{0.5, 1, 0}, 20}));
  EXPECT_EQ(first.reach[1], (Reach{"Hot.", "knob", "tau_mixture", 1.7, false}));
  EXPECT_EQ(first.reach[2], (Reach{"Quiet.", "probe", "latent/kl", 0.5, true}));
  EXPECT_EQ(first.reach[3], (Reach{"Still.", "playing", "", 0, false}));
  EXPECT_TRUE(first.question->answers[0].right);
  EXPECT_TRUE(lesson.steps[1].hold && lesson.steps[1].hold->empty()) << "an empty list lets go of all";
  EXPECT_FALSE(first.question->answers[1].right);
  EXPECT_EQ(parse_lesson(to_toml(lesson), "again.toml"), lesson);
}

TEST(LessonFile, AMistakeIsASentenceWithFileStepAndField) {
  struct Case {
    std::string toml, wanted;
  };
  const Case cases[] = {
      {"about = \"A.\"\n" + step, "t.toml, 'title': it is missing"},
      {head, "t.toml, 'step': 1 to 50 steps"},
      {head + step + "colour = 1\n", "t.toml, step 1, 'colour': no such field; those that there are: title, text"},
      {head + step + step + "anchor = \"ten\"\n", "t.toml, step 2, 'anchor': a whole number from 0 to 100000"},
      {head + step + "anchor = 1.5\n", "a whole number"},
      {head + step + "anchor = nan\n", "a whole number"},
      {head + step + "anchor = 0\ncoupling = \"drift\"\n", "'coupling': 'anchor' says already"},
      {head + step + "coupling = \"drift\"\ncoupling_steps = 3\n", "'coupling_steps': coupling = \"anchored\""},
      {head + step + "coupling = \"loose\"\n", "'coupling': "},
      {head + step + "speed = 99\n", "t.toml, step 1, 'speed': a number from 0.05 to 16"},
      {head + step + "play = 1\n", "true or false"},
      {head + step + "workspace = \"moon\"\n", "t.toml, step 1, 'workspace': 'moon' is unknown; one of play, train"},
      {head + step + "panels = [\"moon\"]\n", "'panels': 'moon' is unknown; one of worlds"},
      {head + step + "actions = [\"quit\"]\n", "'actions': 'quit' is unknown"},
      {head + step + "actions = [\"train_start\"]\n", "'actions': 'train_start' is unknown"},
      {head + step + "point = [\"moon\"]\n", "'point': 'moon' is unknown"},
      {head + step + "lock = [\"dream\"]\n", "'lock': 'dream' is unknown; one of knobs"},
      {head + step + "run = \"../secret\"\n", "t.toml, step 1, 'run': '../secret' is no run's name"},
      {head + step + "run = \"/tmp\"\n", "'/tmp' is no run's name"},
      {head + step + "run = \"..\"\n", "'..' is no run's name"},
      {head + step + "seed = 1\nstart = \"new\"\n", "'start' says already"},
      {head + step + "reach = [{ that = \"x\" }]\n", "t.toml, step 1, 'reach' 1: nothing is asked for"},
      {head + step + "reach = [{ that = \"x\", steps = 1, driven = 1 }]\n", "one deed was expected"},
      {head + step + "reach = [{ that = \"x\", steps = 0 }]\n", "t.toml, step 1, 'reach' 1, 'steps': a number from 1"},
      {head + step + "reach = [{ that = \"x\", knob = \"tau\" }]\n", "either 'above' or 'below'"},
      {head + step + "reach = [{ that = \"x\", knob = \"tau\", above = 1, below = 2 }]\n", "either 'above' or 'below'"},
      {head + step + "reach = [{ that = \"x\", pilot = \"me\" }]\n", "one of you, agent"},
      {head + step + "[step.ask]\nquestion = \"?\"\nchoices = [{ text = \"a\", right = true }]\n",
       "2 to 4 were expected"},
      {head + step + "[step.ask]\nquestion = \"?\"\nchoices = [{ text = \"a\", right = true }, { text = \"b\" }]\n",
       "t.toml, step 1, 'ask', 'choices' 2, 'why': a wrong answer says why"},
      {head + step + "hold = [{ probe = \"latent/z\", index = -1 }]\n", "'hold' 1, 'index': a whole number from 0"},
      {head + step + "train = { recipe = \"jepa\" }\n", "t.toml, step 1, 'train', 'world': it is missing"},
      {head + step + "train = { recipe = \"jepa\", world = \"TwoRoom\", settings = [\"against\"] }\n", "'against' is no setting with its value"},
      {head + step + "train = { recipe = \"vmc\", world = \"Catch\", settings = [\"vm.from=run:../up\"] }\n", "'../up' is no run's name"},
      {head + step + "drive = [{ action = [] }]\n", "'drive' 1, 'action': a list of numbers"},
      {head + step + "text = \"again\"\n", "t.toml, line 6"},
      {head + step + "title2 = \n", "t.toml, line 6"},
      {head + "[step]\ntitle = \"S\"\n", "each under [[step]]"},
      {head + step + "tïtle = \"x\"\n", "line 6: a letter outside ASCII that is in no text"},
      {head + std::string(200, '\n') + std::string(80, '.'), "very many dots"},
      {head + "[[step]]\ntitle = \"S\"\ntext = \"" + std::string(7000, 'x') + "\"\n", "longer than 6000 bytes"},
      {std::string(300 * 1024, '#'), "larger than 256 kB"},
  };
  for (const Case& each : cases) {
    const std::string said = mistake(each.toml);
    EXPECT_NE(said.find(each.wanted), std::string::npos) << "wanted: " << each.wanted << "\nsaid: " << said;
  }
}

TEST(LessonFile, ARunIsANameAndNoPath) {
  for (const char* name : {"car_racing", "my-run.2", "A1"}) EXPECT_TRUE(is_run_name(name)) << name;
  for (const char* name : {"", ".", "..", ".hidden", "a/b", "a\\b", "C:x", "~", "a b", "ä"})
    EXPECT_FALSE(is_run_name(name)) << name;
}

TEST(Markdown, BlocksAndSpans) {
  const auto blocks = parse_markdown(
      "## Head\nOne *two*\nthree **four** `a*b`.\n\n- first\n- [text](http://x)\n2. numbered\n\n```\ncode  x\n```\n3 * "
      "4 * 5 and \\*");
  ASSERT_EQ(blocks.size(), 7u);
  EXPECT_EQ(blocks[0].kind, Block::Kind::heading);
  EXPECT_EQ(blocks[0].level, 2);
  const std::vector<Inline> wanted{
      {.text = "One "}, {.text = "two", .italic = true}, {.text = " three "}, {.text = "four", .bold = true},
      {.text = " "},    {.text = "a*b", .code = true},   {.text = "."}};
  EXPECT_EQ(blocks[1].spans, wanted);
  EXPECT_EQ(blocks[2].marker, "•");
  EXPECT_EQ(blocks[3].spans[0].text, "text");
  EXPECT_EQ(blocks[3].spans[1], (Inline{.text = " (http://x)", .address = true}));
  EXPECT_EQ(blocks[4].marker, "2.");
  EXPECT_EQ(blocks[5].kind, Block::Kind::code);
  EXPECT_EQ(blocks[5].spans[0].text, "code  x");
}

// What the shipped runs' models and behaviours offer: knobs and groups of probes (core/models, core/behaviours).
struct Offers {
  std::set<std::string> knobs, probes;
};
Offers offers_of(const std::string& run) {
  const std::set<std::string> gaussian{"latent/z", "latent/kl", "hidden/h", "horizon/reward_bins"};
  std::set<std::string> categorical = gaussian;
  categorical.insert({"latent/seen", "latent/entropy"});
  const auto with = [](std::set<std::string> all, const std::set<std::string>& more) {
    all.insert(more.begin(), more.end());
    return all;
  };
  const std::set<std::string> actor{"policy/action", "horizon/value", "horizon/reward", "horizon/continue",
                                    "horizon/value_bins"};
  if (run == "car_racing") return {{"tau_mixture", "tau_sigma"}, {"latent/z", "mixture/z", "hidden/h"}};
  if (run == "doom_take_cover") return {{"tau_mixture", "tau_sigma", "found_at"}, {"latent/z", "mixture/z", "hidden/h", "hidden/c"}};
  if (run == "pendulum_planet") return {{"tau", "plan_iterations"}, with(gaussian, {"plan/actions", "plan/returns"})};
  if (run == "pendulum_dreamer_v1") return {{"tau"}, with(gaussian, actor)};
  if (run == "cartpole_muzero") return {{"simulations"}, {"latent/s", "search/tree", "search/policy"}};
  if (run == "pendulum_td_mpc2") return {{"plan_iterations"}, {"latent/z", "plan/actions", "plan/returns"}};
  if (run == "pendulum_decision_transformer" || run == "key_door_decision_transformer") return {{"return_to_go"}, {"attention/heads", "policy/action"}};
  if (run == "two_room_lecun")
    return {{"mode", "plan_iterations", "weight_goal", "weight_harm", "weight_energy"},
            {"architecture/now", "latent/z", "costs/now", "goal/picture", "goal/distance", "plan/actions", "plan/returns", "plan/ghosts"}};
  if (run == "two_room_jepa") return {{"plan_iterations"}, {"latent/z", "goal/picture", "goal/distance", "plan/actions", "plan/returns", "plan/ghosts"}};
  if (run == "bouncing_square_genie")
    return {{"maskgit_steps", "tau_tokens"}, {"tokens/grid", "tokens/confidence", "tokens/order", "actions/use", "actions/motion"}};
  if (run == "catch_iris") return {{"tau_tokens"}, {"tokens/grid", "tokens/film", "memory/window", "outcome/sign"}};
  if (run == "car_racing_diamond")
    return {{"denoising_steps", "order", "churn", "sigma_max", "tau_noise"}, {"denoising/steps", "denoising/context", "outcome/probabilities"}};
  if (run == "key_door_transdreamer") return {{"tau"}, with(categorical, with(actor, {"attention/heads"}))};
  if (run == "point_maze_planner") return {{"guidance", "replan"}, {"plan/picture", "plan/path", "plan/actions", "noise/matrix"}};
  if (run == "dyna_maze") return {{}, {"table/values", "table/policy", "table/actions"}};
  return {{"tau"}, with(categorical, actor)};
}

TEST(ShippedLessons, NameWhatThereIs) {
  const std::filesystem::path assets = DREAMSCOPE_SOURCE_DIR "/assets";
  int lessons = 0;
  for (const auto& entry : std::filesystem::directory_iterator(assets / "lessons")) {
    ASSERT_EQ(entry.path().extension(), ".toml");
    ++lessons;
    const Lesson lesson = load_lesson(entry.path());  // checks panels, workspaces, actions, things, deeds
    const std::string name = entry.path().filename().string();
    EXPECT_GE(lesson.steps.size(), 5u) << name;
    EXPECT_LE(lesson.steps.size(), 9u) << name;
    EXPECT_FALSE(lesson.steps[0].run.empty()) << name << " says where it plays";
    EXPECT_EQ(lesson.steps[0].workspace, "teach") << name;
    std::string run, taken;  // taken: the run whose parts the lesson's own training takes
    std::size_t deeds_asked = 0;
    for (const LessonStep& each : lesson.steps) {
      SCOPED_TRACE(name + ": " + each.title);
      for (const std::string& setting : each.train ? each.train->settings : std::vector<std::string>())
        if (const auto at = setting.find("=run:"); at != std::string::npos) {
          taken = setting.substr(at + 5);
          EXPECT_TRUE(std::filesystem::is_directory(assets / "runs" / taken)) << taken;
        }
      if (!each.run.empty()) {
        run = each.run == begun_run ? taken : each.run;  // which offers the same
        EXPECT_TRUE(std::filesystem::is_directory(assets / "runs" / run)) << run;
      }
      const Offers offers = offers_of(run);
      const auto has_group = [&](const std::string& group) {
        return std::ranges::any_of(offers.probes, [&](const std::string& p) { return p.starts_with(group + "/"); });
      };
      if (!each.tab.empty()) {
        EXPECT_TRUE(each.tab == "all" || has_group(each.tab)) << each.tab;
      }
      for (const auto& [knob, value] : each.knobs) EXPECT_TRUE(offers.knobs.contains(knob)) << knob;
      for (const std::string& thing : each.point) {
        const bool is_probe = thing.find('/') != std::string::npos;
        EXPECT_TRUE(!is_probe || offers.probes.contains(thing)) << thing;
      }
      if (each.hold) {
        for (const LatentHold& hold : *each.hold) EXPECT_TRUE(offers.probes.contains(hold.probe)) << hold.probe;
      }
      for (const Reach& reach : each.reach) {
        EXPECT_TRUE(reach.deed != "knob" || offers.knobs.contains(reach.name)) << reach.name;
        EXPECT_TRUE(reach.deed != "probe" || offers.probes.contains(reach.name)) << reach.name;
        EXPECT_TRUE(reach.deed != "tab" || has_group(reach.name)) << reach.name;
      }
      deeds_asked += each.reach.size() + each.question.has_value();
      EXPECT_TRUE(!each.reach.empty() || each.question) << "a step asks for something";
      EXPECT_FALSE(parse_markdown(each.text).empty());
    }
    EXPECT_GE(deeds_asked, 2u) << name;
    EXPECT_EQ(parse_lesson(to_toml(lesson), "again"), lesson) << name;
  }
  EXPECT_EQ(lessons, 21);
}

}  // namespace lesson_file_test
}  // namespace dream::ui
