#include "check/threads_check.h"

#include <cstdio>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "torch/ops/row_split.h"

namespace torchgraft {

namespace {

// What one call of a shared-out function saw.
struct Part {
  int64_t end;
  std::thread::id thread;
  int number;         // at::get_thread_num
  bool in_parallel;   // at::in_parallel_region
  size_t of_threads;  // that a call within it uses
};

std::set<std::thread::id> ThreadsOf(int64_t rows) {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  RowSplit(rows).Each([&](int64_t, int64_t, int64_t) {
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  return threads;
}

std::string ErrorOf(int64_t count, int64_t grain) {
  try {
    ParallelFor(count, grain, [&](int64_t, int64_t end) {
      if (end == count) throw std::runtime_error("the last rows");
    });
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

void CheckThreads(const std::vector<std::string>& arguments) {
  at::set_num_threads(std::stoi(arguments.at(0)));
  const int64_t count = std::stol(arguments.at(1));
  const int64_t grain = std::stol(arguments.at(2));
  std::mutex mutex;
  std::map<int64_t, Part> parts;
  ParallelFor(count, grain, [&](int64_t begin, int64_t end) {
    const Part part{end, std::this_thread::get_id(), at::get_thread_num(), at::in_parallel_region(),
                    ThreadsOf(count).size()};
    const std::lock_guard lock(mutex);
    parts.emplace(begin, part);
  });
  std::set<std::thread::id> threads;
  std::printf("{\"parts\":[");
  for (const auto& [begin, part] : parts) {
    threads.insert(part.thread);
    std::printf("%s{\"begin\":%ld,\"end\":%ld,\"number\":%d,\"inParallel\":%s,\"within\":%zu}",
                begin == 0 ? "" : ",", static_cast<long>(begin), static_cast<long>(part.end),
                part.number, part.in_parallel ? "true" : "false", part.of_threads);
  }
  std::printf("],\"threads\":%zu,\"ofRows\":%zu,\"inParallelAfter\":%s,\"error\":\"%s\"}\n",
              threads.size(), ThreadsOf(count).size(), at::in_parallel_region() ? "true" : "false",
              ErrorOf(count, grain).c_str());
}

}  // namespace torchgraft
