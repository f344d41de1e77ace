// What a session measured.
#include "ui/report.h"

#include <gtest/gtest.h>

namespace dream::ui {
namespace report_test {

TEST(Percentile, IsTheNearestRank) {
  std::vector<float> values;
  for (int i = 100; i >= 1; --i) values.push_back(static_cast<float>(i));
  EXPECT_EQ(percentile(values, 0.5), 50);
  EXPECT_EQ(percentile(values, 0.99), 99);
  EXPECT_EQ(percentile(values, 1), 100);
  EXPECT_EQ(percentile(values, 0), 1);
  EXPECT_EQ(percentile({7}, 0.99), 7);
  EXPECT_EQ(percentile({}, 0.5), 0);
}

/// A session of even frames, 20 ms each with 5 ms of work, in which the dream makes one step a frame.
class Session {
 public:
  Session() {
    dream.steps_per_second = 60;
    PhaseView phase;
    phase.name = "v", phase.rate_unit = "frames/s", phase.rate = 700, phase.state = PhaseView::State::running;
    train.phases = {phase};
    train.phases.front().title = "V";
  }
  void run(Report& report, double seconds, double frame = 0.02, std::int64_t steps = 1) {
    for (const double until = now + seconds; now < until - 1e-9;) {
      now += frame;
      dream.step += steps;
      Snapshot snapshot;
      snapshot.dream = std::make_shared<const DreamView>(dream);
      snapshot.train = std::make_shared<const TrainView>(train);
      report.frame(snapshot, now - 0.005, now);
    }
  }
  bool says(const Report& report, const std::string& text) { return report.json().find(text) != std::string::npos; }

  DreamView dream;
  TrainView train;
  double now = 1000;
};

TEST(Report, CountsFramesDreamAndTraining) {
  Report report;
  Session session;
  for (const float ms : {12, 18, 31}) report.key(ms);
  EXPECT_TRUE(session.says(report, "\"keys\": 3")) << report.json();
  EXPECT_TRUE(session.says(report, "\"key_to_pixel_ms\": {\"p50\": 18.00, \"p90\": 31.00")) << report.json();
  session.run(report, Report::warm_up + 0.02);
  session.run(report, 10);
  SCOPED_TRACE(report.json());
  EXPECT_TRUE(session.says(report, "\"frame_ms\": {\"p50\": 20.00, \"p90\": 20.00, \"p99\": 20.00, \"max\": 20.00}"));
  EXPECT_TRUE(session.says(report, "\"work_ms\": {\"p50\": 5.00"));
  EXPECT_TRUE(session.says(report, "\"wanted\": 60.00, \"measured\": 50.00"));
  EXPECT_TRUE(session.says(report, "\"frames_per_second\": 50.00"));
  EXPECT_TRUE(session.says(report, "{\"phase\": \"v\", \"rate\": 700.00, \"unit\": \"frames/s\""));
}

TEST(Report, LeavesOutTheStartAndShowsTheWorstSecond) {
  Report report;
  Session session;
  session.run(report, Report::warm_up, 0.5);  // slow frames that do not count
  session.run(report, 5);
  session.run(report, 2, 0.02, 0);  // the dream stands still
  session.run(report, 5);
  session.dream.step = 0;  // a restart is no step back
  session.run(report, 1);
  SCOPED_TRACE(report.json());
  EXPECT_TRUE(session.says(report, "\"max\": 20.00"));
  EXPECT_TRUE(session.says(report, "\"slowest_second\": 0.00") || session.says(report, "\"slowest_second\": 1"));
  EXPECT_TRUE(session.says(report, "\"measured\": 41.92")) << "524 steps in 12.5 seconds.";
}

TEST(Report, OfNothingIsStillAReport) {
  EXPECT_NE(Report().json().find("\"training\": []"), std::string::npos);
  EXPECT_NE(Report().json().find("\"frames\": 0"), std::string::npos);
}

}  // namespace report_test
}  // namespace dream::ui
