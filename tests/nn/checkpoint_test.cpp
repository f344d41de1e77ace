#include "core/nn/checkpoint.h"

#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include <cstring>
#include <filesystem>
#include <iterator>
#include <random>

#include "api/error.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace checkpoint_test {

using test::TempFolder;

/// A safetensors file of a header and data, the header's length as given (or as it is).
std::string file_of(const std::string& header, const std::string& data, std::int64_t claimed = -1) {
  const std::uint64_t length = claimed < 0 ? header.size() : static_cast<std::uint64_t>(claimed);
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<char>(length >> (8 * i));
  return bytes + header + data;
}

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() { torch::set_num_threads(1); }  // threads that wait for one another crawl on a busy machine
  /// What loading these bytes says, which must name the file.
  std::string refusal(const std::string& bytes) {
    test::write_bytes(file_, bytes);
    const std::string message = test::message_of<Error>([&] { Checkpoint::load(file_); });
    EXPECT_NE(message, "") << "it was accepted";
    EXPECT_NE(message.find("c.safetensors"), std::string::npos) << message;
    return message;
  }
  /// The same for a file with one tensor 't' of 4 bytes of data.
  std::string tensor_refusal(const std::string& entry, const std::string& data = std::string(4, '\0')) {
    const std::string message = refusal(file_of("{\"t\":" + entry + "}", data));
    EXPECT_NE(message.find("'t'"), std::string::npos) << message;
    return message;
  }
  TempFolder folder_;
  std::filesystem::path file_ = folder_ / "c.safetensors";
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(CheckpointTest, KeepsEveryTypeAndText) {
  torch::manual_seed(1);
  Checkpoint written;
  const torch::ScalarType types[] = {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kInt64,
                                     torch::kInt32,   torch::kInt16,   torch::kInt8,    torch::kUInt8,    torch::kBool};
  for (const torch::ScalarType type : types) {
    written.tensors[std::string("a/") + c10::toString(type)] = (torch::randn({3, 5}) * 4).abs().to(type);
  }
  written.tensors["scalar"] = torch::tensor(2.5);
  written.tensors["empty"] = torch::empty({0, 7});
  written.tensors["strided"] = torch::randn({4, 6}).t();
  written.metadata = {{"config", "lr = 1e-4\n[v]\n"}, {"quote \"", "τ = ½"}};
  written.save(file_);

  const Checkpoint read = Checkpoint::load(file_);
  ASSERT_EQ(read.tensors.size(), written.tensors.size());
  for (const auto& [name, tensor] : written.tensors) {
    ASSERT_TRUE(read.tensors.count(name)) << name;
    EXPECT_EQ(read.tensors.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(read.tensors.at(name), tensor)) << name;
  }
  EXPECT_EQ(read.metadata, written.metadata);
  EXPECT_EQ(read.origin, file_.string());
  const std::filesystem::directory_iterator files(folder_.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1) << "nothing is left beside it";
}

TEST_F(CheckpointTest, ReadsABytewiseKnownFile) {
  // Written by hand after the format's description: little-endian length, JSON, data.
  test::write_bytes(
      file_, file_of(R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}   )",
                     std::string("\x00\x00\x80\x3f\x00\x00\x00\xc0", 8)));
  const Checkpoint read = Checkpoint::load(file_);
  EXPECT_EQ(read.text("format"), "pt");
  EXPECT_TRUE(torch::equal(read.get("w", {2, 1}), torch::tensor({{1.0f}, {-2.0f}})));
}

TEST_F(CheckpointTest, WhatIsNotWhatWasSavedIsRefused) {
  Checkpoint written;
  written.tensors["count"] = torch::full({1}, 116, torch::kInt64);
  written.tensors["empty"] = torch::empty({0}), written.tensors["nothing"] = torch::empty({0}, torch::kFloat64);
  written.metadata = {{"recipe", "vmc"}};
  written.save(file_);
  EXPECT_EQ(Checkpoint::load(file_).tensors.size(), 3u);
  EXPECT_EQ(Checkpoint::peek(file_).metadata, written.metadata);
  const std::string whole = test::read_bytes(file_);
  for (const auto& [what, instead] : std::initializer_list<std::pair<std::string, std::string>>{
           {"vmc", "iris"}, {"recipe", "Recipe"}, {std::string("\x74\0\0\0\0", 5), std::string("\x74\0\0\0\x01", 5)}}) {
    std::string changed = whole;
    const auto at = changed.rfind(what);
    ASSERT_NE(at, std::string::npos) << what;
    changed.replace(at, what.size(), instead.substr(0, what.size()));
    EXPECT_SAYS(refusal(changed), "not what was saved");
  }
}

TEST_F(CheckpointTest, WritesHeaderPaddedToEightBytes) {
  Checkpoint written;
  written.tensors["x"] = torch::ones({1}, torch::kUInt8);
  written.tensors["y"] = torch::ones({1}, torch::kFloat64);
  written.save(file_);
  const std::string bytes = test::read_bytes(file_);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ(length % 8, 0u);
  ASSERT_EQ(bytes.size(), 8 + length + 9);
  // The larger type lies first, so that it is aligned.
  EXPECT_EQ(bytes[8 + length + 8], '\x01');
}

TEST_F(CheckpointTest, SavingReplacesAndCreatesFolders) {
  Checkpoint first, second;
  first.tensors["a"] = torch::zeros({100});
  second.tensors["b"] = torch::ones({2});
  const std::filesystem::path deep = folder_ / "runs" / "car" / "x.safetensors";
  first.save(deep);
  second.save(deep);
  const Checkpoint read = Checkpoint::load(deep);
  EXPECT_EQ(read.tensors.size(), 1u);
  EXPECT_TRUE(read.tensors.count("b"));
}

TEST_F(CheckpointTest, AFailedSaveLeavesTheOldFile) {
  Checkpoint good, bad;
  good.tensors["a"] = torch::ones({3});
  good.save(file_);
  bad.tensors["a"] = torch::ones({3});
  bad.metadata["state"] = "\xff\xfe";
  EXPECT_SAYS(test::message_of<Error>([&] { bad.save(file_); }), "UTF-8");
  bad.metadata.clear();
  bad.tensors["c"] = torch::ones({2}, torch::kComplexFloat);
  EXPECT_SAYS(test::message_of<Error>([&] { bad.save(file_); }), "'c'");
  bad.tensors["c"] = torch::Tensor();
  EXPECT_SAYS(test::message_of<Error>([&] { bad.save(file_); }), "'c'");
  EXPECT_TRUE(torch::equal(Checkpoint::load(file_).get("a", {3}), torch::ones({3})));
}

TEST_F(CheckpointTest, GetChecksNameAndShape) {
  Checkpoint c;
  c.origin = "run.safetensors";
  c.tensors["v/encoder.weight"] = torch::ones({2, 3}, torch::kFloat16);
  c.tensors["count"] = torch::tensor(5, torch::kInt64);
  c.tensors["cma"] = torch::ones({2}, torch::kFloat64);
  EXPECT_EQ(c.get("v/encoder.weight", {2, -1}).scalar_type(), torch::kFloat32);
  EXPECT_EQ(c.get("count", {}).scalar_type(), torch::kInt64);
  EXPECT_EQ(c.exact("cma", {2}).scalar_type(), torch::kFloat64);
  const std::string shape = test::message_of<Error>([&] { c.get("v/encoder.weight", {3, -1}); });
  EXPECT_SAYS(shape, "run.safetensors");
  EXPECT_SAYS(shape, "[2, 3]");
  EXPECT_SAYS(shape, "[3, any]");
  EXPECT_NE(test::message_of<Error>([&] { c.get("v/encoder.weight", {2, 3, 1}); }), "");
  EXPECT_SAYS(test::message_of<Error>([&] { c.get("v/encoder.wieght", {2, 3}); }), "'v/encoder.weight'");
  EXPECT_SAYS(test::message_of<Error>([&] { c.text("config"); }), "'config'");
}

TEST_F(CheckpointTest, RefusesWhatIsNoCheckpoint) {
  EXPECT_SAYS(test::message_of<Error>([&] { Checkpoint::load(folder_ / "none"); }), "none");
  EXPECT_SAYS(test::message_of<Error>([&] { Checkpoint::load(folder_.path()); }), "folder");
  EXPECT_SAYS(test::message_of<Error>([] { Checkpoint::load("/dev/zero"); }), "regular");
  EXPECT_SAYS(refusal(""), "0 bytes");
  EXPECT_SAYS(refusal("1234567"), "7 bytes");
  EXPECT_SAYS(refusal(std::string("PK\x03\x04") + std::string(200, 'x')), "header");
  EXPECT_SAYS(refusal(std::string(8, '\0')), "'{'");
}

TEST_F(CheckpointTest, RefusesHostileHeaderLengths) {
  const std::string header = "{}      ";
  EXPECT_SAYS(refusal(file_of(header, "", 9)), "9 bytes");
  EXPECT_SAYS(refusal(file_of(header, "", -1).replace(0, 8, std::string(8, '\xff'))), "18446744073709551615");
  EXPECT_SAYS(refusal(file_of(header, "", -1).replace(0, 8, std::string("\xf8\xff\xff\xff\xff\xff\xff\xff", 8))),
              "bytes");
  EXPECT_SAYS(refusal(file_of("{" + std::string(17u << 20, ' ') + "}", "")), "at most");
}

TEST_F(CheckpointTest, RefusesHostileJson) {
  EXPECT_SAYS(refusal(file_of("{\"a\":", "")), "JSON");
  EXPECT_SAYS(refusal(file_of("[1,2]", "")), "'{'");
  EXPECT_SAYS(refusal(file_of("{\"t\":\"\xff\"}", "")), "JSON");
  EXPECT_SAYS(refusal(file_of("{} {}", "")), "JSON");
  std::string deep = "{\"t\":";
  for (int i = 0; i < 200000; ++i) deep += "[";
  EXPECT_SAYS(refusal(file_of(deep, "")), "deep");
  std::string objects = "{";
  for (int i = 0; i < 100000; ++i) objects += "\"a\":{";
  EXPECT_SAYS(refusal(file_of(objects, "")), "deep");
  EXPECT_SAYS(refusal(file_of(R"({"__metadata__":{"a":1}})", "")), "'a'");
  EXPECT_SAYS(refusal(file_of(R"({"__metadata__":[]})", "")), "__metadata__");
}

TEST_F(CheckpointTest, RefusesNamesThatAreThereTwice) {
  const std::string t = R"("t":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  EXPECT_SAYS(refusal(file_of("{" + t + "," + t + "}", "")), "twice");
  EXPECT_SAYS(refusal(file_of(R"({"t":{"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]}})", "")), "twice");
  EXPECT_SAYS(refusal(file_of(R"({"__metadata__":{"k":"a","k":"b"}})", "")), "twice");
}

TEST_F(CheckpointTest, RefusesBadEntries) {
  EXPECT_SAYS(tensor_refusal(R"(7)"), "dtype");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":[1]})"), "missing");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1})"), "'x'");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F31","shape":[1],"data_offsets":[0,4]})"), "F31");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":32,"shape":[1],"data_offsets":[0,4]})"), "dtype");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":1,"data_offsets":[0,4]})"), "shape");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})"), "negative");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})"), "whole");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":["1"],"data_offsets":[0,4]})"), "whole");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]})"),
              "shape");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":[1e99],"data_offsets":[0,4]})"), "whole");
}

TEST_F(CheckpointTest, RefusesAbsurdShapes) {
  // Products that wrap round to the 4 bytes that are there, or to 0.
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]})"), "memory");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]})"), "memory");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,4]})"), "memory");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":[0,281474976710656,65536],"data_offsets":[0,0]})"), "memory");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":[1000000],"data_offsets":[0,4]})"), "4000000");
}

TEST_F(CheckpointTest, RefusesBadOffsets) {
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"), "outside");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})"), "outside");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":[1],"data_offsets":[-4,0]})"), "negative");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":[1],"data_offsets":[18446744073709551612,0]})"), "outside");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":[1],"data_offsets":[0]})"), "two");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"F32","shape":[1],"data_offsets":[0,3]})"), "span 3");
  const auto two = [](const char* a, const char* b) {
    return std::string(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)") + a +
           R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + b + "}}";
  };
  EXPECT_SAYS(refusal(file_of(two("[0,4]", "[0,4]"), std::string(4, 'x'))), "overlaps");
  EXPECT_SAYS(refusal(file_of(two("[0,4]", "[2,6]"), std::string(6, 'x'))), "overlaps");
  EXPECT_SAYS(refusal(file_of(two("[0,4]", "[5,9]"), std::string(9, 'x'))), "hole");
  EXPECT_SAYS(refusal(file_of(two("[0,4]", "[4,8]"), std::string(9, 'x'))), "9 bytes");
  EXPECT_SAYS(refusal(file_of(two("[0,4]", "[4,8]"), std::string(7, 'x'))), "'b'");
  EXPECT_SAYS(tensor_refusal(R"({"dtype":"BOOL","shape":[4],"data_offsets":[0,4]})", std::string("\0\1\2\0", 4)),
              "BOOL");
}

TEST_F(CheckpointTest, EveryDamageIsAnErrorOrHarmless) {
  torch::manual_seed(2);
  Checkpoint written;
  written.tensors["v/a"] = torch::randn({3, 4});
  written.tensors["v/b"] = torch::randn({5}).to(torch::kFloat16);
  written.tensors["flag"] = torch::ones({3}, torch::kBool);
  written.metadata["config"] = "x = 1";
  written.save(file_);
  const std::string good = test::read_bytes(file_);
  std::mt19937 random(3);
  int refused = 0, accepted = 0;
  const auto attempt = [&](const std::string& bytes) {
    test::write_bytes(file_, bytes);
    try {
      const Checkpoint read = Checkpoint::load(file_);
      ASSERT_EQ(read.tensors.size(), written.tensors.size());
      for (const auto& [name, tensor] : written.tensors) {
        ASSERT_TRUE(read.tensors.contains(name)) << name;
        EXPECT_EQ(read.tensors.at(name).scalar_type(), tensor.scalar_type()) << name;
        EXPECT_TRUE(torch::equal(read.tensors.at(name), tensor)) << name;
      }
      EXPECT_EQ(read.text("config"), "x = 1");
      ++accepted;
    } catch (const Error&) {
      ++refused;
    }
  };
  for (std::size_t i = 0; i < good.size(); ++i) attempt(good.substr(0, i));
  EXPECT_EQ(accepted, 0) << "a truncated file was accepted";
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const int bit : {0, 3, 7}) {
      std::string bytes = good;
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
      attempt(bytes);
    }
  }
  for (int i = 0; i < 500; ++i) {
    std::string bytes = good;
    for (int n = 0; n < 4; ++n) bytes[random() % bytes.size()] = static_cast<char>(random());
    attempt(bytes);
  }
  EXPECT_GT(refused, 500);
  EXPECT_LE(accepted, 20);  // what the checksum is called, and the blanks behind the header
}

// -- modules -------------------------------------------------------------------------------------------------------

struct Net : torch::nn::Module {
  explicit Net(int hidden = 4)
      : first(register_module("first", torch::nn::Linear(3, hidden))),
        norm(register_module("norm", torch::nn::BatchNorm1d(hidden))),
        second(register_module("second", torch::nn::Linear(hidden, 2))) {}
  torch::Tensor forward(const torch::Tensor& x) {
    return second->forward(torch::tanh(norm->forward(first->forward(x))));
  }
  torch::nn::Linear first;
  torch::nn::BatchNorm1d norm;
  torch::nn::Linear second;
};

TEST_F(CheckpointTest, ModuleComesBackWithItsBuffers) {
  torch::manual_seed(4);
  Net net, other;
  net.forward(torch::randn({8, 3}));  // moves the running mean
  Checkpoint c;
  store_module(c, "m", net);
  EXPECT_TRUE(c.tensors.count("m/first.weight"));
  EXPECT_TRUE(c.tensors.count("m/norm.running_mean"));
  c.save(file_);
  load_module(Checkpoint::load(file_), "m", other);
  net.eval();
  other.eval();
  const torch::Tensor x = torch::randn({5, 3});
  EXPECT_TRUE(torch::equal(net.forward(x), other.forward(x)));
}

TEST_F(CheckpointTest, WhatFollowsAnotherPartMayBeLeftOut) {
  struct Followed : torch::nn::Module {
    Followed() {
      critic = register_module("critic", torch::nn::Linear(3, 4));
      slow = register_module("slow_critic", torch::nn::Linear(3, 4));
      other = register_module("slow_reader", torch::nn::Linear(3, 4));  // follows nothing
    }
    torch::nn::Linear critic{nullptr}, slow{nullptr}, other{nullptr};
  } net, again;
  Checkpoint c;
  store_module(c, "behaviour", net);
  load_module(c, "behaviour", again);
  EXPECT_TRUE(torch::equal(again.slow->weight, net.slow->weight)) << "it is there";
  leave_out_slow_copies(c, "behaviour");
  EXPECT_EQ(c.tensors.size(), 4u);
  EXPECT_TRUE(c.tensors.contains("behaviour/slow_reader.weight"));
  load_module(c, "behaviour", again);
  EXPECT_TRUE(torch::equal(again.slow->weight, net.critic->weight));
  EXPECT_TRUE(torch::equal(again.other->weight, net.other->weight));
  c.tensors.erase("behaviour/slow_reader.weight");
  EXPECT_SAYS(test::message_of<Error>([&] { load_module(c, "behaviour", again); }), "slow_reader.weight");
}

TEST_F(CheckpointTest, StoredModuleIsACopy) {
  Net net;
  Checkpoint c;
  store_module(c, "m", net);
  const torch::Tensor before = c.tensors["m/first.weight"].clone();
  torch::NoGradGuard no_grad;
  net.first->weight.add_(1);
  EXPECT_TRUE(torch::equal(c.tensors["m/first.weight"], before));
}

TEST_F(CheckpointTest, AMismatchLeavesTheModuleAsItWas) {
  torch::manual_seed(5);
  Net net, target;
  Checkpoint good;
  store_module(good, "m", net);
  const torch::Tensor before = target.first->weight.detach().clone();
  const auto refused = [&](Checkpoint c, const std::string& part) {
    EXPECT_SAYS(test::message_of<Error>([&] { load_module(c, "m", target); }), part);
    EXPECT_TRUE(torch::equal(target.first->weight, before));
  };
  Checkpoint bad = good;
  bad.tensors.erase("m/second.bias");  // the last to be looked at
  refused(bad, "'m/second.bias'");
  bad = good;
  bad.tensors["m/second.weight"] = torch::zeros({3, 4});
  refused(bad, "[3, 4]");
  bad = good;
  bad.tensors["m/third.weight"] = torch::zeros({1});
  refused(bad, "'m/third.weight'");
  bad = good;
  bad.tensors["m/second.bias"] = torch::zeros({2}, torch::kInt64);
  refused(bad, "'m/second.bias'");
  Net wide(5);
  EXPECT_NE(test::message_of<Error>([&] { load_module(good, "m", wide); }), "");
}

}  // namespace checkpoint_test
}  // namespace dream
