#include "torch/distributed/local_address.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>

namespace torchgraft {

namespace {

// Connecting a datagram socket sends nothing, and chooses the interface.
std::string SourceAddress(const addrinfo& target) {
  const int socket = ::socket(target.ai_family, SOCK_DGRAM, 0);
  if (socket < 0) return "";
  sockaddr_storage own{};
  socklen_t length = sizeof(own);
  std::array<char, NI_MAXHOST> text{};
  const bool known =
      ::connect(socket, target.ai_addr, target.ai_addrlen) == 0 &&
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &length) == 0 &&
      ::getnameinfo(reinterpret_cast<const sockaddr*>(&own), length, text.data(),
                    static_cast<socklen_t>(text.size()), nullptr, 0, NI_NUMERICHOST) == 0;
  ::close(socket);
  return known ? text.data() : "";
}

}  // namespace

std::string LocalAddressTowards(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  // Any port will do; without one there is nothing to connect to.
  if (::getaddrinfo(host.c_str(), "9", &hints, &found) != 0) return "";
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  for (const auto* target = found; target != nullptr; target = target->ai_next) {
    auto address = SourceAddress(*target);
    if (!address.empty()) return address;
  }
  return "";
}

}  // namespace torchgraft
