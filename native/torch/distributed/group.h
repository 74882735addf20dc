#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

// What native/node sees of the distributed room: standard types only.
namespace torchgraft {

// Where a process stands among those that train together, in torch.distributed's words.
struct GroupOptions {
  int rank;
  int world_size;
  std::string master_address;
  int master_port;
  bool serve;            // whether this process hosts the TCPStore that the ranks meet at
  std::string prefix;    // of all keys in the store: one meeting each
  std::string identity;  // what must be equal on all ranks, in words
  double timeout;        // seconds, of joining and of each collective
  std::string backend;   // "gloo" or "nccl": who reduces what lies on a GPU
  std::string device;    // that this rank computes on, as PyTorch names it
};

// What a rank has begun to send by gloo.
struct Traffic {
  uint64_t collectives;
  uint64_t bytes;  // of its tensors; a ring of n ranks sends 2 (n − 1) / n times as many
};

// The processes that train one model together: torch.distributed's default process group.
//
// All members but Abort belong on the engine's thread. Each is a collective: all ranks call the
// same ones in the same order. They throw ERR_DISTRIBUTED with the rank that is to blame, where
// that can be known; after that the group is of no more use.
class Group {
 public:
  explicit Group(GroupOptions options);
  ~Group();

  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  const GroupOptions& options() const;

  // Meets the others and connects to them.
  void Join();

  void Barrier();
  std::vector<uint8_t> Broadcast(std::vector<uint8_t> bytes, int root);
  std::vector<std::vector<uint8_t>> AllGather(std::vector<uint8_t> bytes);
  std::vector<double> AllReduce(std::vector<double> numbers);  // sums over all ranks

  // The normal end: tells the others, and waits for them while this process hosts the store.
  void Leave();

  // From any thread.
  Traffic traffic() const;

  // From any thread: what waits for other ranks throws at once, and the others are told why.
  void Abort(const std::string& reason) noexcept;

  // For the session, which has libtorch's headers.
  struct Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace torchgraft
