#include "core/nn/image_coder.h"

#include "api/error.h"
#include "tests/data/temp_folder.h"
#include "tests/models/model_test.h"

namespace dream {
namespace image_coder_test {

using test::count;
using test::fill_hashed;
using test::hashed_float;
using test::relative_error;

/// Golden pictures are in tests/models/rssm_golden_test.cpp.
class ImageCoderTest : public test::ModelTest {
 protected:
  static CoderOptions options(Coder kind, std::int64_t depth, std::int64_t channels = 3) {
    CoderOptions o;
    o.kind = kind;
    o.depth = depth;
    o.channels = channels;
    o.units = 16;
    o.style = {Act::silu,
               kind == Coder::valid  ? Norm::none
               : kind == Coder::same ? Norm::layer
                                     : Norm::rms,
               1e-3, kind != Coder::same, Init::average};
    return o;
  }
};

TEST_F(ImageCoderTest, TheSizesOfThePapers) {
  // PlaNet and V1, then V2 on Atari: danijar/dreamer, danijar/dreamerv2.
  EXPECT_EQ(count(*ImageEncoder(options(Coder::valid, 32))), 690144);
  EXPECT_EQ(ImageEncoder(options(Coder::valid, 32))->size(), 1024);
  EXPECT_EQ(count(*ImageDecoder(30, 200, options(Coder::valid, 32))), 3795555);
  EXPECT_EQ(count(*ImageEncoder(options(Coder::valid, 48, 1))), 1549776);
  EXPECT_EQ(ImageEncoder(options(Coder::valid, 48, 1))->size(), 1536);
  EXPECT_EQ(count(*ImageDecoder(1024, 600, options(Coder::valid, 48, 1))), 10497553);
}

TEST_F(ImageCoderTest, AnyNumberOfPicturesAndChannels) {
  for (const auto kind : {Coder::valid, Coder::same, Coder::pool}) {
    for (const std::int64_t channels : {1, 3, 4}) {
      ImageEncoder encoder(options(kind, 2, channels));
      ImageDecoder decoder(6, 16, options(kind, 2, channels));
      for (const std::int64_t n : {1, 3}) {
        const auto x = encoder(torch::zeros({n, channels, 64, 64}));
        EXPECT_EQ(x.sizes(), (std::vector<std::int64_t>{n, encoder->size()}));
        EXPECT_EQ(decoder(torch::zeros({n, 6}), torch::zeros({n, 16})).sizes(),
                  (std::vector<std::int64_t>{n, channels, 64, 64}));
      }
    }
  }
}

TEST_F(ImageCoderTest, PicturesDoNotSeeOneAnother) {
  for (const auto kind : {Coder::valid, Coder::same, Coder::pool}) {
    ImageEncoder encoder(options(kind, 2));
    ImageDecoder decoder(6, 16, options(kind, 2));
    fill_hashed(*encoder, 3);
    fill_hashed(*decoder, 60);
    const auto x = hashed_float(1, {3, 3, 64, 64}, 1), z = hashed_float(2, {3, 6}, 1), h = hashed_float(3, {3, 16}, 1);
    const auto codes = encoder(x), pictures = decoder(z, h);
    for (int i = 0; i < 3; ++i) {
      EXPECT_LT(relative_error(encoder(x.slice(0, i, i + 1)), codes.slice(0, i, i + 1)), 1e-5);
      EXPECT_LT(relative_error(decoder(z.slice(0, i, i + 1), h.slice(0, i, i + 1)), pictures.slice(0, i, i + 1)), 1e-5);
    }
    // Memory in another order says the same.
    EXPECT_LT(relative_error(encoder(x.contiguous(at::MemoryFormat::ChannelsLast)), codes), 1e-5);
  }
}

TEST_F(ImageCoderTest, OtherPicturesAreRefused) {
  ImageEncoder encoder(options(Coder::pool, 2));
  const auto message = test::message_of<Error>([&] { encoder(torch::zeros({1, 3, 32, 64})); });
  EXPECT_NE(message.find("64"), std::string::npos);
  EXPECT_THROW(encoder(torch::zeros({1, 1, 64, 64})), Error);
}

}  // namespace image_coder_test
}  // namespace dream
