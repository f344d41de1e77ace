#include "core/nn/rssm_cell.h"

#include <cmath>

#include "api/error.h"
#include "tests/models/model_test.h"

namespace dream {
namespace rssm_cell_test {

using test::fill_hashed;
using test::hashed_float;
using test::relative_error;

/// The golden tests of tests/models/rssm_golden_test.cpp hold every cell against its paper's code; here is what must be
/// true of them whatever the weights.
class CellTest : public test::ModelTest {
 protected:
  static RssmCell make(Cell kind, Norm norm) {
    RssmCellOptions o;
    o.kind = kind;
    o.deter = 16, o.latent = 6, o.action = 2, o.hidden = 10, o.blocks = 4;
    o.style = {Act::silu, norm, 1e-3, true, Init::fan_in};
    o.gate_style = o.style;
    o.gate_style.norm = Norm::layer;
    return RssmCell(o);
  }
  torch::Tensor h_ = hashed_float(1, {5, 16}, 1), z_ = hashed_float(2, {5, 6}, 1), a_ = hashed_float(3, {5, 2}, 1);
};

TEST_F(CellTest, WithoutWeightsOnlyTheUpdateGatesBiasIsLeft) {
  const auto kept = [&](Cell kind, Norm norm) {
    auto cell = make(kind, norm);
    torch::NoGradGuard no_grad;
    for (auto& p : cell->parameters()) p.zero_();
    return (cell(h_, z_, a_) / h_).mean().item<double>();
  };
  const double sigmoid_one = 1 / (1 + std::exp(-1.0));               // 1 - sigmoid(-1)
  EXPECT_NEAR(kept(Cell::norm_gru, Norm::none), sigmoid_one, 1e-6);  // 0.731059
  EXPECT_NEAR(kept(Cell::norm_gru, Norm::layer), sigmoid_one, 1e-6);
  EXPECT_NEAR(kept(Cell::block_gru, Norm::rms), sigmoid_one, 1e-6);
  EXPECT_NEAR(kept(Cell::gru, Norm::none), 0.5, 1e-6);
  EXPECT_NEAR(kept(Cell::gru_block, Norm::none), 0.5, 1e-6);
  // PlaNet's gates begin open.
  auto cell = make(Cell::gru_block, Norm::none);
  EXPECT_EQ(cell->named_parameters()["gates.bias"].min().item<float>(), 1);
}

TEST_F(CellTest, LanesDoNotSeeOneAnother) {
  for (const auto kind : {Cell::gru_block, Cell::gru, Cell::norm_gru, Cell::block_gru}) {
    auto cell = make(kind, kind == Cell::block_gru ? Norm::rms : Norm::none);
    fill_hashed(*cell, 20);
    const auto all = cell(h_, z_, a_);
    for (int lane = 0; lane < 5; ++lane) {
      const auto one = [&](const torch::Tensor& x) { return x.slice(0, lane, lane + 1); };
      EXPECT_LT(relative_error(cell(one(h_), one(z_), one(a_)), one(all)), 1e-5);
    }
  }
}

TEST_F(CellTest, AnActionsSizeBeyondOneIsNoInformation) {
  auto cell = make(Cell::block_gru, Norm::rms);
  fill_hashed(*cell, 20);
  const auto far = torch::tensor({{5.0f, 0.3f}}).expand({5, 2}), near = torch::tensor({{1.0f, 0.3f}}).expand({5, 2});
  EXPECT_TRUE(torch::allclose(cell(h_, z_, far), cell(h_, z_, near)));
  auto action = far.clone().requires_grad_();
  cell(h_, z_, action).sum().backward();
  EXPECT_GT(action.grad().abs().min().item<double>(), 0);  // its direction still has a gradient
}

TEST_F(CellTest, StatesStayBounded) {
  for (const auto kind : {Cell::gru_block, Cell::gru, Cell::norm_gru, Cell::block_gru}) {
    auto cell = make(kind, kind == Cell::block_gru ? Norm::rms : Norm::none);
    fill_hashed(*cell, 30);
    auto h = torch::zeros({5, 16});
    for (int t = 0; t < 50; ++t) h = cell(h, 100 * z_, a_);
    EXPECT_LE(h.abs().max().item<double>(), 1 + 1e-6);
  }
}

TEST_F(CellTest, BlocksMustFit) {
  RssmCellOptions o;
  o.deter = 15, o.latent = 6, o.hidden = 10, o.blocks = 4;
  EXPECT_THROW(RssmCell{o}, Error);
}

}  // namespace rssm_cell_test
}  // namespace dream
