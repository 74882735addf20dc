#include "torch/distributed/watched_backend.h"

#include <mutex>
#include <unordered_map>
#include <utility>

#include "torch/session/error.h"

namespace torchgraft {

namespace {

using at::ivalue::Future;

std::exception_ptr Failed(const std::string& reason) {
  return std::make_exception_ptr(CodedError("ERR_DISTRIBUTED", reason));
}

// Gloo's errors begin with the place in its source.
std::string WithoutPlace(const std::string& error) {
  const auto end = error.find("] ");
  return error.rfind('[', 0) == 0 && end != std::string::npos ? error.substr(end + 2) : error;
}

// A collective as its future tells of it; wait() throws, unlike that of c10d::Work's own.
class WatchedWork : public c10d::Work {
 public:
  explicit WatchedWork(c10::intrusive_ptr<Future> future) : future_(std::move(future)) {}

  bool isCompleted() override { return future_->completed(); }
  bool isSuccess() const override { return future_->completed() && !future_->hasError(); }
  std::exception_ptr exception() const override { return future_->exception_ptr(); }
  std::vector<at::Tensor> result() override { return future_->value().toTensorVector(); }
  c10::intrusive_ptr<Future> getFuture() override { return future_; }

  bool wait(std::chrono::milliseconds) override {
    future_->waitAndThrow();
    return true;
  }

 private:
  c10::intrusive_ptr<Future> future_;
};

}  // namespace

// The futures that somebody may wait for, and who ends them: Gloo, or Fail.
struct WatchedBackend::Waits {
  // False: Fail was before.
  bool Add(const c10::intrusive_ptr<Future>& future) {
    const std::lock_guard lock(mutex);
    if (!failure.empty()) return false;
    return futures.emplace(future.get(), future).second;
  }

  bool Take(Future* future) {
    const std::lock_guard lock(mutex);
    return futures.erase(future) > 0;
  }

  void Fail(const std::string& reason) {
    decltype(futures) ended;
    {
      const std::lock_guard lock(mutex);
      if (!failure.empty()) return;
      failure = reason;
      ended.swap(futures);
    }
    for (const auto& [_, future] : ended) future->setError(Failed(reason));
  }

  Explain explain;
  std::mutex mutex;
  std::unordered_map<Future*, c10::intrusive_ptr<Future>> futures;  // guarded by mutex
  std::string failure;                                              // guarded by mutex
};

WatchedBackend::WatchedBackend(c10::intrusive_ptr<c10d::Backend> gloo)
    : Backend(gloo->getRank(), gloo->getSize()),
      gloo_(std::move(gloo)),
      waits_(std::make_shared<Waits>()) {}

void WatchedBackend::SetExplain(Explain explain) { waits_->explain = std::move(explain); }

// Gloo's own destructor waits for its threads. After a failure one of them may still wait for a
// rank that does not come, for as long as the time-out: then Gloo stays until the process ends.
WatchedBackend::~WatchedBackend() {
  const std::lock_guard lock(waits_->mutex);
  if (!waits_->failure.empty()) gloo_.release();
}

c10::intrusive_ptr<c10d::Work> WatchedBackend::Watch(
    const std::vector<at::Tensor>& tensors,
    const std::function<c10::intrusive_ptr<c10d::Work>()>& begin) {
  Check();
  for (const auto& tensor : tensors) bytes_ += tensor.nbytes();
  ++begun_;
  if (!tensors.front().is_cpu()) return begin();  // it orders itself among the GPU's work
  const auto future = c10::make_intrusive<Future>(c10::ListType::create(c10::TensorType::get()));
  if (!waits_->Add(future)) Check();
  const auto inner = begin()->getFuture();
  inner->addCallback([waits = waits_, future](Future& done) {
    if (done.hasError()) {
      waits->Fail(waits->explain(WithoutPlace(done.tryRetrieveErrorMessage())));
    } else if (waits->Take(future.get())) {
      future->markCompleted(done.value());
    }
  });
  return c10::make_intrusive<WatchedWork>(future);
}

c10::intrusive_ptr<c10d::Work> WatchedBackend::broadcast(std::vector<at::Tensor>& tensors,
                                                         const c10d::BroadcastOptions& options) {
  return Watch(tensors, [&] { return gloo_->broadcast(tensors, options); });
}

c10::intrusive_ptr<c10d::Work> WatchedBackend::allreduce(std::vector<at::Tensor>& tensors,
                                                         const c10d::AllreduceOptions& options) {
  return Watch(tensors, [&] { return gloo_->allreduce(tensors, options); });
}

c10::intrusive_ptr<c10d::Work> WatchedBackend::allgather(
    std::vector<std::vector<at::Tensor>>& outputs, std::vector<at::Tensor>& inputs,
    const c10d::AllgatherOptions& options) {
  return Watch(inputs, [&] { return gloo_->allgather(outputs, inputs, options); });
}

void WatchedBackend::Fail(const std::string& reason) { waits_->Fail(reason); }

void WatchedBackend::Check() const {
  const std::lock_guard lock(waits_->mutex);
  if (!waits_->failure.empty()) std::rethrow_exception(Failed(waits_->failure));
}

}  // namespace torchgraft
