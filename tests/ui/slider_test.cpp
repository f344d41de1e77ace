// Sliders under the mouse: each kind of scale, from the press to what is kept.
#include "ui/slider.h"

#include <cmath>

#include "imgui_internal.h"
#include "tests/ui/flow.h"

namespace dream::ui {
namespace slider_test {

struct Kind {
  const char* key;
  FieldValue value;
  Scale scale;
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {"linear", 0.37, {0, 1}},
      {"integer", std::int64_t{100}, {1, 1024, false, true}},
      {"learning_rate", 4e-5, {1e-8, 1, true}},       // a slider that stood right went to 10 from a press
      {"reward_scale", 1.0, {1e-3, 1e4, true}},       // 12 pixels were 1 -> 58
      {"free_nats", 1.0, {0, 1000, true}},            // 45 % of the track were 90 %
      {"off", 0.0, {0, 1e5, true}},                   // a logarithmic one that stands at 0
      {"count", std::int64_t{16}, {0, 4096, true, true}},
      {"signed", -0.25, {-3, 3}},
  };
  return all;
}

double number(const FieldValue& value) {
  const auto* whole = std::get_if<std::int64_t>(&value);
  return whole ? static_cast<double>(*whole) : std::get<double>(value);
}

class Sliders : public Flow {
 protected:
  /// The settings are the kinds, and nothing else.
  void SetUp() override {
    TrainView& train = engine.train();
    train.fields.clear();
    for (const Kind& kind : kinds()) {
      Field field;
      field.key = kind.key, field.title = kind.key, field.help = "A setting.", field.live = true;
      field.value = field.initial = kind.value;
      field.low = kind.scale.low, field.high = kind.scale.high, field.logarithmic = kind.scale.logarithmic;
      train.fields.push_back(field);
    }
    engine.tick();
  }
  double value_of(const char* key) {
    for (const Field& field : engine.train().fields)
      if (field.key == key) return number(field.value);
    ADD_FAILURE() << key;
    return 0;
  }
  void put_back(const Kind& kind) {
    for (Field& field : engine.train().fields)
      if (field.key == kind.key) field.value = kind.value;
    window->ui().pending.clear();
  }
  /// The track of a slider, where its knob's middle can stand.
  struct Track {
    float left = 0, right = 0, y = 0;
    ImVec2 at(double place) const { return {left + static_cast<float>(place) * (right - left), y}; }
    float pixel() const { return 1 / (right - left); }
  };
  Track track(ImGuiTestContext* ctx, const char* key) {
    const auto path = "//Settings###fields/**/" + std::string(key) + "/##value";
    ImGuiTestItemInfo item;  // a list that has just changed may be drawn a frame later
    for (int tries = 0; tries < 20 && item.ID == 0; ++tries, ctx->Yield(3)) {
      item = ctx->ItemInfo(path.c_str(), ImGuiTestOpFlags_NoError);
    }
    EXPECT_NE(item.ID, 0u) << key;
    const float radius = window->ui().px(7);
    return {item.RectFull.Min.x + radius, item.RectFull.Max.x - radius, item.RectFull.GetCenter().y};
  }
};

TEST_F(Sliders, APressOnTheKnobKeepsTheValue) {
  open("train");
  act([&](ImGuiTestContext* ctx) {
    for (const Kind& kind : kinds()) {
      const Track on = track(ctx, kind.key);
      for (const float aside : {0.0f, -5.0f, 5.0f}) {
        const ImVec2 knob = on.at(kind.scale.place(number(kind.value)));
        ctx->MouseMoveToPos({knob.x + aside, knob.y});
        ctx->MouseDown();
        ctx->Yield(3);
        ctx->MouseUp();
        ctx->Yield(45);  // longer than a sent value is waited for
        EXPECT_EQ(value_of(kind.key), number(kind.value)) << kind.key << ", pressed " << aside << " beside its middle";
      }
    }
    EXPECT_EQ(engine.count<SetField>(), 0);
  });
}

TEST_F(Sliders, APressBesideTheKnobBringsItThere) {
  open("train");
  act([&](ImGuiTestContext* ctx) {
    for (const Kind& kind : kinds()) {
      const Track on = track(ctx, kind.key);
      for (const double place : {0.0, 0.12, 0.45, 0.8, 1.0}) {
        put_back(kind);
        ctx->Yield(2);
        if (std::abs(kind.scale.place(number(kind.value)) - place) < 12 * static_cast<double>(on.pixel())) continue;
        ctx->MouseMoveToPos(on.at(place));
        ctx->MouseClick();
        ctx->Yield(3);
        const double now = value_of(kind.key);
        EXPECT_GE(now, kind.scale.low) << kind.key;
        EXPECT_LE(now, kind.scale.high) << kind.key;
        // An integer has its knob at its own place alone, and 0 its own part of a logarithmic track.
        double off = 1.5 * static_cast<double>(on.pixel());
        if (kind.scale.whole) off += std::abs(kind.scale.place(now + 1) - kind.scale.place(now));
        if (now == 0) off += 0.02;
        EXPECT_NEAR(kind.scale.place(now), place, off) << kind.key << " became " << now;
        const ImGuiTestItemInfo item =
            ctx->ItemInfo(("//Settings###fields/**/" + std::string(kind.key) + "/##value").c_str());
        EXPECT_NE(item.ID, 0u);
      }
    }
  });
}

TEST_F(Sliders, ADragFollowsTheMouseAndEndsWithinTheRangeWhereverItIsLetGo) {
  open("train");
  act([&](ImGuiTestContext* ctx) {
    for (const Kind& kind : kinds()) {
      const Track on = track(ctx, kind.key);
      const auto drag = [&](float x) {
        put_back(kind);
        ctx->Yield(2);
        ctx->MouseMoveToPos(on.at(kind.scale.place(number(kind.value))));
        ctx->MouseDown();
        ctx->MouseMoveToPos({x, on.y + 60});
        ctx->Yield(2);
        ctx->MouseUp();
        ctx->Yield(3);
        return value_of(kind.key);
      };
      EXPECT_EQ(drag(on.right + 150), kind.scale.high) << kind.key;
      EXPECT_EQ(drag(on.left - 40), kind.scale.low) << kind.key;
      const double place = kind.scale.place(number(kind.value));
      const float by = place < 0.5 ? 24.0f : -24.0f;
      const double now = drag(on.at(place).x + by);
      EXPECT_NEAR(kind.scale.place(now), place + static_cast<double>(by * on.pixel()),
                  1.5 * static_cast<double>(on.pixel()) +
                      (kind.scale.whole ? std::abs(kind.scale.place(now + 1) - kind.scale.place(now)) : 0) +
                      (number(kind.value) == 0 ? 0.02 : 0))
          << kind.key << " became " << now;
    }
  });
}

TEST_F(Sliders, UndoGivesTheVeryNumberBack) {
  open("train");
  act([&](ImGuiTestContext* ctx) {
    for (const Kind& kind : kinds()) {
      const Track on = track(ctx, kind.key);
      const double place = kind.scale.place(number(kind.value));
      ctx->MouseMoveToPos(on.at(place));
      ctx->MouseDown();
      ctx->MouseMoveToPos(on.at(place < 0.5 ? place + 0.3 : place - 0.3));
      ctx->MouseUp();
      ctx->Yield(3);
      const double moved = value_of(kind.key);
      EXPECT_NE(moved, number(kind.value)) << kind.key;
      ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);
      ctx->Yield(3);
      EXPECT_EQ(value_of(kind.key), number(kind.value)) << kind.key;
      ctx->KeyPress(ImGuiMod_Ctrl | ImGuiMod_Shift | ImGuiKey_Z);
      ctx->Yield(3);
      EXPECT_EQ(value_of(kind.key), moved) << kind.key;
    }
  });
}

TEST_F(Sliders, TypingKeepsEveryDigitAndRefusesWhatIsNoNumber) {
  engine.train().fields[2].value = 1.2345678901e-4;
  engine.tick();
  open("train");
  act([&](ImGuiTestContext* ctx) {
    const auto type = [&](const char* text) {
      ctx->ItemInput("//Settings###fields/**/learning_rate/##value");
      if (*text)
        ctx->KeyCharsReplaceEnter(text);
      else
        ctx->KeyPress(ImGuiKey_Enter);
      ctx->Yield(3);
      return value_of("learning_rate");
    };
    EXPECT_EQ(type(""), 1.2345678901e-4) << "Enter alone changes nothing.";
    EXPECT_EQ(engine.count<SetField>(), 0);
    EXPECT_EQ(type("nan"), 1.2345678901e-4);
    EXPECT_EQ(type("3.00000000001e-3"), 3.00000000001e-3);
    EXPECT_EQ(type("1e9"), 1) << "The end of its range.";
    ctx->ItemDoubleClick("//Settings###fields/**/learning_rate/##value");
    ctx->Yield(3);
    EXPECT_EQ(value_of("learning_rate"), 4e-5) << "A double click resets.";
  });
}

TEST(Scales, EveryPlaceHasItsValueAndEveryValueItsPlace) {
  for (const Kind& kind : kinds()) {
    const Scale& scale = kind.scale;
    EXPECT_EQ(scale.place(scale.low), 0) << kind.key;
    EXPECT_EQ(scale.place(scale.high), 1) << kind.key;
    EXPECT_EQ(scale.value(0, 0.005), scale.low) << kind.key;
    EXPECT_EQ(scale.value(1, 0.005), scale.high) << kind.key;
    EXPECT_EQ(scale.value(-3, 0.005), scale.low) << kind.key;
    EXPECT_EQ(scale.value(7, 0.005), scale.high) << kind.key;
    double last = -1e300;
    for (int i = 0; i <= 1000; ++i) {
      const double value = scale.value(i / 1000.0, 0.001);
      EXPECT_GE(value, last) << kind.key << " at " << i;
      last = value;
    }
    EXPECT_EQ(scale.place(std::nan("")), 0) << kind.key;
  }
  const Scale learning_rate{1e-8, 1, true};
  EXPECT_EQ(learning_rate.value(learning_rate.place(4e-5), 0.004), 4e-5) << "Round numbers stay what they are.";
}

}  // namespace slider_test
}  // namespace dream::ui
