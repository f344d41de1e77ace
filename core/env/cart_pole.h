#pragma once
#include "core/env/small_env.h"

namespace dream {

/// A cart on a frictionless track with a pole on a hinge (Barto, Sutton and Anderson 1983), with the constants, and to
/// the last bit the arithmetic, of Gymnasium's CartPole. theta is 0 upright and grows clockwise.
struct CartPoleBody {
  static constexpr double kTrack = 2.4;  // where the cart's centre leaves it, metres from the middle
  enum class Euler { plain, semi_implicit };
  double x = 0, x_dot = 0, theta = 0, theta_dot = 0;

  /// By `force` newtons to the right, for 0.02 s.
  void push(double force, Euler integrator);
  bool off_track() const { return x < -kTrack || x > kTrack; }
};

/// What the two worlds with this cart share. Diagnostics: state [4], the body in double precision, theta not wrapped.
class CartPoleWorld : public SmallEnv {
 protected:
  using SmallEnv::SmallEnv;
  virtual bool failed(const CartPoleBody& body) const = 0;  // the task's own end
  void paint_cart(paint::Canvas& canvas, float rail, float pole) const;
  std::vector<double> numbers() const final;
  bool take(std::span<const double> numbers, int steps, bool done) final;
  std::vector<NamedArray> describe() const final;

  CartPoleBody body_;
};

/// Gymnasium's CartPole-v1 (version 1.4.0): the same start for the same seed and the same trajectory for the same
/// actions, bit for bit where the C library's sine and cosine are NumPy's. Reward 1 a step; terminated when the pole
/// leans by more than 12 degrees or the cart leaves the track, truncated after 500 steps. Vector: x, x_dot, theta,
/// theta_dot. The 64 x 64 picture is our own, in which no velocity can be seen; the pole is drawn three times as long
/// as the track's scale would have it, as 12 degrees are little.
class CartPole final : public CartPoleWorld {
 public:
  CartPole();

  /// Pushes to the side of a weighted sum of the body's four numbers, a linear rule that holds it for all 500 steps.
  bool expert(std::span<float> action) const override;

 private:
  void begin(Rng& rng) override;
  Outcome advance(std::span<const float> action) override;
  bool failed(const CartPoleBody& body) const override;
  void write_vector(std::span<float> out) const override;
  void paint_observation(paint::Canvas& canvas) const override;
};

/// The same cart, pushed as hard as one likes, up to 10 N to either side; the pole begins hanging down and is to be
/// swung up and held there. Reward (1 + cos theta) / 2 a step; terminated, with no reward, when the cart leaves the
/// track, truncated after 500 steps. It moves by Gymnasium's semi-implicit Euler steps: by plain ones a hanging pole
/// swings ever higher by itself. Vector: x, x_dot, cos and sin of theta, theta_dot.
class CartPoleSwingUp final : public CartPoleWorld {
 public:
  CartPoleSwingUp();

 private:
  void begin(Rng& rng) override;
  Outcome advance(std::span<const float> action) override;
  bool failed(const CartPoleBody& body) const override { return body.off_track(); }
  void write_vector(std::span<float> out) const override;
  void paint_observation(paint::Canvas& canvas) const override;
};

}  // namespace dream
