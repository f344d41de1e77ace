// Datasets that somebody made wrong or with bad intent: each gives a sentence that names the file and the field.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <tuple>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/data/dataset.h"
#include "core/data/hdf5_file.h"
#include "tests/data/dataset_fixture.h"

namespace dream {
namespace dataset_hostile_test {

using test::info_of;
using test::TempFolder;

constexpr hsize_t steps = 3;

/// A dataset of one episode of small pictures and two-number vectors, whose arrays a test replaces one by one.
class HostileDataset : public ::testing::Test {
 protected:
  using Write = std::function<void(Hdf5Writer&, hid_t parent, const std::string& name)>;

  HostileDataset() {
    { DatasetWriter(folder_ / "d", info_).append(test::episode_of(info_, steps, 1)); }
    const auto floats = [](std::vector<hsize_t> shape, float value) {
      return [shape, value](Hdf5Writer& file, hid_t parent, const std::string& name) {
        hsize_t count = 1;
        for (const hsize_t extent : shape) count *= extent;
        const std::vector<float> values(count, value);
        file.write_array(parent, name, shape, H5T_NATIVE_FLOAT, H5T_IEEE_F32LE, values.data());
      };
    };
    const Write flags = bytes({steps}, 0);
    arrays_ = {{"actions", floats({steps, 2}, 0.5f)},
               {"rewards", floats({steps}, 1.0f)},
               {"terminations", flags},
               {"truncations", flags},
               {"image", bytes({steps + 1, 4, 5, 3}, 9)},
               {"vector", floats({steps + 1, 2}, 0)}};
  }

  static Write bytes(std::vector<hsize_t> shape, std::uint8_t value) {
    return [shape, value](Hdf5Writer& file, hid_t parent, const std::string& name) {
      hsize_t count = 1;
      for (const hsize_t extent : shape) count *= extent;
      const std::vector<std::uint8_t> values(count, value);
      file.write_array(parent, name, shape, H5T_NATIVE_UINT8, H5T_STD_U8LE, values.data());
    };
  }
  static Write numbers(std::vector<hsize_t> shape, std::vector<float> values) {
    return [shape, values](Hdf5Writer& file, hid_t parent, const std::string& name) {
      file.write_array(parent, name, shape, H5T_NATIVE_FLOAT, H5T_IEEE_F32LE, values.data());
    };
  }

  void write_episode() {
    const Hdf5Access access;
    Hdf5Writer file(episode_);
    const Hdf5Id group = file.create_group(file.root(), "episode_0");
    const Hdf5Id observations = file.create_group(group, "observations"), infos = file.create_group(group, "infos");
    for (const auto& [name, write] : arrays_) {
      const bool observed = name == "image" || name == "vector";
      const std::string column = name.starts_with("infos/") ? name.substr(6) : "";
      if (write) write(file, !column.empty() ? infos : observed ? observations : group, column.empty() ? name : column);
    }
    if (attribute_) file.write_attribute(group, "total_steps", attribute_);
    write_file(episode_, file.finish());
  }
  /// What reading says when the array `name` is written by `write` (null: not at all).
  std::string refusal(const std::string& name, const Write& write) {
    const Write before = arrays_[name];
    arrays_[name] = write;
    write_episode();
    arrays_[name] = before;
    const std::string message = read_all();
    EXPECT_NE(message, "") << "it was accepted";
    EXPECT_NE(message.find("episode_000000.hdf5"), std::string::npos) << message;
    EXPECT_NE(message.find(name), std::string::npos) << message;
    return message;
  }
  std::string read_all() {
    return test::message_of<Error>([&] { Dataset(folder_ / "d").read(0); });
  }
  std::string metadata_refusal(const std::string& from, const std::string& to) {
    const std::filesystem::path file = folder_ / "d" / "data" / "metadata.json";
    const std::string good = test::read_bytes(file);
    std::string text = good;
    const std::size_t place = text.find(from);
    EXPECT_NE(place, std::string::npos) << from;
    if (place != std::string::npos) text.replace(place, from.size(), to);
    test::write_bytes(file, text);
    const std::string message = read_all();
    test::write_bytes(file, good);
    EXPECT_NE(message.find("metadata.json"), std::string::npos) << message;
    return message;
  }

  TempFolder folder_;
  DatasetInfo info_ = info_of(4, 5, 3, 2);
  std::filesystem::path episode_ = folder_ / "d" / "data" / "episodes" / "episode_000000.hdf5";
  std::map<std::string, Write> arrays_;
  std::int64_t attribute_ = 0;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(HostileDataset, TheUnchangedEpisodeIsAccepted) {
  write_episode();
  EXPECT_EQ(read_all(), "");
}

TEST_F(HostileDataset, MissingArraysAreNamed) {
  for (const char* name : {"actions", "rewards", "terminations", "truncations", "image", "vector"}) {
    EXPECT_SAYS(refusal(name, nullptr), "missing");
  }
}

TEST_F(HostileDataset, GroupsInPlaceOfArraysAreNamed) {
  for (const char* name : {"actions", "rewards", "terminations", "image"}) {
    EXPECT_SAYS(
        refusal(name, [](Hdf5Writer& file, hid_t parent, const std::string& n) { file.create_group(parent, n); }),
        "group");
  }
}

TEST_F(HostileDataset, WrongShapesAreNamed) {
  EXPECT_SAYS(refusal("actions", numbers({3, 3}, std::vector<float>(9))), "[3, 3]");
  EXPECT_SAYS(refusal("actions", numbers({6}, std::vector<float>(6))), "[3, 2]");
  EXPECT_SAYS(refusal("vector", numbers({3, 2}, std::vector<float>(6))), "[4, 2]");
  EXPECT_SAYS(refusal("image", bytes({3, 4, 5, 3}, 0)), "[4, 4, 5, 3]");
  EXPECT_SAYS(refusal("image", bytes({4, 5, 4, 3}, 0)), "[4, 4, 5, 3]");
  EXPECT_SAYS(refusal("image", bytes({3, 60}, 0)), "frames");
  EXPECT_SAYS(refusal("terminations", bytes({4}, 0)), "[3]");
  EXPECT_SAYS(refusal("rewards", numbers({3, 1}, std::vector<float>(3))), "one number per step");
}

/// Further columns lie in the group `infos`, a row for each step or frame.
TEST_F(HostileDataset, ColumnsOfWrongShapesTypesAndNamesAreNamed) {
  arrays_["infos/cost"] = numbers({steps, 1}, {0, 1, 0});
  arrays_["infos/value"] = numbers({steps + 1, 2}, std::vector<float>(8));
  write_episode();
  EXPECT_EQ(read_all(), "");
  for (const auto& shape : std::vector<std::vector<hsize_t>>{{3}, {2, 1}, {5, 1}, {3, 1, 1}, {1, 3}, {3, 70000}}) {
    hsize_t count = 1;
    for (const hsize_t extent : shape) count *= extent;
    EXPECT_SAYS(refusal("infos/cost", numbers(shape, std::vector<float>(count))), "rows of numbers");
  }
  EXPECT_SAYS(refusal("infos/cost", numbers({3, 1}, {0, NAN, 0})), "finite");
  EXPECT_SAYS(refusal("infos/cost", [](Hdf5Writer& file, hid_t parent, const std::string& n) {
                file.create_group(parent, n);
              }),
              "group");
  EXPECT_SAYS(refusal("infos/cost",
                      [](Hdf5Writer&, hid_t parent, const std::string& name) {
                        H5Lcreate_soft("/episode_0/rewards", parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
                      }),
              "link");
  arrays_["infos/a b"] = numbers({steps, 1}, {0, 0, 0});
  write_episode();
  EXPECT_SAYS(read_all(), "unusable");
  arrays_.erase("infos/a b");
  for (int i = 0; i < 70; ++i) arrays_["infos/n" + std::to_string(i)] = numbers({steps, 1}, {0, 0, 0});
  write_episode();
  EXPECT_SAYS(read_all(), "more than 64");
}

TEST_F(HostileDataset, AnEpisodeWithoutStepsIsRefused) {
  EXPECT_SAYS(
      refusal("rewards",
              [](Hdf5Writer&, hid_t parent, const std::string& name) {
                const hsize_t none = 0;
                const Hdf5Id space(H5Screate_simple(1, &none, nullptr), H5Sclose);
                Hdf5Id(H5Dcreate2(parent, name.c_str(), H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                       H5Dclose);
              }),
      "no steps");
}

TEST_F(HostileDataset, WrongTypesAreNamed) {
  EXPECT_SAYS(refusal("image", numbers({4, 4, 5, 3}, std::vector<float>(240))), "unsigned bytes");
  EXPECT_SAYS(refusal("terminations", numbers({3}, {0, 0, 0.5f})), "neither 0 nor 1");
  EXPECT_SAYS(refusal("rewards",
                      [](Hdf5Writer& file, hid_t parent, const std::string& name) {
                        const Hdf5Id text(H5Tcopy(H5T_C_S1), H5Tclose);
                        H5Tset_size(text, 4);
                        file.write_array(parent, name, {3}, text, text, "onetwotre\0\0\0");
                      }),
              "numbers");
}

TEST_F(HostileDataset, WrongValuesAreNamed) {
  EXPECT_SAYS(refusal("actions", numbers({3, 2}, {0, 0, NAN, 0, 0, 0})), "finite");
  EXPECT_SAYS(refusal("rewards", numbers({3}, {0, -INFINITY, 0})), "finite");
  EXPECT_SAYS(refusal("vector", numbers({4, 2}, {0, 0, 0, 0, 0, 0, 0, NAN})), "finite");
  EXPECT_SAYS(refusal("truncations", bytes({3}, 2)), "neither 0 nor 1");
  EXPECT_SAYS(refusal("image", bytes({4, 60}, 'P')), "frame 0");
  attribute_ = 7;
  write_episode();
  EXPECT_SAYS(read_all(), "total_steps");
}

TEST_F(HostileDataset, ClaimsBeyondTheFileTakeNoMemory) {
  const auto huge = [](hid_t type, std::vector<hsize_t> shape, std::vector<hsize_t> chunk) {
    return [=](Hdf5Writer&, hid_t parent, const std::string& name) {
      const Hdf5Id space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose);
      const Hdf5Id plan(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
      H5Pset_chunk(plan, static_cast<int>(chunk.size()), chunk.data());
      Hdf5Id(H5Dcreate2(parent, name.c_str(), type, space, H5P_DEFAULT, plan, H5P_DEFAULT), H5Dclose);
    };
  };
  const hsize_t many = hsize_t{1} << 40;
  EXPECT_SAYS(refusal("rewards", huge(H5T_IEEE_F32LE, {many}, {1000})), "more data than the file can hold");
  EXPECT_SAYS(refusal("actions", huge(H5T_IEEE_F32LE, {many, many / 4096}, {1, 1})),
              "more data than the file can hold");
  EXPECT_SAYS(refusal("image", huge(H5T_STD_U8LE, {4, many}, {1, 1000})), "more data than the file can hold");
  EXPECT_SAYS(refusal("image", huge(H5T_STD_U8LE, {many, 4, 5, 3}, {1, 4, 5, 3})), "more data than the file can hold");
}

TEST_F(HostileDataset, LinksThatLeadElsewhereAreNotFollowed) {
  EXPECT_SAYS(refusal("rewards",
                      [](Hdf5Writer&, hid_t parent, const std::string& name) {
                        H5Lcreate_soft("/episode_0/actions", parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
                      }),
              "link");
  EXPECT_SAYS(refusal("rewards",
                      [](Hdf5Writer&, hid_t parent, const std::string& name) {
                        H5Lcreate_external("/dev/zero", "/x", parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
                      }),
              "link");
}

TEST_F(HostileDataset, DataInOtherFilesAreNotRead) {
  const auto with_plan = [](const std::function<void(hid_t plan, hid_t space)>& change) {
    return [change](Hdf5Writer&, hid_t parent, const std::string& name) {
      const hsize_t extent = steps;
      const Hdf5Id space(H5Screate_simple(1, &extent, nullptr), H5Sclose);
      const Hdf5Id plan(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
      change(plan, space);
      const Hdf5Id array(H5Dcreate2(parent, name.c_str(), H5T_IEEE_F32LE, space, H5P_DEFAULT, plan, H5P_DEFAULT),
                         H5Dclose);
      ASSERT_TRUE(array.valid());
    };
  };
  EXPECT_SAYS(refusal("rewards", with_plan([](hid_t plan, hid_t) { H5Pset_external(plan, "/etc/passwd", 0, 12); })),
              "other files");
  EXPECT_SAYS(refusal("rewards", with_plan([](hid_t plan, hid_t space) {
                        H5Pset_virtual(plan, space, "/etc/passwd", "x", space);
                      })),
              "other files");
}

TEST_F(HostileDataset, UnknownPackingIsNamed) {
  EXPECT_SAYS(refusal("rewards",
                      [](Hdf5Writer&, hid_t parent, const std::string& name) {
                        const hsize_t extent = steps;
                        const Hdf5Id space(H5Screate_simple(1, &extent, nullptr), H5Sclose);
                        const Hdf5Id plan(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
                        H5Pset_chunk(plan, 1, &extent);
                        H5Pset_filter(plan, 32001, H5Z_FLAG_OPTIONAL, 0, nullptr);  // blosc
                        Hdf5Id(H5Dcreate2(parent, name.c_str(), H5T_IEEE_F32LE, space, H5P_DEFAULT, plan, H5P_DEFAULT),
                               H5Dclose);
                      }),
              "32001");
}

TEST_F(HostileDataset, ActionsThatAreNoChoiceAreNamed) {
  const DatasetInfo info = info_of(0, 0, 0, 1, true);
  { DatasetWriter(folder_ / "c", info).append(test::episode_of(info, steps, 1)); }
  for (const float wrong : {3.0f, -1.0f, 0.5f}) {
    const Hdf5Access access;
    const auto path = folder_ / "c" / "data" / "episodes" / "episode_000000.hdf5";
    Hdf5Writer file(path);
    const Hdf5Id group = file.create_group(file.root(), "episode_0");
    arrays_["rewards"](file, group, "rewards");
    arrays_["terminations"](file, group, "terminations");
    arrays_["truncations"](file, group, "truncations");
    numbers({steps + 1, 1}, {0, 0, 0, 0})(file, group, "observations");
    numbers({steps}, {0, 2, wrong})(file, group, "actions");
    write_file(path, file.finish());
    EXPECT_SAYS(test::message_of<Error>([&] { Dataset(folder_ / "c").read(0); }), "none of the 3 choices");
  }
}

TEST_F(HostileDataset, TheIndexLeadsNowhereElse) {
  const std::filesystem::path data = folder_ / "d" / "data";
  std::filesystem::rename(episode_, folder_ / "outside.hdf5");
  for (const auto& [file_name, object, part] : std::vector<std::tuple<std::string, std::string, std::string>>{
           {"../../outside.hdf5", "/episode_0", "out of the dataset"},
           {(folder_ / "outside.hdf5").string(), "/episode_0", "out of the dataset"},
           {"/dev/zero", "/episode_0", "out of the dataset"},
           {"episodes/none.hdf5", "/episode_0", "none.hdf5"},
           {"main_data.hdf5", "/a/b", "top of the file"},
           {"main_data.hdf5", "/episode_0", "link"}}) {
    {
      const Hdf5Access access;
      Hdf5Writer file(data / "main_data.hdf5");
      file.link_external("episode_0", file_name, object);
      write_file(data / "main_data.hdf5", file.finish());
    }
    EXPECT_SAYS(read_all(), part);
  }
}

TEST_F(HostileDataset, MetadataIsCheckedFieldByField) {
  EXPECT_SAYS(metadata_refusal("\"data_format\": \"hdf5\"", "\"data_format\": \"arrow\""), "'arrow'");
  EXPECT_SAYS(metadata_refusal("\"total_steps\": 3", "\"total_steps\": -3"), "'total_steps'");
  EXPECT_SAYS(metadata_refusal("\"total_steps\": 3", "\"total_steps\": 3.5"), "'total_steps'");
  EXPECT_SAYS(metadata_refusal("\"total_episodes\": 1", "\"total_episodes\": 18446744073709551615"),
              "'total_episodes'");
  EXPECT_SAYS(metadata_refusal("\"total_episodes\"", "\"total_epis0des\""), "'total_episodes' is missing");
  EXPECT_SAYS(metadata_refusal("\"environment\": \"Toy\"", "\"environment\": 7"), "'environment'");
  EXPECT_SAYS(metadata_refusal("\"max_episode_steps\": 1000", "\"max_episode_steps\": 1e300"), "'max_episode_steps'");
  EXPECT_SAYS(metadata_refusal("\"dreamscope\": {", "\"dreamscope\": ["), "JSON");
  EXPECT_SAYS(metadata_refusal("\"image\": [", "\"image\": [99999,"), "'image'");
  std::string deep(100000, '[');
  EXPECT_SAYS(metadata_refusal("\"policy\": ", "\"x\": " + deep), "deep");
}

TEST_F(HostileDataset, WhatIsNoDatasetIsRefused) {
  EXPECT_SAYS(test::message_of<Error>([&] { Dataset(folder_ / "none"); }), "none");
  EXPECT_SAYS(test::message_of<Error>([&] { Dataset(folder_.path()); }), "metadata.json");
  EXPECT_SAYS(test::message_of<Error>([&] { Dataset("/dev/null"); }), "/dev/null");
  test::write_bytes(episode_, "not HDF5");
  EXPECT_SAYS(read_all(), "HDF5");
}

}  // namespace dataset_hostile_test
}  // namespace dream
