#include "check/conv/tuning_csv.h"

#include <algorithm>
#include <fstream>
#include <map>

#include "check/milliseconds.h"

namespace torchgraft {

std::string ProcessorName() {
  std::map<std::string, std::string> fields;
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || colon + 2 > line.size()) continue;
    fields[line.substr(0, line.find_last_not_of("\t ", colon - 1) + 1)] = line.substr(colon + 2);
  }
  std::string name =
      fields["model name"] + " (family " + fields["cpu family"] + " model " + fields["model"] + ")";
  std::erase(name, ',');
  return name;
}

std::vector<double> FewestMilliseconds(const std::vector<std::function<void()>>& works, int times,
                                       const std::function<void()>& before) {
  std::vector<double> fewest(works.size());
  for (int i = 0; i < times; ++i) {
    for (size_t w = 0; w < works.size(); ++w) {
      if (!works[w]) continue;
      before();
      const double taken = Milliseconds(works[w]);
      fewest[w] = i == 0 ? taken : std::min(fewest[w], taken);
    }
  }
  return fewest;
}

const char* TypeName(at::ScalarType type) { return type == at::kFloat ? "fp32" : "bf16"; }

}  // namespace torchgraft
