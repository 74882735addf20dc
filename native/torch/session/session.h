#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "torch/cuda/driver/kernel_cache.h"
#include "torch/distributed/group.h"
#include "torch/models/graph.h"
#include "torch/optim/options.h"
#include "torch/session/batch.h"

// The interface between native/node and libtorch: standard types only.
namespace torchgraft {

enum class Precision { kFp32, kBf16, kFp16 };

struct SessionOptions {
  std::string model;
  int64_t classes;
  std::string device;
  Precision precision;
  bool channels_last;  // NHWC, else NCHW
  int64_t threads;
  uint64_t seed;
  OptimizerOptions optimizer;
  GradScalerOptions scaler;
  double clip_norm;               // of all gradients together; 0: none
  std::vector<int32_t> group_of;  // one a parameter, in state_dict order; −1: frozen
  double label_smoothing;
  std::vector<float> class_weights;  // one a class, or none
  bool freeze_batch_norm;
  bool plain_kernels;    // nothing of ours in libtorch's place
  bool score_in_fp32;    // whatever the precision of training
  bool cudnn_benchmark;  // cuDNN times its algorithms at the first batch of a shape
  // A GPU's kernels that are compiled already; takes in those that the session compiles.
  std::shared_ptr<KernelCache> kernels;
  std::shared_ptr<Group> group;  // the processes that train this model together; null: this alone
  bool sync_batch_norm;          // batch norm by the statistics of all ranks' images
};

// A named part of a model's or an optimizer's state.
struct StateEntry {
  std::string name;
  bool is_int64;  // else float32
  std::vector<int64_t> shape;
};

// A model without its weights.
struct ModelDescription {
  struct Tensor {
    StateEntry entry;
    TensorUse use;
  };

  std::vector<Tensor> tensors;  // in state_dict order
  Graph graph;
};

enum class StatePart { kModel, kTraining };

// Sums since the last read. `skipped` counts the steps that the scaler passed over, and is known
// one step late; `scale` is the one that the last step was taken with.
struct TrainSums {
  int64_t steps = 0;
  int64_t images = 0;
  double loss = 0;  // Σ mean loss × images
  int64_t correct = 0;
  double scale = 1;
  int64_t skipped = 0;
};

struct EvalResult {
  double loss;
  double correct;
  std::vector<float> logits;
};

// Costs no memory for weights. Throws ERR_MODEL_UNKNOWN.
ModelDescription DescribeModel(const std::string& model, int64_t classes);

// A model, its optimizer and the precision they work in. Every call belongs on one and the same
// thread, the engine's.
class Session {
 public:
  explicit Session(const SessionOptions& options);
  ~Session();

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int64_t num_parameters() const;
  std::vector<StateEntry> Layout(StatePart part) const;

  // autocast → loss → scaled backward → clipping → optimizer → scaler, in one. The sums stay on the
  // device until they are read. In a group the batch is this rank's share, which may have no
  // images, and the sums are the whole group's.
  TrainSums TrainStep(const Batch& batch, double lr, bool read);
  EvalResult EvalStep(const Batch& batch);

  // Where the pixels of this session's batches are best written; none: anywhere. May be used on any
  // thread, and longer than the session.
  AllocateBytes PixelMemory() const;

  // Bytes of a CUDA device's memory that nobody has taken, for pixels that stay there between steps
  // (Images::places); 0 where there is no kernel to read them, and on the CPU.
  int64_t FreeMemory() const;

  // Gives back the memory of pixels that came to stay.
  void ClearPixels();

  // Why a CUDA device computes slower than it could, in words: kernels that could not be compiled,
  // steps that could not be recorded. Steps may add to it.
  std::vector<std::string> DeviceNotes() const;

  // Entries packed one after another as Layout() orders them, row-major. Throws
  // ERR_STATE_DICT_MISMATCH for another length. Those that `written` has a 0 for stay as they are.
  // In a group, writing gives all ranks rank 0's state.
  void ReadState(StatePart part, uint8_t* into, size_t bytes) const;
  void WriteState(StatePart part, const uint8_t* from, size_t bytes,
                  const std::vector<uint8_t>& written);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace torchgraft
