// What of the laboratory is written down.
#include "answers/answer_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace dream {
namespace answer_text_test {

TEST(AnswerText, TablesSayWhereTheirLinesComeFromAndLeaveOutWhatCannotBeTold) {
  LabFigure figure{"error", "Error", "", nullptr, {}};
  Curve curve;
  curve.x = {1, 2}, curve.x_unit = "imagined steps", curve.y_unit = "MSE";
  curve.lines = {{"dream", {0.5, LabNumber::unknown}, false, {0.25, LabNumber::unknown}, {0.75, LabNumber::unknown}},
                 {"still, picture", {1, 2}, false, {}, {}, true}};
  figure.value = std::make_shared<const Value>(curve);
  EXPECT_EQ(figure_as_csv(figure),
            "imagined steps,dream [MSE],dream low,dream high,\"still, picture [MSE]\"\r\n"
            "1,0.5,0.25,0.75,1\r\n"
            "2,,,,2\r\n");
  figure.moments = {{"runs/a", 7, 61, nullptr}, {"runs/a", 8, 62, nullptr}};
  EXPECT_NE(figure_as_csv(figure).find("1,0.5,0.25,0.75,1,7,61\r\n"), std::string::npos);
  LabAnswer answer;
  answer.question = "horizon", answer.runs = {"runs/a \"b\""}, answer.sentence = "It\nis.";
  answer.numbers = {{"skill", "Skill", "", LabNumber::unknown}};
  answer.figures = {figure};
  EXPECT_EQ(answers_as_csv({answer}),
            "run,question,number,value,low,high,unit\r\n\"runs/a \"\"b\"\"\",horizon,skill,,,,\r\n");
  const auto json = nlohmann::json::parse(answers_as_json({answer})).at(0);
  EXPECT_EQ(json.at("sentence"), "It\nis.");
  EXPECT_EQ(json.at("runs").at(0), "runs/a \"b\"");
  EXPECT_TRUE(json.at("numbers").at(0).at("value").is_null());
  EXPECT_EQ(json.at("figures").at(0).at("value").at("lines").at(0).at("y"), nlohmann::json({0.5, nullptr}));
}

}  // namespace answer_text_test
}  // namespace dream
