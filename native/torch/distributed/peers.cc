#include "torch/distributed/peers.h"

#include <utility>

#include "torch/distributed/store_keys.h"

namespace torchgraft {

namespace {

using std::chrono::seconds;

// So long a rank may be silent before it is taken for the one that a failed collective lacks.
constexpr seconds kSilent{3};

std::string Rank(size_t rank) { return "Rank " + std::to_string(rank); }

}  // namespace

void Peers::Hear(size_t rank, std::string beat) {
  heard_ = Clock::now();
  auto& peer = peers_[rank];
  if (beat == peer.beat) return;
  peer.begun = std::stoull(beat.substr(beat.find(' ') + 1));
  peer.left = beat.rfind(kLeft, 0) == 0;
  peer.beat = std::move(beat);
  peer.changed = heard_;
}

std::optional<std::string> Peers::Silent(Clock::duration limit) const {
  for (size_t rank = 0; rank < peers_.size(); ++rank) {
    const auto silence = heard_ - peers_[rank].changed;
    if (rank == own_rank_ || silence < limit || peers_[rank].left) continue;
    return Rank(rank) + " has not been heard of for " +
           std::to_string(std::chrono::duration_cast<seconds>(silence).count()) +
           " s: it was killed or stopped, or its machine cannot be reached";
  }
  return std::nullopt;
}

std::optional<std::string> Peers::Missing() const {
  for (size_t rank = 0; rank < peers_.size(); ++rank) {
    if (peers_[rank].left) return Rank(rank) + " has left the group";
  }
  return Silent(kSilent);
}

std::optional<std::string> Peers::Behind() const {
  const auto own = peers_[own_rank_].begun;
  for (size_t rank = 0; rank < peers_.size(); ++rank) {
    if (peers_[rank].begun >= own) continue;
    return Rank(rank) + " did not come to collective " + std::to_string(own) + " (it has begun " +
           std::to_string(peers_[rank].begun) + ")";
  }
  return std::nullopt;
}

std::string Peers::Blame(const std::string& error, const std::string& store) const {
  if (const auto missing = Missing()) return *missing;
  if (Clock::now() - heard_ > kSilent)
    return "The store at " + store + " does not answer, and neither do other ranks: " + error;
  if (const auto behind = Behind()) return *behind + ": " + error;
  return "A collective failed: " + error;
}

}  // namespace torchgraft
