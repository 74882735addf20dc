#include "torch/distributed/heartbeat.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "torch/distributed/peers.h"
#include "torch/distributed/store_keys.h"
#include "torch/session/error.h"

namespace torchgraft {

namespace {

using std::chrono::seconds;

constexpr seconds kBeat{1};
// So long Explain looks for one: what a rank tells of itself, or a silence, is known by then.
constexpr seconds kExplaining{5};
// So long the thread is waited for: more than it takes where the store answers.
constexpr seconds kStopping{2};

std::string Text(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

// What the thread and its owner share: the thread may outlive its owner.
struct Heartbeat::State {
  State(c10::intrusive_ptr<c10d::Store> store, const Place& place, Progress progress, Fail fail)
      : store(std::move(store)),
        place(place),
        progress(std::move(progress)),
        fail(std::move(fail)),
        peers(place.rank, place.world_size) {}

  void Run();
  void Beat();
  void Hear();
  void Farewell() noexcept;
  void Conclude(const std::string& why);

  const c10::intrusive_ptr<c10d::Store> store;  // the thread's
  const Place place;
  const Progress progress;
  const Fail fail;
  uint64_t beats = 0;  // the thread's

  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  // All guarded by mutex.
  Peers peers;
  std::string telling;    // of this rank, not written yet
  std::string concluded;  // why the group has failed
  bool stopping = false;
  bool ended = false;
  std::thread thread;
};

// On the heartbeat's thread.
void Heartbeat::State::Run() {
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

void Heartbeat::State::Beat() {
  const auto begun = progress();
  store->set(BeatKey(place.rank), std::to_string(++beats) + " " + std::to_string(begun));
  std::unique_lock lock(mutex);
  if (telling.empty()) return;
  const auto why = std::exchange(telling, "");
  lock.unlock();
  store->compareSet(kFailureKey, "", why);  // the first one stays
}

void Heartbeat::State::Hear() {
  if (store->check({kFailureKey})) return Conclude(Text(store->get(kFailureKey)));
  std::vector<std::string> keys;
  for (int rank = 0; rank < place.world_size; ++rank) keys.push_back(BeatKey(rank));
  const auto found = store->multiGet(keys);
  std::unique_lock lock(mutex);
  for (size_t rank = 0; rank < found.size(); ++rank) peers.Hear(rank, Text(found[rank]));
  changed.notify_all();
  const auto silent = peers.Silent(place.timeout);
  if (!silent) return;
  lock.unlock();
  store->compareSet(kFailureKey, "", *silent);
  Conclude(*silent);
}

void Heartbeat::State::Farewell() noexcept {
  try {
    store->set(BeatKey(place.rank), std::string(kLeft) + " " + std::to_string(progress()));
  } catch (...) {
    // Who hosts the store has left already.
  }
}

void Heartbeat::State::Conclude(const std::string& why) {
  {
    const std::lock_guard lock(mutex);
    if (!concluded.empty()) return;
    concluded = why;
    changed.notify_all();
  }
  fail(why);
}

Heartbeat::Heartbeat(c10::intrusive_ptr<c10d::Store> store, const Place& place, Progress progress,
                     Fail fail)
    : state_(
          std::make_shared<State>(std::move(store), place, std::move(progress), std::move(fail))) {
  state_->thread = std::thread([state = state_] { state->Run(); });
}

Heartbeat::~Heartbeat() { Stop(); }

void Heartbeat::Stop() {
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

std::string Heartbeat::Explain(const std::string& error) {
  std::string why;
  {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait_for(lock, kExplaining, [&] {
      return state_->peers.Missing() || !state_->concluded.empty() || state_->stopping;
    });
    if (!state_->concluded.empty()) return state_->concluded;
    why = state_->peers.Blame(error, state_->place.store);
  }
  ReportFailure(why);
  const std::lock_guard lock(state_->mutex);
  return state_->concluded.empty() ? why : state_->concluded;
}

void Heartbeat::ReportFailure(const std::string& why) {
  std::unique_lock lock(state_->mutex);
  if (state_->ended) return;
  state_->telling = why;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, kStopping, [&] { return state_->ended; });
}

}  // namespace torchgraft
