#include "torch/distributed/pulse.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "torch/distributed/store_keys.h"
#include "torch/session/error.h"

namespace torchgraft {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

constexpr seconds kBeat{1};
// So long a rank may be silent before it is taken for the one that a failed collective lacks.
constexpr seconds kSilent{3};
// So long Explain looks for one: what a rank tells of itself, or a silence, is known by then.
constexpr seconds kExplaining{5};
// So long the thread is waited for: more than it takes where the store answers.
constexpr seconds kStopping{2};

constexpr char kLeft[] = "left";  // the last beat

std::string Text(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

// What the thread and its owner share: the thread may outlive its owner.
struct Pulse::State {
  struct Peer {
    std::string beat;
    uint64_t begun = 0;  // collectives
    bool left = false;
    Clock::time_point changed = Clock::now();
  };

  State(c10::intrusive_ptr<c10d::Store> store, const Place& place, Progress progress, Fail fail)
      : store(std::move(store)),
        place(place),
        progress(std::move(progress)),
        fail(std::move(fail)),
        peers(static_cast<size_t>(place.world_size)) {}

  void Run();
  void Beat();
  void Hear();
  void Farewell() noexcept;
  void Conclude(const std::string& why);
  std::optional<std::string> Silent(Clock::duration limit) const;
  std::optional<std::string> Missing() const;
  std::optional<std::string> Behind() const;
  std::string Blame(const std::string& error) const;

  const c10::intrusive_ptr<c10d::Store> store;  // the thread's
  const Place place;
  const Progress progress;
  const Fail fail;
  uint64_t beats = 0;  // the thread's

  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  // All guarded by mutex.
  std::vector<Peer> peers;
  std::string telling;    // of this rank, not written yet
  std::string concluded;  // why the group has failed
  Clock::time_point heard = Clock::now();
  bool stopping = false;
  bool ended = false;
  std::thread thread;
};

// On the pulse's thread.
void Pulse::State::Run() {
  std::unique_lock lock(mutex);
  while (!stopping && concluded.empty()) {
    lock.unlock();
    try {
      Beat();
      Hear();
    } catch (...) {
      Conclude("The store at " + place.store + " is gone: " + CurrentFailure().message);
    }
    lock.lock();
    changed.wait_for(lock, kBeat, [&] { return stopping || !telling.empty(); });
  }
  if (concluded.empty()) {
    lock.unlock();
    Farewell();
    lock.lock();
  }
  ended = true;
  changed.notify_all();
}

void Pulse::State::Beat() {
  const auto begun = progress();
  store->set(BeatKey(place.rank), std::to_string(++beats) + " " + std::to_string(begun));
  std::unique_lock lock(mutex);
  peers[static_cast<size_t>(place.rank)].begun = begun;
  if (telling.empty()) return;
  const auto why = std::exchange(telling, "");
  lock.unlock();
  store->compareSet(kFailureKey, "", why);  // the first one stays
}

void Pulse::State::Hear() {
  if (store->check({kFailureKey})) return Conclude(Text(store->get(kFailureKey)));
  std::vector<std::string> keys;
  for (int rank = 0; rank < place.world_size; ++rank) keys.push_back(BeatKey(rank));
  const auto found = store->multiGet(keys);
  std::unique_lock lock(mutex);
  heard = Clock::now();
  for (size_t rank = 0; rank < peers.size(); ++rank) {
    auto beat = Text(found[rank]);
    auto& peer = peers[rank];
    if (beat == peer.beat) continue;
    peer.begun = std::stoull(beat.substr(beat.find(' ') + 1));
    peer.left = beat.rfind(kLeft, 0) == 0;
    peer.beat = std::move(beat);
    peer.changed = heard;
  }
  changed.notify_all();
  const auto silent = Silent(place.timeout);
  if (!silent) return;
  lock.unlock();
  store->compareSet(kFailureKey, "", *silent);
  Conclude(*silent);
}

void Pulse::State::Farewell() noexcept {
  try {
    store->set(BeatKey(place.rank), std::string(kLeft) + " " + std::to_string(progress()));
  } catch (...) {
    // Who hosts the store has left already.
  }
}

void Pulse::State::Conclude(const std::string& why) {
  {
    const std::lock_guard lock(mutex);
    if (!concluded.empty()) return;
    concluded = why;
    changed.notify_all();
  }
  fail(why);
}

// With the mutex held.
std::optional<std::string> Pulse::State::Silent(Clock::duration limit) const {
  for (size_t rank = 0; rank < peers.size(); ++rank) {
    const auto silence = heard - peers[rank].changed;
    if (static_cast<int>(rank) == place.rank || silence < limit || peers[rank].left) continue;
    return "Rank " + std::to_string(rank) + " has not been heard of for " +
           std::to_string(std::chrono::duration_cast<seconds>(silence).count()) +
           " s: it was killed or stopped, or its machine cannot be reached";
  }
  return std::nullopt;
}

// With the mutex held.
std::optional<std::string> Pulse::State::Missing() const {
  for (size_t rank = 0; rank < peers.size(); ++rank) {
    if (peers[rank].left) return "Rank " + std::to_string(rank) + " has left the group";
  }
  return Silent(kSilent);
}

// With the mutex held.
std::optional<std::string> Pulse::State::Behind() const {
  const auto own = peers[static_cast<size_t>(place.rank)].begun;
  for (size_t rank = 0; rank < peers.size(); ++rank) {
    if (peers[rank].begun >= own) continue;
    return "Rank " + std::to_string(rank) + " did not come to collective " + std::to_string(own) +
           " (it has begun " + std::to_string(peers[rank].begun) + ")";
  }
  return std::nullopt;
}

// With the mutex held.
std::string Pulse::State::Blame(const std::string& error) const {
  if (const auto missing = Missing()) return *missing;
  if (Clock::now() - heard > kSilent)
    return "The store at " + place.store + " does not answer, and neither do other ranks: " + error;
  if (const auto behind = Behind()) return *behind + ": " + error;
  return "A collective failed: " + error;
}

Pulse::Pulse(c10::intrusive_ptr<c10d::Store> store, const Place& place, Progress progress,
             Fail fail)
    : state_(
          std::make_shared<State>(std::move(store), place, std::move(progress), std::move(fail))) {
  state_->thread = std::thread([state = state_] { state->Run(); });
}

Pulse::~Pulse() { Stop(); }

void Pulse::Stop() {
  std::unique_lock lock(state_->mutex);
  if (!state_->thread.joinable()) return;
  auto thread = std::move(state_->thread);
  state_->stopping = true;
  state_->changed.notify_all();
  const bool ended = state_->changed.wait_for(lock, kStopping, [&] { return state_->ended; });
  lock.unlock();
  if (ended) {
    thread.join();
  } else {
    thread.detach();
  }
}

std::string Pulse::Explain(const std::string& error) {
  std::string why;
  {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait_for(lock, kExplaining, [&] {
      return state_->Missing() || !state_->concluded.empty() || state_->stopping;
    });
    if (!state_->concluded.empty()) return state_->concluded;
    why = state_->Blame(error);
  }
  Tell(why);
  const std::lock_guard lock(state_->mutex);
  return state_->concluded.empty() ? why : state_->concluded;
}

void Pulse::Tell(const std::string& why) {
  std::unique_lock lock(state_->mutex);
  if (state_->ended) return;
  state_->telling = why;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, kStopping, [&] { return state_->ended; });
}

}  // namespace torchgraft
