#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/snapshot.h"
#include "core/data/events.h"
#include "core/nn/checkpoint.h"

namespace dream {

/// The curves of a run: declared by the recipe, filled by its phases, kept in the checkpoint (thinned to a bounded
/// number of points) and written in full as TensorBoard events.
class Metrics {
 public:
  struct Spec {
    std::string name, title, unit, x_unit;
    double floor = 0;  // a level that is drawn in; none where it is not above 0
    std::string floor_label = {};
  };
  explicit Metrics(std::vector<Spec> specs) : specs_(std::move(specs)) {}

  /// From now on every value is also written as an event. A session that goes on from a checkpoint says so first:
  /// readers drop all that they hold of this run, which may be more than was saved, and are given the curves as they
  /// were saved. The curves count different things (steps, updates, episodes), so no one step could part what was
  /// saved from what was not.
  void write_events_to(const std::filesystem::path& directory);
  void stop_events() { events_.reset(); }
  bool writes_events() const { return events_ != nullptr; }
  /// `name` must be declared. A non-finite value throws dream::Error naming it: the phase stops there.
  void add(const std::string& name, std::int64_t step, double value);
  bool declares(const std::string& name) const;
  void clear(const std::string& prefix);  // forget the curves whose name begins so: a phase starts anew

  /// The level that is drawn into a curve; none where it is not above 0.
  void set_floor(const std::string& name, double floor);

  /// `reference`, when given, supplies what normal looks like.
  std::vector<CurveView> views(const Metrics* reference) const;
  /// Lays these curves, of `run`, over those of the same name.
  void lay_over(const std::string& run, std::vector<CurveView>& views) const;
  double last(const std::string& name) const;  // NaN when empty

  void save(Checkpoint& into) const;
  void load(const Checkpoint& from);

 private:
  struct Points {
    std::vector<double> x, y;
    std::int64_t stride = 1, pending = 0;  // every stride-th value is kept, as the mean of what it stands for
    double sum = 0, last = 0;
    bool any = false;
  };
  static constexpr std::size_t capacity = 600;
  std::vector<Spec> specs_;
  std::map<std::string, Points> points_;
  std::unique_ptr<EventWriter> events_;
};

}  // namespace dream
