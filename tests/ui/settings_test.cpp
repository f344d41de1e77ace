// Where the window goes, and what is remembered between launches.
#include "ui/settings.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace dream::ui {

bool operator==(const Area& a, const Area& b) {
  return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
}
void PrintTo(const Area& a, std::ostream* out) {
  *out << a.width << "x" << a.height << " at " << a.x << ", " << a.y;
}

namespace settings_test {

const Area large{0, 25, 2560, 1415}, laptop{0, 25, 1366, 743}, second{2560, 0, 1920, 1080};

TEST(Place, StaysWhereItWasWhileItIsSeen) {
  const Area wanted{300, 200, 1600, 900};
  EXPECT_EQ(fit_to_screens(wanted, {large}), wanted);
  EXPECT_EQ(fit_to_screens({2700, 100, 1600, 900}, {large, second}), (Area{2700, 100, 1600, 900}));
  EXPECT_EQ(fit_to_screens(wanted, {}), wanted) << "No screen is known: nothing to correct by.";
  const Area beyond{1500, 300, 1600, 900};
  EXPECT_EQ(fit_to_screens(beyond, {large}), beyond) << "A part beyond the edge is the user's own choice.";
}

TEST(Place, ASmallerScreenShowsTheWholeWindow) {
  EXPECT_EQ(fit_to_screens({300, 200, 1600, 900}, {laptop}), (Area{0, 25, 1366, 743}));
  EXPECT_EQ(fit_to_screens({100, 25, 1000, 1300}, {laptop}), (Area{100, 25, 1000, 743}));
}

TEST(Place, AWindowOnAScreenThatIsGoneComesToTheMiddleOfTheMainOne) {
  EXPECT_EQ(fit_to_screens({2700, 100, 1600, 900}, {large}), (Area{480, 282, 1600, 900}));
  EXPECT_EQ(fit_to_screens({-5000, -5000, 800, 600}, {large}), (Area{880, 432, 800, 600}));
  EXPECT_EQ(fit_to_screens({300, -400, 1600, 900}, {large}), (Area{480, 282, 1600, 900}))
      << "Its title bar is not seen.";
  EXPECT_EQ(fit_to_screens({2500, 200, 1600, 900}, {large}), (Area{480, 282, 1600, 900}))
      << "Too narrow to take hold of.";
}

class SettingsFile : public testing::Test {
 protected:
  SettingsFile() : file_(std::filesystem::temp_directory_path() / ("dreamscope-conf-" + std::to_string(getpid()))) {}
  ~SettingsFile() override {
    std::error_code error;
    std::filesystem::remove(file_, error);
  }
  Settings read(const std::string& text) {
    std::ofstream(file_) << text;
    return load_settings(file_);
  }
  std::filesystem::path file_;
};

TEST_F(SettingsFile, LinksAreFollowedAndDevicesStayWhatTheyAre) {
  const auto link = file_.string() + "-link", pipe = file_.string() + "-pipe";
  std::filesystem::create_symlink(file_, link);
  EXPECT_TRUE(save_text(link, "text"));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(std::filesystem::file_size(file_), 4u);
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_FALSE(save_text(pipe, "text"));
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  std::filesystem::remove(link), std::filesystem::remove(pipe);
}

TEST_F(SettingsFile, KeepsEverySetting) {
  Settings all;
  all.dark = false, all.text_scale = 1.5f, all.smooth = all.sliders = true, all.link_knobs = false;
  all.workspace = "debug", all.place = {-1200, 40, 1280, 720}, all.maximised = true;
  all.new_run = {"dreamer-v3", "Catch", {"train.steps=9e4", "train.datasets=a b:c"}};
  ASSERT_TRUE(save_settings(file_, all));
  const Settings back = load_settings(file_);
  EXPECT_FALSE(back.dark);
  EXPECT_EQ(back.text_scale, 1.5f);
  EXPECT_TRUE(back.smooth && back.sliders && !back.link_knobs);
  EXPECT_EQ(back.workspace, "debug");
  EXPECT_EQ(back.place, all.place);
  EXPECT_TRUE(back.maximised);
  EXPECT_EQ(back.new_run.recipe, "dreamer-v3");
  EXPECT_EQ(back.new_run.environment, "Catch");
  EXPECT_EQ(back.new_run.settings, all.new_run.settings);
}

TEST_F(SettingsFile, ADamagedPlaceIsNoPlace) {
  for (const char* line : {"place=", "place=1 2 3", "place=1 2 x 4", "place=0 0 0 900", "place=0 0 -1600 900",
                           "place=2147483647 0 1600 900", "place=99999999999999999999 0 1600 900"})
    EXPECT_EQ(read(line).place.width, 0) << line;
  EXPECT_EQ(read("place=5 6 700 800\n").place, (Area{5, 6, 700, 800}));
}

}  // namespace settings_test
}  // namespace dream::ui
