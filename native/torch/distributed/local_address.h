#pragma once

#include <string>

namespace torchgraft {

// This machine's address on the way to a host, in digits; empty where it is not known. The
// machine's name often leads to its loopback address, where no other machine finds it.
std::string LocalAddressTowards(const std::string& host);

}  // namespace torchgraft
