#include <chrono>
#include <map>
#include <memory>
#include <optional>

#include "api/error.h"
#include "api/platform_time.h"
#include "app/cli/verb.h"
#include "core/base/local_server.h"
#include "core/data/checked_json.h"
#include "core/nn/in_words.h"
#include "core/serve/session.h"
#include "core/serve/training_watch.h"

namespace dream::cli {
namespace {

constexpr int protocol = 1;
constexpr double look_every = 0.5;  // seconds, at a training's checkpoint
constexpr std::size_t most_clients = 16;

/// Who is connected. Every one has a dream of its own.
class Served {
 public:
  Served(std::string run, const Common& common, int port) : run_(std::move(run)), common_(common), server_(port), token_(secret_word()) {
    Session tried(run_, common_.device, common_.seed);  // what cannot be dreamed in is told before anybody connects
    world_ = tried.greeting().json["world"];
  }

  void work() {
    const nlohmann::ordered_json here = {{"address", "127.0.0.1"}, {"port", server_.port()}, {"token", token_}, {"run", run_}, {"world", world_}};
    std::printf("%s\n", here.dump().c_str());
    std::fflush(stdout);
    for (double due = 0; !interrupted();) {
      for (const auto& event : server_.wait(look_every)) {
        if (event.kind == LocalServer::Event::Kind::closed) guests_.erase(event.client);
        if (event.kind == LocalServer::Event::Kind::line) hear(event.client, event.line);
      }
      if (now_seconds() < due) continue;
      due = now_seconds() + look_every;
      look();
    }
  }

 private:
  struct Guest {
    std::unique_ptr<Session> dream;
    std::unique_ptr<TrainingWatch> training;
    bool takes_weights = false;
  };

  void say(int client, const Message& message) { server_.send(client, message.bytes()); }
  void refuse(int client, const std::string& why) {
    say(client, {{{"error", why}}});
    server_.close(client);
  }

  void hear(int client, const std::string& line) {
    if (!guests_.contains(client)) return enter(client, line);
    auto& guest = guests_.at(client);
    const auto asked = read(line);
    if (!asked || field(*asked, "do") != "subscribe") return say(client, guest.dream->answer(line));  // which says what is wrong with it
    Message message{{{"subscribed", run_}}};
    if (const auto& id = field(*asked, "id"); !id.is_null()) message.json["id"] = id;
    guest.training = std::make_unique<TrainingWatch>(run_);
    guest.takes_weights = field(*asked, "weights") == true;
    say(client, message);
  }

  /// A stranger's line, which may be nested so deeply that to copy it would end the program; nothing where it is no object.
  static std::optional<CheckedJson> read(const std::string& line) {
    try {
      return CheckedJson("the request", line);
    } catch (const Error&) {
      return {};
    }
  }
  static const CheckedJson::Json& field(const CheckedJson& asked, const char* name) {
    static const CheckedJson::Json none;
    const auto found = asked.root().find(name);
    return found == asked.root().end() ? none : *found;
  }

  /// The first line must hold the token.
  void enter(int client, const std::string& line) {
    const auto asked = read(line);
    if (!asked || !field(*asked, "token").is_string() || !same(field(*asked, "token").get<std::string>()))
      return refuse(client, "the first line must be {\"token\": \"…\"} with the word that serve has printed");
    if (guests_.size() >= most_clients) return refuse(client, std::to_string(most_clients) + " programs are connected, and no more can be");
    try {
      Guest guest{std::make_unique<Session>(run_, common_.device, common_.seed), nullptr};
      auto greeting = guest.dream->greeting();
      greeting.json["protocol"] = protocol;
      greeting.json["version"] = DREAMSCOPE_VERSION;
      guests_[client] = std::move(guest);
      say(client, greeting);
    } catch (const std::exception& error) {  // as a card that is full: the others go on
      refuse(client, in_words(error));
    }
  }

  /// In a time that does not tell how much of it was right.
  bool same(const std::string& word) const {
    unsigned other = word.size() != token_.size();
    for (std::size_t i = 0; i < token_.size(); ++i) other |= static_cast<unsigned>(token_[i] ^ (i < word.size() ? word[i] : '\0'));
    return other == 0;
  }

  void look() {
    for (auto& [client, guest] : guests_) {
      if (!guest.training) continue;
      try {
        auto news = guest.training->look();
        if (!news) continue;
        if (guest.takes_weights) guest.dream->take_weights(*news->weights, run_);
        say(client, news->message);
      } catch (const std::exception& error) {
        say(client, {{{"event", "training"}, {"error", in_words(error)}}});
      }
    }
  }

  std::string run_, world_;
  const Common& common_;
  LocalServer server_;
  std::string token_;
  std::map<int, Guest> guests_;
};

}  // namespace

Verb serve_verb(CLI::App& app) {
  struct Options {
    std::string run;
    int port = 0;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("serve", "Let programs of this machine, as a notebook, drive dreams of a run and read its latents");
  command->add_option("run", options->run, "The run's folder, or a checkpoint")->required();
  command->add_option("--port", options->port, "Port on 127.0.0.1; 0 = one that is free")->transform(whole_between(0, 65535))->capture_default_str();
  return {command, [options](const Common& common) { Served(options->run, common, options->port).work(); }};
}

}  // namespace dream::cli
