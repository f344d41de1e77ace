// Which servers run, and for how long.
#include <algorithm>
#include <condition_variable>
#include <map>
#include <thread>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/base/platform.h"
#include "core/env/bridge/gym_server.h"

namespace dream {
namespace {

constexpr int lanes_each = 4;           // of a server before another is begun: a process takes a second to start and some 100 MB
constexpr unsigned most_processes = 8;  // of a name
constexpr double linger_seconds = 5;    // programs ask for a world's spaces again and again, and import takes a second

/// Keeps every server for a moment after its last user is gone, on a thread that is there while any server is.
class GymServers {
 public:
  ~GymServers() {
    {
      std::lock_guard lock(guard_);
      closing_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  std::shared_ptr<GymServer> of(const std::string& name) {
    return chosen(name, [](const std::vector<std::shared_ptr<GymServer>>& running) { return running.empty() ? nullptr : running.front(); });
  }

  std::shared_ptr<GymServer> with_room(const std::string& name) {
    return chosen(name, [](const std::vector<std::shared_ptr<GymServer>>& running) -> std::shared_ptr<GymServer> {
      const auto fewest = std::ranges::min_element(running, {}, &GymServer::lanes);
      if (fewest == running.end()) return nullptr;
      return (*fewest)->lanes() < lanes_each || running.size() >= most_servers() ? *fewest : nullptr;
    });
  }

  /// Every running one of the name. Allocates nothing: it is done at every step.
  template <typename Visit>
  void each(const std::string& name, Visit visit) {
    const auto place = place_of(name);
    const std::lock_guard lock(place->guard);
    for (const auto& host : place->hosts) visit(*host.server);
  }

 private:
  struct Host {
    std::shared_ptr<GymServer> server;
    double used = 0;
  };
  struct Place {
    std::mutex starting;  // held for as long as a server takes to start
    std::mutex guard;     // of the hosts
    std::vector<Host> hosts;
  };

  static std::size_t most_servers() { return std::clamp(std::thread::hardware_concurrency(), 1u, most_processes); }

  std::shared_ptr<Place> place_of(const std::string& name) {
    const std::lock_guard lock(guard_);
    auto& known = places_[name];
    if (!known) known = std::make_shared<Place>();
    if (!thread_.joinable()) thread_ = std::thread([this] { tend(); });
    return known;
  }

  /// One of those that run and live, or a new one where `choose` gives none.
  template <typename Choose>
  std::shared_ptr<GymServer> chosen(const std::string& name, Choose choose) {
    const auto place = place_of(name);
    const std::lock_guard starting(place->starting);
    std::vector<std::shared_ptr<GymServer>> running;
    {
      const std::lock_guard lock(place->guard);
      std::erase_if(place->hosts, [](const Host& each) { return each.server->broken(); });
      for (auto& each : place->hosts) running.push_back(each.server), each.used = now_seconds();
    }
    if (auto found = choose(running)) return found;
    auto started = std::make_shared<GymServer>(name);
    const std::lock_guard lock(place->guard);
    place->hosts.push_back({started, now_seconds()});
    return started;
  }

  void tend() {
    name_thread("gym servers");
    std::unique_lock lock(guard_);
    while (!closing_) {
      wake_.wait_for(lock, std::chrono::seconds(1));
      std::vector<std::shared_ptr<GymServer>> ended;  // without the guard: their end may take a while
      for (const auto& [name, place] : places_) {
        const std::unique_lock held(place->guard, std::try_to_lock);
        if (!held) continue;
        for (auto& each : place->hosts) {
          if (each.server.use_count() > 1) each.used = now_seconds();
          if (now_seconds() - each.used > linger_seconds) ended.push_back(std::move(each.server));
        }
        std::erase_if(place->hosts, [](const Host& each) { return !each.server; });
      }
      lock.unlock();
      ended.clear();
      lock.lock();
    }
  }

  std::mutex guard_;
  std::condition_variable wake_;
  std::map<std::string, std::shared_ptr<Place>> places_;
  std::thread thread_;
  bool closing_ = false;
};

GymServers& servers() {
  static GymServers running;
  return running;
}

}  // namespace

std::shared_ptr<GymServer> GymServer::of(const std::string& name) {
  return servers().of(name);
}

std::shared_ptr<GymServer> GymServer::with_room(const std::string& name) {
  return servers().with_room(name);
}

void GymServer::have_others_go() {
  servers().each(name_, [this](GymServer& other) {
    if (&other == this) return;
    const std::unique_lock its(other.guard_, std::try_to_lock);
    if (!its || other.broken_) return;
    try {
      other.go();
    } catch (const Error&) {  // whoever waits there is told
    }
  });
}

}  // namespace dream
