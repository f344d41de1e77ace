#include "core/models/viewing_decoder.h"

#include <gtest/gtest.h>

#include "api/error.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace viewing_decoder_test {

Spaces pictures(int side) {
  Spaces spaces;
  spaces.image_height = spaces.image_width = side;
  spaces.image_channels = 3;
  return spaces;
}

TEST(ViewingDecoder, NoGradientReachesTheModel) {
  torch::manual_seed(1);
  ViewingDecoder decoder(12, pictures(64), 2);
  const auto features = torch::randn({3, 12}).requires_grad_();
  const auto loss = decoder->loss(features, torch::randint(0, 256, {3, 64, 64, 3}, torch::kUInt8));
  loss.backward();
  EXPECT_FALSE(features.grad().defined());
  for (const auto& p : decoder->parameters()) EXPECT_TRUE(p.grad().defined());
}

TEST(ViewingDecoder, PaintsAndItsLossIsTheMeanSquaredError) {
  torch::manual_seed(2);
  torch::NoGradGuard no_grad;
  ViewingDecoder decoder(12, pictures(64), 2);
  const auto features = torch::randn({2, 12});
  const auto image = torch::randint(0, 256, {2, 64, 64, 3}, torch::kUInt8);
  const auto frame = decoder(features);
  ASSERT_EQ(frame.sizes(), (std::vector<std::int64_t>{2, 3, 64, 64}));
  EXPECT_GE(frame.min().item<double>(), 0);
  EXPECT_LE(frame.max().item<double>(), 1);
  const auto expected = (frame - image.permute({0, 3, 1, 2}).to(torch::kFloat32) / 255).square().mean();
  EXPECT_NEAR(decoder->loss(features, image).item<double>(), expected.item<double>(), 1e-5);
}

TEST(ViewingDecoder, LearnsABatchByHeart) {
  torch::manual_seed(3);
  torch::set_num_threads(1);
  ViewingDecoder decoder(4, pictures(64), 2);
  ViewingOptions options;
  options.pictures = 2;
  options.learning_rate = 3e-3;
  ViewingTrainer trainer(decoder, options);
  const auto features = torch::eye(4).slice(0, 0, 2);
  auto image = torch::zeros({2, 64, 64, 3}, torch::kUInt8);
  image[1].fill_(255);
  const auto first = trainer.learn(features, image);
  double last = first;
  for (int i = 0; i < 150; ++i) last = trainer.learn(features, image);
  EXPECT_LT(last, 0.05 * first);
  EXPECT_TRUE(trainer.due(1));
  EXPECT_FALSE(trainer.due(2));
  EXPECT_TRUE(trainer.due(5));
}

TEST(ViewingDecoder, RefusesOtherPictures) {
  EXPECT_NE(test::message_of<Error>([] { ViewingDecoder(4, pictures(32), 2); }).find("64 x 64"), std::string::npos);
}

}  // namespace viewing_decoder_test
}  // namespace dream
