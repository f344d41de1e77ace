// Knobs set by name: what they take, and what is refused in words.
#include "core/behaviours/knobs.h"

#include <gtest/gtest.h>

#include "api/error.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace knobs_test {

using test::message_of;

std::vector<Knob> knobs() {
  Knob driver{"driver", "driver", "Who drives", "", 0, 2, 0};
  driver.whole = true;
  driver.choices = {"policy", "CEM", "iCEM"};
  Knob rounds{"rounds", "I", "Rounds", "", 0, 30, 4};
  rounds.whole = true;
  return {driver, rounds, {"tau", "τ", "Temperature", "", 0.1, 2, 1}};
}

TEST(Knobs, AreSetByNumberOrName) {
  using Set = std::pair<std::string, double>;
  EXPECT_EQ(knob_from_text(knobs(), "tau=0.5"), Set("tau", 0.5));
  EXPECT_EQ(knob_from_text(knobs(), "rounds=2.6"), Set("rounds", 3));
  EXPECT_EQ(knob_from_text(knobs(), "rounds=0"), Set("rounds", 0));
  EXPECT_EQ(knob_from_text(knobs(), "driver=iCEM"), Set("driver", 2));
}

TEST(Knobs, SayWhatTheyTake) {
  const auto refusal = [](const std::string& text) { return message_of<Error>([&] { knob_from_text(knobs(), text); }); };
  EXPECT_EQ(refusal("tau"), "a knob is set by name=value, not by 'tau'");
  EXPECT_EQ(refusal("heat=1"), "neither the model nor its behaviour has a knob 'heat'; there is driver, rounds, tau");
  EXPECT_EQ(refusal("tau=warm"), "the knob 'tau' is a number from 0.1 to 2, not 'warm'");
  EXPECT_EQ(refusal("tau=1x"), "the knob 'tau' is a number from 0.1 to 2, not '1x'");
  EXPECT_EQ(refusal("tau=3"), "Temperature is a number from 0.1 to 2, not 3");
  EXPECT_EQ(refusal("driver=1"), "the knob 'driver' is one of policy, CEM, iCEM, not '1'");
}

}  // namespace knobs_test
}  // namespace dream
