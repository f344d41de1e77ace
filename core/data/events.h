#pragma once
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace dream {

/// Scalars in TensorBoard's event format (TFRecord framing with masked CRC-32C, hand-encoded Event protobuf).
/// https://github.com/tensorflow/tensorboard. Every line is flushed: a crash loses nothing that was written.
class EventWriter {
 public:
  explicit EventWriter(const std::filesystem::path& directory);  // creates DIR/events.out.tfevents.<time>.<host>
  /// A training session begins: readers drop what they hold of this step and later, which was not saved.
  void session_start(std::int64_t step);
  void scalar(const std::string& tag, std::int64_t step, double value);

 private:
  void record(const std::string& payload);
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace dream
