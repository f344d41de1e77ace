// One reference picture per viewer (tests/golden/viewers). To write them anew after a change that you looked at:
//   DREAMSCOPE_GOLDEN=write build/…/bin/ui_tests --gtest_filter='*Viewer*'
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/ui/offscreen.h"
#include "tests/ui/reference.h"
#include "ui/viewers/viewer.h"

namespace dream::ui {
namespace viewers_test {

constexpr int width = 360, height = 240;

float wave(int i) {
  return static_cast<float>(std::sin(0.7 * i) * 0.7 + std::sin(2.3 * i) * 0.3);
}

Probe probe(const char* name, Value value, bool editable = false) {
  return {name, "Title of it", "What it is, with its symbol.", editable,
          std::make_shared<const Value>(std::move(value))};
}

Image picture() {
  Image image{16, 12, 3, {}};
  for (int i = 0; i < 16 * 12; ++i)
    for (const int c : {(i % 16) * 16, (i / 16) * 20, (i * 37) % 256})
      image.pixels.push_back(static_cast<std::uint8_t>(c));
  return image;
}

Heatmap heatmap(bool diverging) {
  Heatmap map{8, 16, diverging ? -1.0f : 0.0f, 1, diverging, {}};
  for (int i = 0; i < 128; ++i) map.cells.push_back(diverging ? wave(i) : std::abs(wave(i)));
  return map;
}

Heatmap map_over_picture() {
  Heatmap map = heatmap(false);
  for (const int i : {3, 40, 41, 90}) map.cells[static_cast<std::size_t>(i)] = std::nanf("");
  map.picture = std::make_shared<const Image>(picture());
  return map;
}

Categorical categorical() {
  Categorical value{8, 12, {}, {}, {}};
  for (int g = 0; g < 8; ++g) {
    for (int c = 0; c < 12; ++c) {
      value.posterior.push_back(c == g ? 0.7f : 0.027f);
      value.prior.push_back(c == g + 1 ? 0.5f : 0.045f);
    }
    value.drawn.push_back(g);
  }
  return value;
}

Categorical prior_only() {
  Categorical value = categorical();
  value.posterior.clear();
  return value;
}

Trajectories trajectories() {
  Trajectories value{40, 12, 2, {}, {}, {}, {}, {"steer", "gas"}};
  for (int i = 0; i < value.count; ++i) {
    value.elite.push_back(i % 8 == 0);
    value.scores.push_back(i % 8 == 0 ? 3 + wave(i) : wave(i));
    for (int k = 0; k < value.steps * value.axes; ++k)
      value.actions.push_back(0.5f * wave(k) + (i % 8 == 0 ? 0.1f : 0.4f) * wave(31 * i + k));
  }
  for (int k = 0; k < value.steps * value.axes; ++k) value.chosen.push_back(0.5f * wave(k));
  return value;
}

/// A search of 40 simulations over three actions, the middle one best.
Tree tree() {
  Tree value;
  value.unit = "reward";
  value.nodes.push_back({-1, 40, 1.5f, 0, 0, "", {}});
  const int visits[] = {8, 26, 6}, below[] = {3, 1, 1, 14, 9, 2, 0, 4, 1};
  const char* names[] = {"left", "stay", "right"};
  for (int a = 0; a < 3; ++a)
    value.nodes.push_back({0, visits[a], 1 + 0.5f * wave(a), 0.33f, 0.1f, names[a], {static_cast<float>(a)}});
  for (int i = 0; i < 9; ++i)
    value.nodes.push_back({1 + i / 3, below[i], 1 + wave(i + 3), 0.3f, 0, names[i % 3], {static_cast<float>(i % 3)}});
  for (int a = 0; a < 3; ++a) value.nodes.push_back({7, 5 - a, 2 + 0.2f * wave(a), 0.3f, 0, names[a], {static_cast<float>(a)}});
  value.chosen = 2;
  return value;
}

Attention attention() {
  Attention value{2, 3, 9, 9, {}, {}, {}};
  for (int i = 0; i < 9; ++i) {
    const std::string label = std::string(i % 3 == 0 ? "R" : i % 3 == 1 ? "s" : "a") + " " + std::to_string(i / 3 - 2);
    value.query_labels.push_back(label), value.key_labels.push_back(label);
  }
  for (int head = 0; head < 6; ++head)
    for (int q = 0; q < 9; ++q)
      for (int k = 0; k < 9; ++k)
        value.weights.push_back(k > q ? 0 : k == std::max(0, q - head) ? 0.6f : 0.4f / static_cast<float>(std::max(q, 1)));
  return value;
}

/// Three moments of which pictures are known, three keys each.
Attention attention_on_pictures() {
  Attention value = attention();
  for (const int age : {2, 1, 0}) {
    Image each = picture();
    for (std::size_t i = 0; i < each.pixels.size(); i += 3) each.pixels[i] = static_cast<std::uint8_t>(80 * age);
    const auto shown = std::make_shared<const Image>(each);
    for (int k = 0; k < 3; ++k) value.key_ages.push_back(age), value.key_pictures.push_back(shown);
  }
  return value;
}

/// A plan goes round between three modules, one of them in two halves; the fourth is at rest.
Tokens tokens() {
  Tokens value{4, 4, 64, {}, {}, {}, {}, {}, {}};
  for (int i = 0; i < 16; ++i) {
    value.codes.push_back((i * 7) % 64);
    value.chance.push_back(i % 5 == 0 ? 0.03f : 0.8f);
    value.seen.push_back(i == 6 ? 1 : (i * 7) % 64);
    for (int k = 0; k < 3; ++k) value.likely.push_back((i * 7 + k) % 64);
  }
  for (int code = 0; code < 64; ++code) value.use.push_back(code % 9 == 0 ? 0.0f : std::abs(wave(code)) / 20);
  value.picture = std::make_shared<const Image>(picture());
  return value;
}

Diagram diagram() {
  Diagram value;
  value.columns = 12, value.rows = 8, value.phase = 2.3f;
  value.nodes = {{"Above all", "Sets what is wanted.", {"goal × 1.00    energy × 0.01"}, 0.2f, 0.2f, 11.6f, 1.5f, 0.4f},
                 {"World model", "Foretells.", {"24 steps ahead"}, 0.4f, 2.6f, 4.6f, 2, 1},
                 {"Cost", "Is to be kept low.", {}, 6.4f, 2.4f, 5.2f, 5.3f, 0.2f},
                 {"Fixed", "Half of it.", {"goal 0.4", "harm 0.1"}, 6.6f, 3.4f, 4.8f, 2.1f, 0.6f},
                 {"Learned", "The other half.", {"to come 3.10"}, 6.6f, 5.6f, 4.8f, 1.9f, 0},
                 {"Actor", "Decides.", {"plan"}, 0.4f, 5.8f, 4.6f, 1.9f, 0.8f}};
  for (int i = 0; i < 24; ++i) value.nodes[3].bars.push_back(wave(i));
  value.nodes[3].bars_label = "step by step";
  value.edges = {{0, 1, "", 0.1f}, {0, 2, "weights", 0.5f}, {1, 2, "s'", 1, 0.3f}, {2, 5, "cost", 0.7f}, {5, 1, "a", 1, 0.3f}};
  return value;
}

Vector policy() {
  return {{0.41f, 0.17f, 0.06f, 0.09f, 0.15f, 0.12f}, {}, {}, {"nothing", "left", "up", "right", "down", "fire"}};
}

Vector squashed() {
  return {{0.4f, -0.7f, 0.1f}, {0.4f, -0.7f, 0.1f}, {0.2f, 0.1f, 0.3f}, {"steer", "gas", "brake"}};
}

Vector kl() {
  Vector v;
  for (int i = 0; i < 32; ++i) v.values.push_back(1.6f * std::abs(wave(i)));
  return v;
}

Mixture mixture() {
  Mixture m{4, 3, {}, {}, {}, {}, {}, {}};
  for (int d = 0; d < 4; ++d) {
    m.weights.insert(m.weights.end(), {0.6f, 0.3f, 0.1f});
    m.means.insert(m.means.end(), {-1.5f + 0.2f * static_cast<float>(d), 0.4f, 2.1f});
    m.deviations.insert(m.deviations.end(), {0.4f, 0.7f, 0.25f});
    m.drawn.push_back(d % 3);
    m.draw.push_back(0.7f);
    m.entropy.push_back(0.2f + 0.25f * static_cast<float>(d));
  }
  return m;
}

Vector vector() {
  Vector v;
  for (int i = 0; i < 16; ++i) {
    v.values.push_back(2 * wave(i));
    v.mean.push_back(2 * wave(i) + 0.2f);
    v.deviation.push_back(0.3f);
  }
  return v;
}

Curve curve() {
  Curve c;
  c.lines.emplace_back();
  for (int i = 0; i < 200; ++i)
    c.x.push_back(i), c.lines[0].y.push_back(std::exp(-i * 0.02) + 0.05 * static_cast<double>(wave(i)));
  c.x_unit = "step", c.y_unit = "nats";
  return c;
}

Curve three_lines() {
  Curve c;
  c.lines = {{"imagined", {}}, {"came true", {}, true}, {"λ-return", {}}};
  for (int i = 0; i < 16; ++i) {
    c.x.push_back(i);
    for (int k = 0; k < 3; ++k)
      c.lines[static_cast<std::size_t>(k)].y.push_back(std::sin(0.4 * i + k) + 0.1 * static_cast<double>(wave(i)));
  }
  c.x_unit = "step ahead", c.y_unit = "reward";
  return c;
}

/// A band with a gap in it, a line that stands alone between two gaps, baselines.
Curve banded(bool log_y = false) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  Curve c;
  c.lines = {{"dream", {}}, {"another run", {}}, {"still picture", {}, false, {}, {}, true}, {"mean frame", {}, false, {}, {}, true}};
  for (int i = 0; i < 40; ++i) {
    c.x.push_back(i + 1);
    const double y = 1 - std::exp(-0.08 * i) + 0.02;
    c.lines[0].y.push_back(y), c.lines[0].low.push_back(0.8 * y), c.lines[0].high.push_back(1.2 * y);
    c.lines[1].y.push_back(0.5 * y), c.lines[2].y.push_back(0.9), c.lines[3].y.push_back(0.7 + 0.004 * i);
  }
  for (int i = 14; i < 20; ++i)
    if (i != 17) c.lines[0].y[static_cast<std::size_t>(i)] = c.lines[0].low[static_cast<std::size_t>(i)] = nan;
  c.lines[1].y[0] = -1;  // has no place on a logarithmic axis
  c.x_unit = "imagined steps", c.y_unit = "MSE", c.log_y = log_y;
  return c;
}

Table table() {
  Table t;
  t.columns = {{"run", "", "", 0}, {"score", "reward", "over 100 episodes", 1}, {"skill", "", "", 2}, {"family", "", "", 0}};
  const char* names[] = {"car", "walker", "breakout", "pendulum", "catch"};
  for (int i = 0; i < 5; ++i)
    t.rows.push_back({{0, names[i]}, {i == 3 ? std::nan("") : 861.25 - 200 * i, ""}, {0.31 - 0.1 * i, ""}, {0, i % 2 ? "V-M-C" : "Dreamer V3"}});
  return t;
}

Points points() {
  Points v;
  v.x_label = "first component", v.y_label = "second component";
  v.colours = {{"reward", "", {}}, {"time", "steps", {}}};
  for (int i = 0; i < 300; ++i) {
    v.x.push_back(std::cos(0.021f * static_cast<float>(i)) * (2 + wave(i))), v.y.push_back(std::sin(0.021f * static_cast<float>(i)) * (1 + wave(i + 3)));
    v.colours[0].values.push_back(i % 50 == 0 ? std::nanf("") : wave(i)), v.colours[1].values.push_back(static_cast<float>(i));
  }
  return v;
}

struct Case {
  const char* name;
  Probe shown;
  bool dark;
};

class Viewer : public testing::TestWithParam<Case> {};

TEST_P(Viewer, LooksLikeItsReference) {
  Offscreen screen(width, height, GetParam().dark);
  const Image now = screen.draw([&](Ui& ui) { draw_value(ui, GetParam().shown, ImGui::GetContentRegionAvail()); });
  expect_looks_like("viewers/" + std::string(GetParam().name), now);
}

INSTANTIATE_TEST_SUITE_P(
    All, Viewer,
    testing::Values(
        Case{"image", probe("a/image", picture()), true}, Case{"heatmap", probe("a/map", heatmap(false)), true},
        Case{"heatmap_diverging", probe("a/map", heatmap(true)), true},
        Case{"heatmap_over_picture", probe("a/map", map_over_picture()), true},
        Case{"heatmap_light", probe("a/map", heatmap(true)), false},
        Case{"categorical", probe("a/cat", categorical()), true}, Case{"mixture", probe("a/mix", mixture()), true},
        Case{"mixture_light", probe("a/mix", mixture()), false}, Case{"vector", probe("a/z", vector(), true), true},
        Case{"scalar", probe("a/s", Scalar{1.2345, "nats"}), true}, Case{"curve", probe("a/c", curve()), true},
        Case{"categorical_prior", probe("a/cat", prior_only(), true), true},
        Case{"curve_lines", probe("a/c", three_lines()), true},
        Case{"curve_lines_light", probe("a/c", three_lines()), false},
        Case{"curve_bands", probe("a/c", banded()), true}, Case{"curve_bands_light", probe("a/c", banded()), false},
        Case{"curve_bands_log", probe("a/c", banded(true)), true}, Case{"table", probe("a/t", table()), true},
        Case{"table_light", probe("a/t", table()), false}, Case{"points", probe("a/p", points()), true},
        Case{"points_light", probe("a/p", points()), false},
        Case{"tree", probe("a/tree", tree()), true}, Case{"tree_light", probe("a/tree", tree()), false},
        Case{"attention", probe("a/attention", attention()), true},
        Case{"attention_on_pictures", probe("a/attention", attention_on_pictures()), true},
        Case{"attention_on_pictures_light", probe("a/attention", attention_on_pictures()), false},
        Case{"tokens", probe("a/tokens", tokens(), true), true},
        Case{"diagram", probe("a/d", diagram()), true}, Case{"diagram_light", probe("a/d", diagram()), false},
        Case{"trajectories", probe("a/plan", trajectories()), true},
        Case{"vector_choices", probe("a/pi", policy()), true}, Case{"vector_axes", probe("a/pi", squashed()), true},
        Case{"vector_positive", probe("a/kl", kl()), true},
        Case{"text", probe("a/t", Text{"A line of text.\nAnother, with ₃ and τ."}), true}),
    [](const auto& each) { return std::string(each.param.name); });

/// Six pictures above their halves, in two bands where that makes them larger.
TEST(SheetViewer, ASheetIsDrawnInWholePixelsWithItsCaptions) {
  Image sheet{6 * 16, 2 * 12, 3, {}};
  for (int y = 0; y < sheet.height; ++y)
    for (int x = 0; x < sheet.width; ++x)
      for (const int c : {(x % 16) * 16, (y % 12) * 20, (x / 16) * 40 + (y / 12) * 10}) sheet.pixels.push_back(static_cast<std::uint8_t>(c));
  const Probe shown = probe("a/sheet", sheet);
  const SheetLook look{6, 2, {"truth", "dream"}, {"1", "2", "3", "5", "10", "15"}};
  for (const auto& [name, high] : {std::pair{"sheet", 120}, {"sheet_bands", height}}) {
    Offscreen screen(width, high, true);
    const Image now = screen.draw([&](Ui& ui) { draw_sheet(ui, shown, std::get<Image>(*shown.value), look, ImGui::GetContentRegionAvail()); });
    expect_looks_like(std::string("viewers/") + name, now);
  }
}

TEST(ViewerRobustness, DamagedValuesAreDrawnAsASentence) {
  Offscreen screen(width, height, true);
  Heatmap short_map = heatmap(true);
  short_map.cells.pop_back();
  Mixture short_mixture = mixture();
  short_mixture.means.pop_back();
  Categorical short_categorical = categorical();
  short_categorical.posterior.pop_back();
  Image short_image = picture();
  short_image.pixels.pop_back();
  Vector nan_vector = vector();
  nan_vector.values[3] = std::nanf("");
  Trajectories short_actions = trajectories(), short_elite = trajectories(), no_axes = trajectories(),
               not_a_number = trajectories();
  short_actions.actions.pop_back();
  short_elite.elite.pop_back();
  no_axes.axes = 0;
  not_a_number.actions[5] = not_a_number.scores[2] = std::nanf("");
  Curve short_line = three_lines(), long_line = three_lines(), empty_lines = three_lines(), nan_line = three_lines();
  short_line.lines[0].y.resize(3), short_line.lines[1].y.clear();
  long_line.lines[2].y.resize(900, 1e30);
  for (Line& line : empty_lines.lines) line.y.clear();
  nan_line.lines[0].y[4] = nan_line.lines[1].y[7] = std::nan(""), nan_line.lines[2].y[0] = HUGE_VAL;
  Categorical far_drawn = categorical(), no_groups = categorical();
  far_drawn.drawn = {-1, 99, 3};
  no_groups.groups = -4;
  Vector few_labels = policy(), nan_policy = policy();
  few_labels.labels.pop_back();
  nan_policy.values[0] = std::nanf("");
  Curve short_band = banded(), no_positive = banded(true), all_nan = banded();
  short_band.lines[0].low.resize(3);
  for (Line& line : no_positive.lines) line.y.assign(40, -1), line.low.clear(), line.high.clear();
  for (Line& line : all_nan.lines) line.y.assign(40, std::nan("")), line.low.clear(), line.high.clear();
  Table short_row = table(), nan_table = table(), no_rows = table();
  short_row.rows[1].resize(1), nan_table.rows[0][1].number = HUGE_VAL, no_rows.rows.clear();
  Points nan_points = points(), few_colours = points(), no_colours = points(), one_point, short_thumbs = points();
  nan_points.x[3] = std::nanf(""), nan_points.y[5] = HUGE_VALF, few_colours.colours[0].values.resize(4), no_colours.colours.clear();
  one_point.x = one_point.y = {1};
  short_thumbs.thumbnails = std::make_shared<const Image>(picture()), short_thumbs.thumb_width = short_thumbs.thumb_height = 4, short_thumbs.thumb_columns = 2;
  Tree orphan = tree(), untried = tree(), nan_tree = tree(), short_tree_thumbs = tree();
  orphan.nodes[3].parent = 99, untried.nodes[0].visits = 0, nan_tree.nodes[2].value = std::nanf("");
  short_tree_thumbs.thumbnails = std::make_shared<const Image>(picture());
  short_tree_thumbs.thumb_width = short_tree_thumbs.thumb_height = 4;
  Attention short_attention = attention(), nan_attention = attention();
  Attention short_pictures = attention_on_pictures();
  short_pictures.key_pictures.pop_back();
  short_attention.weights.pop_back(), nan_attention.weights[4] = std::nanf("");
  Diagram no_node = diagram(), no_grid = diagram(), lost_edge = diagram(), nan_diagram = diagram(), nan_bars = diagram();
  no_node.nodes.clear(), no_grid.rows = 0, lost_edge.edges[0].to = 9, nan_diagram.nodes[1].x = std::nanf("");
  nan_bars.nodes[3].bars.assign(3, std::nanf("")), nan_bars.nodes[1].strength = nan_bars.edges[1].strength = HUGE_VALF;
  Tokens short_tokens = tokens(), far_code = tokens(), few_said = tokens(), nan_use = tokens();
  short_tokens.codes.pop_back(), far_code.codes[3] = 64, few_said.chance.resize(3), few_said.seen.resize(2), few_said.likely.resize(5), few_said.use.resize(9);
  nan_use.use.assign(64, std::nanf("")), few_said.picture = nullptr;
  const Image black = screen.draw([](Ui&) {});
  for (const Value& value : {Value(short_tokens), Value(far_code), Value(few_said), Value(nan_use), Value(Tokens{}), Value(no_node), Value(no_grid), Value(lost_edge), Value(nan_diagram), Value(nan_bars), Value(orphan), Value(untried), Value(nan_tree), Value(short_tree_thumbs), Value(Tree{}),
                             Value(short_attention), Value(short_pictures), Value(nan_attention), Value(Attention{}), Value(short_map),      Value(short_mixture), Value(short_categorical), Value(short_image),
                             Value(nan_vector),     Value(Vector{}),      Value(Curve{}),           Value(Text{}),
                             Value(short_actions),  Value(short_elite),   Value(no_axes),           Value(not_a_number),
                             Value(Trajectories{}), Value(short_line),    Value(long_line),         Value(empty_lines),
                             Value(nan_line),       Value(far_drawn),     Value(no_groups),         Value(few_labels),
                             Value(nan_policy),     Value(short_band),    Value(no_positive),       Value(all_nan),
                             Value(short_row),      Value(nan_table),     Value(no_rows),           Value(Table{}),
                             Value(nan_points),     Value(few_colours),   Value(no_colours),        Value(one_point),
                             Value(short_thumbs),   Value(Points{})}) {
    const Probe shown = probe("a/b", value);
    const Image drawn = screen.draw([&](Ui& ui) { draw_value(ui, shown, {200, 100}); });
    EXPECT_EQ(drawn.pixels.size(), black.pixels.size());
  }
}

}  // namespace viewers_test
}  // namespace dream::ui
