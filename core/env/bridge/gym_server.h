#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "api/spaces.h"
#include "core/base/platform_process.h"

namespace dream {

/// What scripts/gym_server.py says of its environment.
struct GymDescription {
  Spaces spaces;  // the picture as the environment has it
  std::vector<std::string> left_out;
  bool renders = false, pixels = false;
  std::size_t memory = 0, action_at = 0, vector_at = 0, picture_at = 0;
};

/// A Python process that hosts instances ("lanes") of one environment; scripts/gym_server.py is its other end. Where there are many
/// lanes and cores several servers of a name share them, and move at once. Thread-safe. Where it dies, hangs or refuses, dream::Error
/// names the environment and says what Python said.
class GymServer {
 public:
  /// A running server of this name, with options in brackets; a new one where there is none. It ends some seconds
  /// after its last user has let it go.
  static std::shared_ptr<GymServer> of(const std::string& name);
  /// The one with the fewest lanes, for another lane; a new one where all have several and the machine has cores for more.
  static std::shared_ptr<GymServer> with_room(const std::string& name);
  explicit GymServer(const std::string& name);

  const std::string& name() const { return name_; }
  const GymDescription& description() const { return description_; }
  /// It has died: nothing but another server helps.
  bool broken() const { return broken_; }
  int lanes() const { return lanes_; }

  /// What both sides see of a lane: this, then action, vector and picture where the description says.
  struct Head {
    double reward;
    std::uint8_t terminated, truncated, failed, unused[5];
    std::uint64_t seed;
    std::uint32_t error_size;
  };
  class Lane {
   public:
    explicit Lane(std::shared_ptr<GymServer> server);
    ~Lane();
    Head& head() { return *reinterpret_cast<Head*>(memory_.data()); }
    template <typename T>
    T* at(std::size_t offset) {
      return reinterpret_cast<T*>(memory_.data() + offset);
    }
    GymServer& server() { return *server_; }
    /// Takes note of a step, or a reset, that is to be made; the seed or the action lies in the memory. It is sent when
    /// somebody waits for any lane of the name, at once with all others of its server.
    void ask(bool reset);
    /// Until it is made. Throws what went wrong in this lane.
    void wait();
    /// A picture for people, RGB.
    std::vector<std::uint8_t> render(int& height, int& width);
    /// Lives these actions again from a seed, in another instance that takes the place of this one if it comes to an
    /// observation with this checksum; throws dream::Error, and nothing has changed, otherwise.
    void relive(std::uint64_t seed, std::span<const float> actions, std::uint32_t checksum);

   private:
    friend class GymServer;
    std::shared_ptr<GymServer> server_;
    SharedMemory memory_;
    std::uint32_t number_;
    bool asked_ = false, resets_ = false;
  };

 private:
  enum class Ask : std::uint8_t { open, look, close, render, begin_load, load_steps, end_load };
  /// Steps are asked for in memory, since a message takes longer than a quick step: both sides look here again and again for a moment
  /// before they sleep. Then come the lanes that are to move, each twice its number, and one more for a reset.
  struct Bell {
    std::uint32_t asked, answered;  // how often
    std::uint32_t asleep;           // Python is, and has to be called
    std::uint32_t count;            // of lanes
  };
  void share(const SharedMemory& memory, const std::string& doing);
  std::vector<std::byte> request(Ask what, std::uint32_t lane, std::span<const std::byte> data = {});
  std::vector<std::byte> answer(double seconds, const std::string& doing);
  void send(Ask what, std::span<const std::byte> first, std::span<const std::byte> second, const std::string& doing);
  void go();
  void call();
  void have_others_go();  // the other servers of this name; one that is busy just now is left to whoever waits there
  void finish();
  [[noreturn]] void lost(ChildProcess::Heard heard, double seconds, const std::string& doing);

  std::string name_;
  SharedMemory shared_;  // the bell
  std::unique_ptr<ChildProcess> process_;
  GymDescription description_;
  std::mutex guard_;  // of all below, and of the process
  std::atomic<bool> broken_ = false;
  std::atomic<int> lanes_ = 0;
  std::string why_broken_;
  std::uint32_t next_lane_ = 0;
  std::vector<Lane*> asked_;  // whose step or reset is to be made
  std::size_t moving_ = 0;    // lanes whose steps are being made
  bool called_ = false;       // an answer will come when they are
  inline static std::atomic<unsigned> at_work_ = 0;  // servers of any name with such lanes
  std::vector<std::byte> message_;
};

}  // namespace dream
