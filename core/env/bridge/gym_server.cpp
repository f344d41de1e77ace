#include "core/env/bridge/gym_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>
#include <utility>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/base/platform.h"
#include "core/base/text.h"
#include "core/env/bridge/gym_description.h"
#include "core/env/bridge/gym_python.h"
#include "core/env/world_fault.h"

namespace dream {
namespace {

constexpr std::size_t answer_head = 5;  // size, and whether it is an error
constexpr std::uint32_t largest_answer = 256u << 20;
constexpr std::size_t most_actions = 8192;  // numbers in one message: each has the time of a step
constexpr std::size_t shown_output = 300;
constexpr std::size_t most_lanes = 4096;  // of a process
constexpr double awake_seconds = 1e-3;  // of waiting for a step: sleeping and waking up take longer than many a step

std::span<const std::byte> bytes_of(const auto& value) {
  return std::as_bytes(std::span(&value, 1));
}

/// What Python said, as a sentence of the world's.
std::string sentence(const std::string& name, const std::string& said) {
  const auto text = printable(said, 600);
  return name + ": " + text + (text.ends_with('?') || text.ends_with('!') || text.ends_with('.') ? "" : ".");
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

GymServer::GymServer(const std::string& name)
    : name_(name), shared_(sizeof(Bell) + most_lanes * sizeof(std::uint32_t)), process_(start_gym_server(name)) {
  share(shared_, "starting");
  const auto said = answer(gym_patience().start, "starting");
  description_ = read_gym_description(name, text_of(said));
}

void GymServer::lost(ChildProcess::Heard heard, double seconds, const std::string& doing) {
  std::string how;
  if (heard == ChildProcess::Heard::late) {
    how = fmt::format("gave no answer for {:g} s while {} (DREAMSCOPE_GYM_TIMEOUT allows more)", seconds, doing);
    process_->kill();
    process_->end();
  } else {
    how = fmt::format("its Python process ended while {} ({})", doing, process_->end());
  }
  // Its last line that says something.
  const auto printed = process_->printed();
  const auto end = printed.find_last_not_of(" \n\r\t");
  const auto last = end == std::string::npos ? "" : printed.substr(0, end + 1).substr(printed.rfind('\n', end) + 1);
  why_broken_ =
      fmt::format("{}: {}{}.", name_, how,
                  last.empty() ? "" : fmt::format("; the last that it printed: {}", printable(last, shown_output)));
  broken_ = true;
  throw WorldFault(why_broken_);
}

/// Gives it memory to see.
void GymServer::share(const SharedMemory& memory, const std::string& doing) {
  const std::byte nothing{};
  const auto seconds = gym_patience().step;
  if (const auto heard = process_->send({&nothing, 1}, seconds, memory.descriptor()); heard != ChildProcess::Heard::all)
    lost(heard, seconds, doing);
}

std::vector<std::byte> GymServer::answer(double seconds, const std::string& doing) {
  std::array<std::byte, answer_head> head;
  if (const auto heard = process_->receive(head, seconds); heard != ChildProcess::Heard::all)
    lost(heard, seconds, doing);
  std::uint32_t size = 0;
  std::memcpy(&size, head.data(), sizeof size);
  if (size == 0 || size > largest_answer) lost(ChildProcess::Heard::late, seconds, doing);
  std::vector<std::byte> data(size - 1);
  if (const auto heard = process_->receive(data, seconds); heard != ChildProcess::Heard::all)
    lost(heard, seconds, doing);
  if (head.back() != std::byte{0}) throw WorldFault(sentence(name_, text_of(data)));
  return data;
}

void GymServer::send(Ask what, std::span<const std::byte> first, std::span<const std::byte> second,
                     const std::string& doing) {
  if (broken_) throw WorldFault(why_broken_);
  const auto size = static_cast<std::uint32_t>(1 + first.size() + second.size());
  message_.clear();
  for (const auto part : {bytes_of(size), bytes_of(what), first, second})
    message_.insert(message_.end(), part.begin(), part.end());
  const auto seconds = gym_patience().step;
  if (const auto heard = process_->send(message_, seconds); heard != ChildProcess::Heard::all)
    lost(heard, seconds, doing);
}

std::vector<std::byte> GymServer::request(Ask what, std::uint32_t lane, std::span<const std::byte> data) {
  const auto [doing, seconds] = [&]() -> std::pair<const char*, double> {
    switch (what) {
      case Ask::open:
        return {"making an instance", gym_patience().start};
      case Ask::render:
        return {"rendering", gym_patience().step};
      case Ask::close:
        return {"closing an instance", gym_patience().step};
      default:
        return {"living a saved state again", gym_patience().start};
    }
  }();
  finish();
  send(what, bytes_of(lane), data, doing);
  return answer(seconds, doing);
}

/// Has all steps made that were asked for. With the guard held.
void GymServer::go() {
  finish();
  if (asked_.empty()) return;
  if (broken_) throw WorldFault(why_broken_);
  auto& bell = *reinterpret_cast<Bell*>(shared_.data());
  auto* words = reinterpret_cast<std::uint32_t*>(&bell + 1);
  for (Lane* lane : asked_) {
    *words++ = lane->number_ << 1 | (lane->resets_ ? 1u : 0u);
    lane->asked_ = false;
  }
  bell.count = static_cast<std::uint32_t>(asked_.size());
  asked_.clear();
  called_ = false;
  std::atomic_ref(bell.asked).fetch_add(1);
  if (std::atomic_ref(bell.asleep).load()) call();
  moving_ = bell.count;
  ++at_work_;
}

/// A message, whose answer comes when all steps are made: for whoever sleeps, or is to sleep.
void GymServer::call() {
  called_ = true;
  send(Ask::look, {}, {}, "stepping");
}

/// Until they are made. With the guard held.
void GymServer::finish() {
  const auto moving = std::exchange(moving_, 0);
  if (moving == 0) return;
  const bool room = at_work_-- < std::thread::hardware_concurrency();  // a core is left to stay awake on
  if (!called_) {
    const auto& bell = *reinterpret_cast<Bell*>(shared_.data());
    const double until = now_seconds() + (room ? awake_seconds : 0);
    while (std::atomic_ref(bell.answered).load(std::memory_order_acquire) != bell.asked) {
      if (now_seconds() < until) {
        std::this_thread::yield();
      } else {
        call();
        break;
      }
    }
  }
  if (called_) answer(gym_patience().step * static_cast<double>(moving), "stepping");
}

GymServer::Lane::Lane(std::shared_ptr<GymServer> server)
    : server_(std::move(server)), memory_(server_->description_.memory) {
  std::lock_guard lock(server_->guard_);
  if (server_->lanes_ == static_cast<int>(most_lanes))
    throw Error(fmt::format("{}: a process hosts {} instances at most.", server_->name_, most_lanes));
  number_ = server_->next_lane_++;
  server_->request(Ask::open, number_);
  server_->share(memory_, "sharing memory");
  server_->answer(gym_patience().step, "sharing memory");
  ++server_->lanes_;
}

GymServer::Lane::~Lane() {
  std::lock_guard lock(server_->guard_);
  std::erase(server_->asked_, this);
  --server_->lanes_;
  try {
    if (!server_->broken_) server_->request(Ask::close, number_);
  } catch (const Error&) {  // whoever uses it next is told
  }
}

void GymServer::Lane::ask(bool reset) {
  std::lock_guard lock(server_->guard_);
  resets_ = reset;
  if (!asked_) server_->asked_.push_back(this);
  asked_ = true;
}

void GymServer::Lane::wait() {
  std::unique_lock lock(server_->guard_);
  if (server_->broken_) throw WorldFault(server_->why_broken_);
  if (asked_) {
    server_->go();
    lock.unlock();
    server_->have_others_go();
    lock.lock();
    if (server_->broken_) throw WorldFault(server_->why_broken_);
  }
  server_->finish();
  lock.unlock();
  if (!head().failed) return;
  const auto size = std::min<std::size_t>(head().error_size, server_->description_.action_at - sizeof(Head));
  const std::string said(at<const char>(offsetof(Head, error_size) + sizeof(std::uint32_t)), size);
  throw WorldFault(sentence(server_->name_, said));
}

std::vector<std::uint8_t> GymServer::Lane::render(int& height, int& width) {
  std::lock_guard lock(server_->guard_);
  const auto found = server_->request(Ask::render, number_);
  std::array<std::uint32_t, 2> sides{};
  if (found.size() >= sizeof sides) std::memcpy(sides.data(), found.data(), sizeof sides);
  const auto bytes = std::size_t{3} * sides[0] * sides[1];
  if (bytes == 0 || found.size() != sizeof sides + bytes)
    throw Error(fmt::format("{}: render() gave an empty picture.", server_->name_));
  height = static_cast<int>(sides[0]), width = static_cast<int>(sides[1]);
  std::vector<std::uint8_t> picture(bytes);
  std::memcpy(picture.data(), found.data() + sizeof sides, bytes);
  return picture;
}

void GymServer::Lane::relive(std::uint64_t seed, std::span<const float> actions, std::uint32_t checksum) {
  std::lock_guard lock(server_->guard_);
  server_->request(Ask::begin_load, number_, bytes_of(seed));
  const auto size = server_->description_.spaces.action.size();
  const auto piece = std::max<std::size_t>(most_actions / size, 1) * size;
  for (std::size_t from = 0; from < actions.size(); from += piece)
    server_->request(Ask::load_steps, number_,
                     std::as_bytes(actions.subspan(from, std::min(piece, actions.size() - from))));
  server_->request(Ask::end_load, number_, bytes_of(checksum));
}

}  // namespace dream
