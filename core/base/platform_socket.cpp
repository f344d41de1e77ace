#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/base/local_server.h"

namespace dream {
namespace {

void no_waiting(int descriptor) {
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

bool later() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

}  // namespace

LocalServer::LocalServer(int port) {
  listening_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  socklen_t size = sizeof address;
  const int yes = 1;
  if (listening_ >= 0) ::setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (listening_ < 0 || ::bind(listening_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listening_, 16) != 0 ||
      ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    const auto reason = errno == EADDRINUSE ? std::string("another program has it") : reason_of(errno);
    if (listening_ >= 0) ::close(listening_);
    throw Error("port " + std::to_string(port) + " cannot be opened: " + reason);
  }
  port_ = ntohs(address.sin_port);
  no_waiting(listening_);
}

LocalServer::~LocalServer() {
  for (const auto& [descriptor, client] : clients_) ::close(descriptor);
  ::close(listening_);
}

void LocalServer::accept_all(std::vector<Event>& events) {
  for (int descriptor; (descriptor = ::accept(listening_, nullptr, nullptr)) >= 0;) {
    no_waiting(descriptor);
    const int yes = 1;  // a line is answered at once, not gathered with the next
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    clients_[descriptor];
    events.push_back({Event::Kind::opened, descriptor});
  }
}

/// False once it is gone, or sends what cannot be a line.
bool LocalServer::read_from(int descriptor, Client& client, std::vector<Event>& events) {
  char buffer[65536];
  for (int turn = 0; turn < most_reads; ++turn) {
    const auto count = ::recv(descriptor, buffer, sizeof buffer, 0);
    if (count == 0 || (count < 0 && !later())) return false;
    if (count < 0) return true;
    client.in.append(buffer, static_cast<std::size_t>(count));
    std::size_t from = 0;
    for (std::size_t end; (end = client.in.find('\n', from)) != std::string::npos; from = end + 1)
      events.push_back({Event::Kind::line, descriptor, client.in.substr(from, end - from)});
    client.in.erase(0, from);
    if (client.in.size() > longest_line) return false;
  }
  return true;  // the others' turn; the rest is there the next time
}

bool LocalServer::write_to(int descriptor, Client& client) {
  while (!client.out.empty()) {
    const auto count = ::send(descriptor, client.out.data(), client.out.size(), MSG_NOSIGNAL);
    if (count < 0) return later();
    client.out.erase(0, static_cast<std::size_t>(count));
  }
  return !client.ends;
}

std::vector<LocalServer::Event> LocalServer::wait(double seconds) {
  std::vector<pollfd> watched = {{listening_, POLLIN, 0}};
  for (const auto& [descriptor, client] : clients_)
    watched.push_back({descriptor, static_cast<short>(client.out.empty() ? POLLIN : POLLIN | POLLOUT), 0});
  std::vector<Event> events;
  if (::poll(watched.data(), watched.size(), static_cast<int>(seconds * 1e3)) <= 0) return events;
  for (std::size_t i = 1; i < watched.size(); ++i) {
    const auto [descriptor, asked, came] = watched[i];
    auto& client = clients_.at(descriptor);
    bool there = true;
    if (came & (POLLIN | POLLHUP | POLLERR)) there = read_from(descriptor, client, events);
    if (there && (came & POLLOUT)) there = write_to(descriptor, client);
    if (there && client.out.size() <= most_waiting) continue;
    ::close(descriptor);
    clients_.erase(descriptor);
    events.push_back({Event::Kind::closed, descriptor});
  }
  if (watched[0].revents & POLLIN) accept_all(events);
  return events;
}

void LocalServer::send(int client, std::string_view bytes) {
  const auto found = clients_.find(client);
  if (found == clients_.end() || found->second.ends) return;
  const bool waits = !found->second.out.empty();
  found->second.out.append(bytes);
  if (!waits) write_to(client, found->second);  // what does not go now, and an end, is wait()'s
}

void LocalServer::close(int client) {
  const auto found = clients_.find(client);
  if (found == clients_.end()) return;
  found->second.ends = true;
  if (found->second.out.empty()) ::shutdown(client, SHUT_RDWR);  // wait() sees the end
}

std::string secret_word() {
  std::random_device chance;  // the system's own source
  std::string word;
  for (int i = 0; i < 32; ++i) word += "0123456789abcdef"[chance() % 16];
  return word;
}

}  // namespace dream
