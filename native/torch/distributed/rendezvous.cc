#include "torch/distributed/rendezvous.h"

#include <c10/util/Exception.h>
#include <c10/util/Logging.h>
#include <torch/version.h>

#include <chrono>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "torch/distributed/store_keys.h"
#include "torch/session/error.h"

namespace torchgraft {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Between two looks at the store, and between two tries to connect: so soon a cancelled one ends.
constexpr milliseconds kLook{50};
constexpr milliseconds kTry{1000};
// So long a rank that hosts the store waits for the others when it leaves.
constexpr seconds kLeaving{10};

CodedError Failed(const GroupOptions& options, const std::string& what) {
  return {"ERR_DISTRIBUTED", "Rank " + std::to_string(options.rank) + " of " +
                                 std::to_string(options.world_size) + " " + what};
}

void CheckCancelled(const GroupOptions& options, const std::atomic<bool>& cancelled) {
  if (cancelled) throw Failed(options, "was told to end while it waited for the others");
}

milliseconds Timeout(const GroupOptions& options) {
  return milliseconds(static_cast<int64_t>(options.timeout * 1000));
}

std::string Seconds(const GroupOptions& options) {
  return std::to_string(std::chrono::duration_cast<seconds>(Timeout(options)).count()) + " s";
}

c10::intrusive_ptr<c10d::TCPStore> Host(const GroupOptions& options) {
  c10d::TCPStoreOptions store;
  store.port = static_cast<uint16_t>(options.master_port);
  store.isServer = true;
  store.waitWorkers = false;
  store.timeout = Timeout(options);
  try {
    return c10::make_intrusive<c10d::TCPStore>(options.master_address, store);
  } catch (const c10::Error& error) {
    throw Failed(options, "could not listen on port " + std::to_string(options.master_port) +
                              ", where the ranks meet: another run or program may use it. Choose "
                              "another MASTER_PORT: " +
                              error.what_without_backtrace());
  }
}

// One that is still being started, or is not there, refuses: so it is tried again.
c10::intrusive_ptr<c10d::TCPStore> Connect(const GroupOptions& options,
                                           const std::atomic<bool>& cancelled) {
  c10d::TCPStoreOptions store;
  store.port = static_cast<uint16_t>(options.master_port);
  store.waitWorkers = false;
  const auto until = Clock::now() + Timeout(options);
  for (;;) {
    store.timeout = std::min(kTry, Timeout(options));
    try {
      auto connected = c10::make_intrusive<c10d::TCPStore>(options.master_address, store);
      connected->setTimeout(Timeout(options));
      return connected;
    } catch (const c10::Error& error) {
      CheckCancelled(options, cancelled);
      if (Clock::now() < until) continue;
      throw Failed(options, "found no store at " + DescribeStore(options) + " within " +
                                Seconds(options) +
                                ". Check MASTER_ADDR and MASTER_PORT, that the first rank has "
                                "started, and that no firewall lies between: " +
                                error.what_without_backtrace());
    }
  }
}

std::string Identity(const GroupOptions& options) {
  return std::to_string(options.world_size) + " ranks, libtorch " TORCH_VERSION +
         (options.identity.empty() ? "" : ", " + options.identity);
}

void CheckSame(const GroupOptions& options, c10d::Store& store) {
  const auto own = Identity(options);
  const auto first = store.compareSet("identity", "", own);
  if (first == own) return;
  throw Failed(options, "is not of the run that meets at " + DescribeStore(options) + ": it has " +
                            own + ", the first one " + first);
}

void CheckOnce(const GroupOptions& options, c10d::Store& store) {
  if (store.add("joined/" + std::to_string(options.rank), 1) == 1) return;
  throw Failed(options, "is at " + DescribeStore(options) +
                            " already: two runs share one MASTER_PORT, or two processes one RANK");
}

void WaitForAll(const GroupOptions& options, c10d::Store& store,
                const std::atomic<bool>& cancelled) {
  const auto until = Clock::now() + Timeout(options);
  for (int rank = 0; rank < options.world_size; ++rank) {
    while (!store.check({BeatKey(rank)})) {
      CheckCancelled(options, cancelled);
      if (Clock::now() > until) {
        throw Failed(options, "has waited " + Seconds(options) + " at " + DescribeStore(options) +
                                  " for rank " + std::to_string(rank) +
                                  ", which has not come. Look for its own message");
      }
      std::this_thread::sleep_for(kLook);
    }
  }
}

}  // namespace

std::string DescribeStore(const GroupOptions& options) {
  return options.master_address + ":" + std::to_string(options.master_port);
}

Rendezvous Meet(const GroupOptions& options, const std::atomic<bool>& cancelled) {
  c10::initLogging();  // heeds TORCH_CPP_LOG_LEVEL: each try to connect would be told of
  Rendezvous met;
  const auto connected = options.serve ? Host(options) : Connect(options, cancelled);
  if (options.serve) met.host = connected;
  met.store = c10::make_intrusive<c10d::PrefixStore>(options.prefix, connected);
  CheckSame(options, *met.store);
  CheckOnce(options, *met.store);
  met.store->set(BeatKey(options.rank), kFirstBeat);
  WaitForAll(options, *met.store, cancelled);
  return met;
}

void WaitForLeaving(c10d::Store& store, const GroupOptions& options) {
  const auto until = Clock::now() + kLeaving;
  for (int rank = 0; rank < options.world_size; ++rank) {
    while (!store.check({LeftKey(rank)}) && Clock::now() < until)
      std::this_thread::sleep_for(kLook);
  }
}

}  // namespace torchgraft
