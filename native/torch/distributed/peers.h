#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace torchgraft {

// What a rank has heard of the others, and who is to blame where a collective fails.
class Peers {
 public:
  using Clock = std::chrono::steady_clock;

  Peers(int own_rank, int world_size)
      : own_rank_(static_cast<size_t>(own_rank)), peers_(static_cast<size_t>(world_size)) {}

  // A rank's beat, as BeatKey tells it: the last one again, or a new one.
  void Hear(size_t rank, std::string beat);

  // The rank that has been silent for so long, in words.
  std::optional<std::string> Silent(Clock::duration limit) const;

  // The rank that a failed collective lacks, in words: one that has left, or has been silent for
  // longer than it may.
  std::optional<std::string> Missing() const;

  // Why a collective failed with `error`, in words. `store`: where it is.
  std::string Blame(const std::string& error, const std::string& store) const;

 private:
  struct Peer {
    std::string beat;
    uint64_t begun = 0;  // collectives
    bool left = false;
    Clock::time_point changed = Clock::now();
  };

  std::optional<std::string> Behind() const;

  size_t own_rank_;
  std::vector<Peer> peers_;
  Clock::time_point heard_ = Clock::now();  // of the store
};

}  // namespace torchgraft
