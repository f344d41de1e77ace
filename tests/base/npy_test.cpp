#include "core/base/npy.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "api/error.h"

namespace dream {
namespace npy_test {

class NpyFiles : public testing::Test {
 protected:
  NpyFiles() {
    folder_ = std::filesystem::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~NpyFiles() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path file(const std::string& name) const { return folder_ / name; }
  std::string bytes(const std::string& name) const {
    std::ifstream in(file(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put(const std::string& name, const std::string& content) const {
    std::ofstream(file(name), std::ios::binary) << content;
  }
  // Expects an Error that names the file.
  template <class Read>
  void expect_error(const std::string& name, Read read, const std::string& part = "") {
    try {
      read(file(name));
      ADD_FAILURE() << name << ": no error";
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(file(name).string()), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  }

 private:
  std::filesystem::path folder_;
};

const auto read_array = [](const std::filesystem::path& p) { read_npy(p); };
const auto read_archive = [](const std::filesystem::path& p) { read_npz(p); };

NpyArray sample() {
  return NpyArray::of<float>({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6.5f});
}

TEST_F(NpyFiles, ArraysComeBack) {
  write_npy(file("a.npy"), sample());
  const NpyArray back = read_npy(file("a.npy"));
  EXPECT_EQ(back.shape, (std::vector<std::size_t>{2, 3}));
  EXPECT_EQ(back.view<float>("a")[5], 6.5f);
  EXPECT_EQ(bytes("a.npy").size() % 64, 24u);  // the data begins at a multiple of 64
  EXPECT_THROW(back.view<double>("a"), Error);
  for (const std::vector<std::size_t>& shape : {std::vector<std::size_t>{}, {1}, {0, 4}}) {
    const std::vector<double> values(shape.size() == 2 ? 0 : 1, 2.5);
    write_npy(file("s.npy"), NpyArray::of<double>(shape, values));
    EXPECT_EQ(read_npy(file("s.npy")).shape, shape);
  }
}

TEST_F(NpyFiles, ReadsNumPysDeflatedArchives) {
  const Npz data = read_npz(std::string(DREAMSCOPE_SOURCE_DIR) + "/tests/golden/car_racing/traces.npz");
  EXPECT_EQ(data.at("action").shape, (std::vector<std::size_t>{20, 200, 3}));
  EXPECT_EQ(data.at("terminated").type, NpyType::b1);
  EXPECT_THROW(data.at("nothing"), Error);
}

TEST_F(NpyFiles, ArchivesComeBack) {
  Npz npz;
  npz.arrays = {{"one", sample()}, {"flags", NpyArray::of<std::uint8_t>({3}, std::vector<std::uint8_t>{1, 0, 1})}};
  npz.arrays[1].second.type = NpyType::b1;
  write_npz(file("a.npz"), npz);
  const Npz back = read_npz(file("a.npz"));
  ASSERT_EQ(back.arrays.size(), 2u);
  EXPECT_EQ(back.at("one").bytes, npz.arrays[0].second.bytes);
  EXPECT_EQ(back.at("flags").type, NpyType::b1);
  EXPECT_EQ(back.at("flags").to_floats(), (std::vector<float>{1, 0, 1}));
}

TEST_F(NpyFiles, EveryCutIsAnError) {
  write_npy(file("a.npy"), sample());
  Npz npz;
  npz.arrays = {{"one", sample()}};
  write_npz(file("a.npz"), npz);
  const std::string array = bytes("a.npy"), archive = bytes("a.npz");
  for (std::size_t n = 0; n < array.size(); ++n) {
    put("cut.npy", array.substr(0, n));
    expect_error("cut.npy", read_array);
  }
  for (std::size_t n = 0; n < archive.size(); ++n) {
    put("cut.npz", archive.substr(0, n));
    expect_error("cut.npz", read_archive);
  }
}

TEST_F(NpyFiles, DamagedBytesNeverCrash) {
  Npz npz;
  npz.arrays = {{"one", sample()}};
  write_npz(file("a.npz"), npz);
  const std::string archive = bytes("a.npz");
  int errors = 0;
  for (std::size_t i = 0; i < archive.size(); ++i) {
    std::string bad = archive;
    bad[i] = static_cast<char>(bad[i] ^ 0xff);
    put("bad.npz", bad);
    try {
      read_npz(file("bad.npz"));
    } catch (const Error&) {
      ++errors;
    }
  }
  // Times, versions and the local header's copies may change unseen; data, names and sizes may not.
  EXPECT_GT(errors, static_cast<int>(archive.size()) / 2);
}

TEST_F(NpyFiles, ForeignFilesAreNamed) {
  expect_error("missing.npy", read_array);
  put("text.npy", "hello, I am no array at all");
  expect_error("text.npy", read_array, "NumPy");
  put("text.npz", "hello, I am no archive at all");
  expect_error("text.npz", read_archive, "npz");
  auto with_header = [](std::string header) {
    header.resize(117, ' ');
    return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(118) + '\0' + header + '\n';
  };
  put("complex.npy", with_header("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }") + std::string(8, 'x'));
  expect_error("complex.npy", read_array, "<c8");
  put("fortran.npy", with_header("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2), }") + "abcd");
  expect_error("fortran.npy", read_array, "Fortran");
  put("huge.npy", with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999), }"));
  expect_error("huge.npy", read_array, "shape");
}

}  // namespace npy_test
}  // namespace dream
