// Which servers run, and for how long.
#include <condition_variable>
#include <map>
#include <thread>

#include "api/platform_time.h"
#include "core/base/platform.h"
#include "core/env/bridge/gym_server.h"

namespace dream {
namespace {

constexpr double linger_seconds = 5;  // programs ask for a world's spaces again and again, and import takes a second

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
    std::shared_ptr<Place> place;
    {
      std::lock_guard lock(guard_);
      auto& known = places_[name];
      if (!known) known = std::make_shared<Place>();
      place = known;
      if (!thread_.joinable()) thread_ = std::thread([this] { tend(); });
    }
    std::lock_guard starting(place->guard);  // of this name alone
    if (!place->server || place->server->broken()) place->server = std::make_shared<GymServer>(name);
    place->used = now_seconds();
    return place->server;
  }

 private:
  struct Place {
    std::mutex guard;
    std::shared_ptr<GymServer> server;
    double used = 0;
  };

  void tend() {
    name_thread("gym servers");
    std::unique_lock lock(guard_);
    while (!closing_) {
      wake_.wait_for(lock, std::chrono::seconds(1));
      std::vector<std::shared_ptr<GymServer>> ended;  // without the guard: their end may take a while
      for (const auto& [name, place] : places_) {
        std::unique_lock held(place->guard, std::try_to_lock);
        if (!held || !place->server) continue;
        if (place->server.use_count() > 1) place->used = now_seconds();
        if (now_seconds() - place->used > linger_seconds) ended.push_back(std::move(place->server));
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

}  // namespace

std::shared_ptr<GymServer> GymServer::of(const std::string& name) {
  static GymServers running;
  return running.of(name);
}

}  // namespace dream
