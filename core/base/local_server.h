#pragma once
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dream {

/// Other programs of this machine may connect: a TCP socket of the loopback address alone, which no other machine reaches.
/// Text comes in lines, anything goes out. One thread.
class LocalServer {
 public:
  static constexpr std::size_t longest_line = 1 << 20, most_waiting = std::size_t{1} << 28;  // bytes
  static constexpr int most_reads = 16;  // of one client before it is the others' turn

  /// `port` 0: one that is free. Throws dream::Error with the reason in words.
  explicit LocalServer(int port);
  ~LocalServer();
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;
  int port() const { return port_; }

  struct Event {
    enum class Kind { opened, line, closed } kind;
    int client;
    std::string line = {};
  };
  /// What came, in its order; waits for at most `seconds` for something, and sends what is waiting meanwhile. A line that is too
  /// long, and a client that does not take what is sent to it, close the connection.
  std::vector<Event> wait(double seconds);
  /// To a client that is still there; of others nothing happens.
  void send(int client, std::string_view bytes);
  /// Once it has got what is waiting for it.
  void close(int client);

 private:
  struct Client {
    std::string in, out;
    bool ends = false;
  };
  void accept_all(std::vector<Event>& events);
  bool read_from(int descriptor, Client& client, std::vector<Event>& events);
  static bool write_to(int descriptor, Client& client);

  int listening_ = -1, port_ = 0;
  std::map<int, Client> clients_;  // by their descriptors
};

/// A word that nobody guesses: 128 bits from the system, in hexadecimal.
std::string secret_word();

}  // namespace dream
