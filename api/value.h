#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace dream {

/// What models publish and viewers draw. Plain data, cheap to copy by shared pointer (see Probe).

struct Image {  // uint8, row-major, H x W x C (C = 1 or 3)
  int width = 0, height = 0, channels = 3;
  std::vector<std::uint8_t> pixels;
};

struct Heatmap {  // rows x cols; `diverging` maps are symmetric about 0
  int rows = 0, cols = 0;
  float low = 0, high = 1;
  bool diverging = false;
  std::vector<float> cells;                       // NaN: nothing is known, and nothing drawn
  std::shared_ptr<const Image> picture = {};      // that they lie over, from edge to edge
};

struct Categorical {  // groups x classes probabilities; `prior` may be empty
  int groups = 0, classes = 0;
  std::vector<float> posterior, prior;
  std::vector<int> drawn;  // one class per group
};

struct Mixture {  // dims x components, row-major; already tempered, `drawn` is the component and `draw` the value
  int dims = 0, components = 0;
  std::vector<float> weights, means, deviations;
  std::vector<int> drawn;
  std::vector<float> draw;
  std::vector<float> entropy;  // of the weights, per dim, nats
};

struct Vector {  // bars; mean ± deviation is a second opinion on the same quantity (an encoder beside a dream)
  std::vector<float> values;
  std::vector<float> mean, deviation;
  std::vector<std::string> labels;
};

struct Scalar {
  double value = 0;
  std::string unit;
};

struct Line {
  std::string label;  // "λ-return"
  std::vector<double> y;
  bool real = false;  // what came true, not what a model made of it
  std::vector<double> low = {}, high = {};  // a band around y; empty: none
  bool dashed = false;                      // a baseline or a limit, not a measurement
};

struct Curve {  // lines over one axis; the first is what is predicted, the others what it is held against
  std::vector<double> x;
  std::vector<Line> lines;
  std::string x_unit, y_unit;
  bool log_y = false;
};

struct Trajectories {  // what a planner considers: count x steps x axes actions, each candidate with its score
  int count = 0, steps = 0, axes = 0;
  std::vector<float> actions;       // row-major
  std::vector<float> scores;        // one per candidate: predicted return
  std::vector<std::uint8_t> elite;  // one per candidate: 1 where the next iteration is fitted to it
  std::vector<float> chosen;        // steps x axes: the plan
  std::vector<std::string> labels;  // of the axes
};

struct Tree {  // a search from where one stands: the root first, a parent before its children
  struct Node {
    int parent = -1;        // -1: the root
    int visits = 0;
    float value = 0;        // mean return of what was tried below, with the reward on the way there
    float prior = 0;        // what the policy gave it before
    float reward = 0;       // of the step that leads there
    std::string action;     // that step, in words
    std::vector<float> deed;  // the same, as the environment takes it
  };
  std::vector<Node> nodes;
  int chosen = -1;   // the node that the first step of the plan leads to; -1: none
  std::string unit;  // of values
  std::shared_ptr<const Image> thumbnails;  // of the first nodes, side by side; null: none
  int thumb_width = 0, thumb_height = 0;
};

struct Attention {  // layers x heads x queries x keys weights; a query's weights over its keys sum to 1
  int layers = 0, heads = 0, queries = 0, keys = 0;
  std::vector<float> weights;                       // row-major
  std::vector<std::string> query_labels, key_labels;  // "R −3", "s −3", "a −3"
  std::vector<int> key_ages = {};  // how many steps ago the moment was that each key is of; −1: of none; empty: not told
  std::vector<std::shared_ptr<const Image>> key_pictures = {};  // of these moments; null: not known; empty: of none
};

struct Points {  // a map of things in two dimensions, coloured by one quantity of a choice of them
  std::vector<float> x, y;
  struct Colour {
    std::string label, unit;    // "reward"
    std::vector<float> values;  // one per point; NaN: not known
  };
  std::vector<Colour> colours;
  std::string x_label, y_label;
  std::shared_ptr<const Image> thumbnails;  // one picture per point, `thumb_columns` side by side; null: none
  int thumb_width = 0, thumb_height = 0, thumb_columns = 0;
};

struct Table {
  struct Column {
    std::string title, unit, help;
    int decimals = 3;
  };
  struct Cell {
    double number = 0;
    std::string text;  // shown in the number's place where there is one; sorted by the number all the same
  };
  std::vector<Column> columns;  // the first one's cells name the rows
  std::vector<std::vector<Cell>> rows;
};

struct Diagram {  // modules and what flows between them now; places and sizes are cells of a grid
  struct Node {
    std::string title, help;         // "Actor"; what it is for, in a sentence
    std::vector<std::string> lines;  // what it says now, a line each
    float x = 0, y = 0, width = 1, height = 1;  // one that lies within another is a part of it
    float strength = 0;              // 0 at rest … 1 at work
    std::vector<float> bars = {};    // a quantity over steps, as a cost along a plan; NaN: not known
    std::string bars_label = {};     // "cost along the horizon"
  };
  struct Edge {
    int from = 0, to = 0;  // nodes
    std::string label;     // "state"
    float strength = 0;    // 0: nothing flows … 1: as much as can
    float along = 0.5f;    // where it runs upright or level between two nodes: the share of what they have side by side
  };
  float columns = 1, rows = 1;
  std::vector<Node> nodes;
  std::vector<Edge> edges;
  float phase = 0;  // what flows has gone so many times the way
};

struct Text {
  std::string text;
};

struct Tokens {  // a picture as a grid of codes; an editable one's element is the code of a place (index = place·vocabulary + code)
  int rows = 0, cols = 0, vocabulary = 0;
  std::vector<int> codes;       // rows x cols, row-major
  std::vector<float> chance;    // how likely each of them was before it was drawn; empty: not known
  std::vector<int> seen;        // codes of the real frame, a second opinion; empty: none
  std::vector<int> likely;      // of each place the likeliest codes, first the likeliest, as many of every place
  std::vector<float> use;       // of each code of the vocabulary: its share of the places that were learned from lately
  std::shared_ptr<const Image> picture;  // that they stand for; null: none
};

using Value =
    std::variant<Image, Heatmap, Categorical, Mixture, Vector, Scalar, Curve, Trajectories, Tree, Attention, Points,
                 Table, Diagram, Text, Tokens>;

/// A named value. The name is a path ("latent/z"); the part before the slash is the panel that shows it.
struct Probe {
  std::string name;
  std::string title;    // "Latent z"
  std::string caption;  // what it is, in one line, with the paper's symbol
  bool editable =
      false;  // EditLatent changes it: a Vector's element, or the class of a group (index = group·classes + class)
  std::shared_ptr<const Value> value;
};

}  // namespace dream
