#include "core/config/config.h"

#include <gtest/gtest.h>

#include <limits>

#include "api/error.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace config_test {

enum class Shape { round, square, long_and_thin };
constexpr auto choice_names(Shape) {
  return names_of_choice("round", "square", "long-and-thin");
}

struct Options {
  bool bfloat = true;
  std::int64_t batch = 100;
  double learning_rate = 1e-4;
  std::string policy = "random";
  std::string note = "a \"quoted\" \\ line\nτ\x01";
  std::int64_t seed = 1;

  void fields(Config& config) {
    config.add("seed", seed, {.help = "Seed of the run", .low = 0});
    config.add("v.batch", batch, {.help = "Frames per step", .low = 1, .high = 4096, .live = true});
    config.add("v.learning_rate", learning_rate,
               {.help = "Adam's α",
                .unit = "1/step",
                .low = 1e-7,
                .high = 1,
                .logarithmic = true,
                .title = "step size α"});
    config.add("v.precision.bfloat", bfloat, {.help = "bfloat16 autocast"});
    config.add("collect.policy", policy, {.help = "Who drives", .choices = {"random", "controller"}});
    config.add("note", note, {});
  }
};

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() { options_.fields(config_); }
  std::string refusal(const std::string& toml) {
    const std::string before = config_.to_toml();
    const std::string message = test::message_of<Error>([&] { config_.parse(toml, "run.toml"); });
    EXPECT_NE(message, "") << "accepted: " << toml;
    EXPECT_NE(message.find("run.toml"), std::string::npos) << message;
    EXPECT_EQ(config_.to_toml(), before) << "an error changed a setting";
    return message;
  }
  std::string set_refusal(const std::string& assignment) {
    const std::string before = config_.to_toml();
    const std::string message = test::message_of<Error>([&] { config_.set_text(assignment); });
    EXPECT_NE(message, "") << "accepted: " << assignment;
    EXPECT_EQ(config_.to_toml(), before);
    return message;
  }
  Options options_;
  Config config_;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(ConfigTest, TomlChangesWhatItNames) {
  config_.parse(
      "seed = 7\n[v]\nbatch = 32\nlearning_rate = 3e-4\nprecision.bfloat = false\n[collect]\npolicy = 'controller'\n",
      "x");
  EXPECT_EQ(options_.seed, 7);
  EXPECT_EQ(options_.batch, 32);
  EXPECT_DOUBLE_EQ(options_.learning_rate, 3e-4);
  EXPECT_FALSE(options_.bfloat);
  EXPECT_EQ(options_.policy, "controller");
  config_.parse("v.batch = 64", "x");
  EXPECT_EQ(options_.batch, 64);
  EXPECT_EQ(options_.seed, 7);
}

TEST_F(ConfigTest, NumbersOfEitherSpellingAreRead) {
  config_.parse("[v]\nlearning_rate = 1\nbatch = 1e3\n", "x");
  EXPECT_DOUBLE_EQ(options_.learning_rate, 1.0);
  EXPECT_EQ(options_.batch, 1000);
  EXPECT_SAYS(refusal("[v]\nbatch = 10.5"), "whole number");
}

TEST_F(ConfigTest, WrittenTomlReadsBackTheSame) {
  options_.learning_rate = 0.1 + 0.2;
  options_.seed = std::numeric_limits<std::int64_t>::max();
  const std::string text = config_.to_toml();
  Options other;
  other.note = other.policy = "";
  other.bfloat = false;
  Config config;
  other.fields(config);
  other.policy = "random";
  config.parse(text, "x");
  EXPECT_EQ(other.learning_rate, options_.learning_rate);
  EXPECT_EQ(other.seed, options_.seed);
  EXPECT_EQ(other.note, options_.note);
  EXPECT_TRUE(other.bfloat);
  EXPECT_EQ(config.to_toml(), text);
  EXPECT_SAYS(text, "# Adam's α [1/step]\nlearning_rate = ");
  EXPECT_SAYS(text, "\n[v]\n");
}

TEST_F(ConfigTest, UnknownKeysSuggestTheNearest) {
  EXPECT_SAYS(refusal("[v]\nlearning_rat = 1e-3"), "did you mean 'v.learning_rate'");
  EXPECT_SAYS(refusal("[v]\nlearning_rat = 1e-3"), "line 2");
  EXPECT_SAYS(refusal("learning_rate = 1e-3"), "did you mean 'v.learning_rate'");
  EXPECT_SAYS(refusal("[V]\nBatch = 3"), "did you mean 'v.batch'");
  EXPECT_SAYS(refusal("[collect]\npolciy = 'random'"), "did you mean 'collect.policy'");
  const std::string far = refusal("zzzzzzzz = 1");
  EXPECT_EQ(far.find("did you mean"), std::string::npos) << far;
  EXPECT_SAYS(set_refusal("v.bacth=3"), "did you mean 'v.batch'");
}

TEST_F(ConfigTest, ErrorsNameLineAndExpectation) {
  EXPECT_SAYS(refusal("seed = 2\n\nv.batch = 0\n"), "line 3");
  EXPECT_SAYS(refusal("v.batch = 0"), "between 1 and 4096");
  EXPECT_SAYS(refusal("seed = -1"), "at least 0");
  EXPECT_SAYS(refusal("v.batch = 'many'"), "whole number");
  EXPECT_SAYS(refusal("v.precision.bfloat = 1"), "true or false");
  EXPECT_SAYS(refusal("collect.policy = 3"), "a text");
  EXPECT_SAYS(refusal("collect.policy = 'controler'"), "did you mean 'controller'");
  EXPECT_SAYS(refusal("v.learning_rate = nan"), "finite");
  EXPECT_SAYS(refusal("v.learning_rate = inf"), "finite");
  EXPECT_SAYS(refusal("v.batch = [1, 2]"), "list");
  EXPECT_SAYS(refusal("seed = 1979-05-27"), "date");
  EXPECT_SAYS(refusal("v = 3"), "'v'");
  EXPECT_SAYS(refusal("seed = 1\nseed = 2"), "line 2");
  EXPECT_SAYS(refusal("\"v.batch\" = 1\n[v]\nbatch = 2"), "twice");
  EXPECT_SAYS(refusal("seed = = 1"), "not valid TOML");
  EXPECT_SAYS(refusal("\n\nseed = 99999999999999999999"), "line 3");
}

TEST_F(ConfigTest, AnErrorChangesNothingBeforeIt) {
  refusal("seed = 5\n[v]\nbatch = 8\nlearning_rate = 7.0\n");
  EXPECT_EQ(options_.seed, 1);
  EXPECT_EQ(options_.batch, 100);
}

TEST_F(ConfigTest, HostileTextsAreErrors) {
  std::string deep, dotted = "a", header = "[a", nested = "a = ";
  for (int i = 0; i < 100000; ++i) {
    dotted += ".a";
    header += ".a";
    deep += "[";
    nested += "{a=";
  }
  EXPECT_SAYS(refusal(dotted + " = 1"), "line 1");
  EXPECT_SAYS(refusal(header + "]"), "line 1");
  refusal("seed = " + deep);
  refusal(nested);
  refusal(std::string(100, '\0'));
  refusal("seed = \"\xff\xfe\"");
  // Greek and Latin letters where a key or number should be: toml++ is undefined on them.
  EXPECT_SAYS(refusal("seed = 1\n\u03b1 = 1"), "line 2");
  EXPECT_SAYS(refusal("seed = \u00bd"), "ASCII");
  EXPECT_SAYS(refusal("note = \"\"\"a\n\u03b1\"\"\""), "several lines");
  config_.parse("\xef\xbb\xbfnote = \"\\\"\u03b1.#\" # \u03b2 \"\"\"\nseed = 4\n", "x");
  EXPECT_EQ(options_.note, "\"\u03b1.#");
  EXPECT_EQ(options_.seed, 4);
  EXPECT_SAYS(refusal(std::string(2u << 20, '\n')), "bytes");
}

TEST_F(ConfigTest, EveryDamageIsAnErrorOrHarmless) {
  const std::string good = config_.to_toml();
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const char c : {'\0', '"', '[', '=', '\n', '\\', '\'', '9', '\xff'}) {
      std::string text = good;
      text[i] = c;
      test::message_of<Error>([&] { config_.parse(text, "x"); });
      test::message_of<Error>([&] { config_.parse(text.substr(0, i), "x"); });
    }
  }
  config_.parse(good, "x");
  EXPECT_EQ(config_.to_toml(), good);
}

TEST_F(ConfigTest, AssignmentsFromTheCommandLine) {
  config_.set_text("v.learning_rate=1e-3");
  config_.set_text(" v.batch = 1e2 ");
  config_.set_text("v.precision.bfloat=false");
  config_.set_text("collect.policy=controller");
  config_.set_text("note=\"a=b\"");
  EXPECT_DOUBLE_EQ(options_.learning_rate, 1e-3);
  EXPECT_EQ(options_.batch, 100);
  EXPECT_FALSE(options_.bfloat);
  EXPECT_EQ(options_.policy, "controller");
  EXPECT_EQ(options_.note, "a=b");
  config_.set_text("note=12");
  EXPECT_EQ(options_.note, "12");
  EXPECT_SAYS(set_refusal("v.batch"), "key=value");
  EXPECT_SAYS(set_refusal("v.batch="), "whole number");
  EXPECT_SAYS(set_refusal("v.batch=12x"), "12x");
  EXPECT_SAYS(set_refusal("v.learning_rate=1,5"), "1,5");
  EXPECT_SAYS(set_refusal("v.learning_rate=nan"), "finite");
  EXPECT_SAYS(set_refusal("v.precision.bfloat=yes"), "true or false");
  EXPECT_SAYS(set_refusal("=3"), "''");
}

TEST_F(ConfigTest, SetChecksTypeAndRange) {
  config_.set("v.batch", std::int64_t{5});
  EXPECT_EQ(options_.batch, 5);
  config_.set("v.learning_rate", std::int64_t{1});
  EXPECT_EQ(options_.learning_rate, 1.0);
  EXPECT_THROW(config_.set("v.batch", std::int64_t{5000}), Error);
  EXPECT_THROW(config_.set("v.batch", true), Error);
  EXPECT_THROW(config_.set("seed", std::string("3")), Error);
  EXPECT_THROW(config_.set("v.batch", 1e300), Error);
  EXPECT_EQ(options_.batch, 5);
}

TEST_F(ConfigTest, AnEnumIsReadOnceAndIsATextOutside) {
  Shape shape = Shape::square;
  Config config;
  config.add("shape", shape, {.help = "Its outline", .live = true});
  EXPECT_EQ(config.fields()[0].choices, (std::vector<std::string>{"round", "square", "long-and-thin"}));
  EXPECT_EQ(std::get<std::string>(config.fields()[0].initial), "square");
  config.set_text("shape=long-and-thin");
  EXPECT_EQ(shape, Shape::long_and_thin);
  EXPECT_EQ(config.departures(), std::vector<std::string>{"shape = \"long-and-thin\" (\"square\")"});
  const auto text = config.to_toml();
  shape = Shape::round;
  config.parse(text, "x");
  EXPECT_EQ(shape, Shape::long_and_thin);
  const auto message = test::message_of<Error>([&] { config.set_text("shape=suqare"); });
  EXPECT_SAYS(message, "one of round, square, long-and-thin was expected; did you mean 'square'?");
  EXPECT_EQ(test::message_of<Error>([&] { choice_of<Shape>("suqare"); }),
            "'suqare': one of round, square, long-and-thin was expected; did you mean 'square'?");
  EXPECT_THROW(config.set("shape", std::int64_t{1}), Error);
  Shape table = Shape::round;
  config.add("table", table, {.choices = {"round", "square"}});
  EXPECT_THROW(config.set_text("table=long-and-thin"), Error) << "not every value makes sense for every setting";
  EXPECT_EQ(shape, Shape::long_and_thin);
}

TEST_F(ConfigTest, ARenamedSettingStillOpensByItsOldName) {
  bool recurrent = true;
  Config config;
  config.add("world.recurrent", recurrent, {.help = "It remembers", .formerly = {"world.memory"}});
  config.parse("[world]\nmemory = false\n", "old.toml");
  EXPECT_FALSE(recurrent);
  config.set_text("world.memory=true");
  EXPECT_TRUE(recurrent);
  EXPECT_EQ(config.to_toml().find("memory"), std::string::npos) << "what is written has the new name";
  EXPECT_SAYS(test::message_of<Error>([&] { config.parse("[world]\nmemory = false\nrecurrent = true\n", "x"); }),
              "twice");
  EXPECT_TRUE(recurrent);
}

TEST_F(ConfigTest, FieldsShowPresentAndInitialValues) {
  options_.batch = 50;
  const std::vector<Field> fields = config_.fields();
  EXPECT_EQ(fields[0].title, "seed");
  EXPECT_EQ(fields[2].title, "step size α");
  EXPECT_EQ(fields[3].title, "precision bfloat") << "the key's own words";
  ASSERT_EQ(fields.size(), 6u);
  EXPECT_EQ(fields[1].key, "v.batch");
  EXPECT_EQ(std::get<std::int64_t>(fields[1].value), 50);
  EXPECT_EQ(std::get<std::int64_t>(fields[1].initial), 100);
  EXPECT_TRUE(fields[1].live);
  EXPECT_TRUE(fields[2].logarithmic);
  EXPECT_EQ(fields[2].unit, "1/step");
  EXPECT_EQ(fields[4].choices.size(), 2u);
}

TEST_F(ConfigTest, DeparturesAreFromTheDefaultsThatWereTakenLast) {
  Config config;
  double rate = 1.0 / 333;
  std::int64_t layers = 2;
  config.add("rate", rate, {});
  config.add("layers", layers, {});
  layers = 4;
  EXPECT_EQ(config.departures(), std::vector<std::string>{"layers = 4 (2)"});
  config.take_as_default();
  config.parse(config.to_toml(), "text");  // its digits come back
  EXPECT_TRUE(config.departures().empty());
  config.set_text("layers=1");
  EXPECT_EQ(config.departures(), std::vector<std::string>{"layers = 1 (4)"});
  EXPECT_EQ(std::get<std::int64_t>(config.fields()[1].initial), 4);
}

TEST_F(ConfigTest, DeclaringAKeyTwiceIsAnError) {
  EXPECT_THROW(config_.add("seed", options_.seed, {}), Error);
}

TEST_F(ConfigTest, FilesAreReadAndNamed) {
  const test::TempFolder folder;
  test::write_bytes(folder / "a.toml", "seed = 3\nv.batch = -1\n");
  const std::string message = test::message_of<Error>([&] { config_.load(folder / "a.toml"); });
  EXPECT_SAYS(message, "a.toml', line 2");
  EXPECT_EQ(options_.seed, 1);
  EXPECT_SAYS(test::message_of<Error>([&] { config_.load(folder / "none.toml"); }), "none.toml");
  EXPECT_SAYS(test::message_of<Error>([&] { config_.load(folder.path()); }), "folder");
  test::write_bytes(folder / "a.toml", "seed = 3\n");
  config_.load(folder / "a.toml");
  EXPECT_EQ(options_.seed, 3);
}

TEST(Nearest, FindsTyposAndNothingElse) {
  const std::vector<std::string> names = {"CarRacing", "CartPole", "Pendulum"};
  EXPECT_EQ(nearest("carracing", names), "CarRacing");
  EXPECT_EQ(nearest("CartPloe", names), "CartPole");
  EXPECT_EQ(nearest("Pendulm", names), "Pendulum");
  EXPECT_EQ(nearest("xyz", names), "");
  EXPECT_EQ(nearest("", names), "");
  EXPECT_EQ(nearest(std::string(100000, 'a'), names), "");
  EXPECT_EQ(nearest("a", {}), "");
}

}  // namespace config_test
}  // namespace dream
