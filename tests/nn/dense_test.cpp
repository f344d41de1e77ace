#include "core/nn/dense.h"

#include <cmath>

#include "api/error.h"
#include "tests/data/temp_folder.h"
#include "tests/models/model_test.h"

namespace dream {
namespace dense_test {

using test::fill_hashed;
using test::hashed_float;
using test::relative_error;

class DenseTest : public test::ModelTest {};

LayerStyle style(Norm norm, bool bias = true) {
  return {Act::silu, norm, 1e-3, bias, Init::fan_in};
}

TEST_F(DenseTest, NormsAreTheirFormulas) {
  const auto x = hashed_float(1, {4, 7, 10}, 3);
  NormLayer rms(10, style(Norm::rms)), layer(10, style(Norm::layer)), none(10, style(Norm::none));
  fill_hashed(*rms, 5);
  fill_hashed(*layer, 7);
  const auto wide = x.to(torch::kFloat64);
  const auto r = rms->named_parameters()["scale"], s = layer->named_parameters()["scale"],
             b = layer->named_parameters()["shift"];
  EXPECT_LT(relative_error(rms(x), wide / (wide.square().mean(-1, true) + 1e-3).sqrt() * r), 1e-6);
  const auto centred = wide - wide.mean(-1, true);
  EXPECT_LT(relative_error(layer(x), centred / (centred.square().mean(-1, true) + 1e-3).sqrt() * s + b), 1e-6);
  EXPECT_TRUE(torch::equal(none(x), x));
  EXPECT_EQ(test::count(*none), 0);
  EXPECT_EQ(rms->parameters().size(), 1u);  // a scale, no shift
}

TEST_F(DenseTest, ALayerInTwoPartsIsTheWhole) {
  for (const auto norm : {Norm::none, Norm::layer, Norm::rms}) {
    for (const bool bias : {true, false}) {
      Mlp mlp(12, 2, 6, style(norm, bias), 3);
      fill_hashed(*mlp, 11);
      const auto a = hashed_float(1, {5, 8}, 1), b = hashed_float(2, {5, 4}, 1);
      const auto whole = mlp(torch::cat({a, b}, 1));
      EXPECT_LT(relative_error(mlp->forward_with(a, mlp->part(b, 8)), whole), 1e-5);
      EXPECT_EQ(whole.sizes(), (std::vector<std::int64_t>{5, 3}));
      // Only the layer before a norm may do without its bias.
      EXPECT_EQ(mlp->named_parameters().contains("layer0.linear.bias"), bias || norm == Norm::none);
      EXPECT_TRUE(mlp->named_parameters().contains("out.bias"));
    }
  }
}

TEST_F(DenseTest, BlocksSeeOnlyTheirOwnInput) {
  BlockLinear block(12, 20, 4, Init::fan_in);
  fill_hashed(*block, 3);
  const auto x = hashed_float(1, {6, 4, 3}, 1);
  const auto y = block(x);
  const auto w = block->named_parameters()["weight"], b = block->named_parameters()["bias"];
  ASSERT_EQ(y.sizes(), (std::vector<std::int64_t>{6, 4, 5}));
  for (int g = 0; g < 4; ++g)
    EXPECT_LT(relative_error(y.select(1, g), torch::matmul(x.select(1, g), w[g]) + b[g]), 1e-5);
  const auto message = test::message_of<Error>([] { BlockLinear(12, 21, 4, Init::fan_in); });
  EXPECT_NE(message.find("21"), std::string::npos);
}

TEST_F(DenseTest, WeightsBeginAsThePapersSay) {
  const auto spread = [](Init init, double scale) {
    auto weight = torch::empty({400, 100});
    begin_weight(weight, 100, 400, init, scale);
    return weight;
  };
  // Truncated normals of variance 1 / fan, cut at two of the deviations before the cut.
  const auto fan_in = spread(Init::fan_in, 1), average = spread(Init::average, 1), glorot = spread(Init::glorot, 1);
  EXPECT_NEAR(fan_in.std().item<double>(), 0.1, 1e-3);
  EXPECT_LT(fan_in.abs().max().item<double>(), 2 * 1.1368 * 0.1 + 1e-6);
  EXPECT_GT(fan_in.abs().max().item<double>(), 2 * 1.1368 * 0.1 * 0.98);
  EXPECT_NEAR(average.std().item<double>(), 1 / std::sqrt(250.0), 1e-3);
  EXPECT_NEAR(glorot.abs().max().item<double>(), std::sqrt(6 / 500.0), 1e-3);
  EXPECT_NEAR(glorot.std().item<double>(), std::sqrt(2 / 500.0), 1e-3);
  EXPECT_NEAR(spread(Init::fan_in, 0.01).std().item<double>(), 1e-3, 1e-5);
  EXPECT_EQ(spread(Init::fan_in, 0).abs().max().item<float>(), 0);
  // danijar/dreamerv3 counts a block layer's fan-in over all blocks.
  BlockLinear block(1600, 800, 8, Init::fan_in);
  EXPECT_NEAR(block->named_parameters()["weight"].std().item<double>(), 1 / std::sqrt(1600.0), 1e-4);
  EXPECT_EQ(block->named_parameters()["bias"].abs().max().item<float>(), 0);
}

TEST_F(DenseTest, Activations) {
  const auto x = torch::tensor({-2.0, -0.5, 0.0, 1.5});
  EXPECT_TRUE(torch::equal(activate(x, Act::none), x));
  EXPECT_TRUE(torch::equal(activate(x, Act::relu), x.clamp_min(0)));
  EXPECT_TRUE(torch::allclose(activate(x, Act::elu), torch::where(x > 0, x, torch::expm1(x))));
  EXPECT_TRUE(torch::allclose(activate(x, Act::silu), x * torch::sigmoid(x)));
  EXPECT_TRUE(torch::allclose(activate(x, Act::tanh), torch::tanh(x)));
}

}  // namespace dense_test
}  // namespace dream
