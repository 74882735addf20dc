#include "check/cuda/cubin_usage.h"

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace torchgraft {

namespace {

// Of .nv.info: an attribute, in words that NVIDIA's cuobjdump -elf shows.
struct Attribute {
  uint8_t format;
  uint8_t name;
  uint16_t bytes;  // of the value that follows, if the format says so
};
constexpr uint8_t kWithBytes = 4;
constexpr uint8_t kFrameSize = 0x11;
constexpr uint8_t kRegisterCount = 0x2f;

// The value of both.
struct OfSymbol {
  uint32_t symbol;
  uint32_t number;
};

template <typename T>
T Read(std::string_view bytes, size_t offset) {
  if (offset + sizeof(T) > bytes.size()) throw std::runtime_error("The CUBIN is cut short");
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

// An ELF file of 64 bits, as <elf.h> has it where there is one.
class Elf {
 public:
  explicit Elf(std::string_view bytes)
      : bytes_(bytes),
        sections_(Read<uint64_t>(bytes, 40)),
        count_(Read<uint16_t>(bytes, 60)),
        names_(Bytes(Read<uint16_t>(bytes, 62))) {}

  std::string_view Section(std::string_view name) const {
    for (unsigned i = 0; i < count_; ++i)
      if (name == names_.data() + Read<uint32_t>(bytes_, HeaderOf(i))) return Bytes(i);
    throw std::runtime_error("The CUBIN has no " + std::string(name));
  }

  std::string NameOf(uint32_t symbol) const {
    constexpr size_t kSymbolBytes = 24;
    const auto name = Read<uint32_t>(Section(".symtab"), symbol * kSymbolBytes);
    return Section(".strtab").data() + name;
  }

 private:
  size_t HeaderOf(unsigned section) const { return sections_ + section * 64; }
  std::string_view Bytes(unsigned section) const {
    return bytes_.substr(Read<uint64_t>(bytes_, HeaderOf(section) + 24),
                         Read<uint64_t>(bytes_, HeaderOf(section) + 32));
  }

  std::string_view bytes_;
  uint64_t sections_;  // where their headers begin
  unsigned count_;
  std::string_view names_;
};

}  // namespace

std::map<std::string, KernelUsage> UsageOf(const std::string& cubin) {
  const Elf elf(cubin);
  const auto info = elf.Section(".nv.info");
  std::map<std::string, KernelUsage> usage;
  for (size_t at = 0; at + sizeof(Attribute) <= info.size();) {
    const auto attribute = Read<Attribute>(info, at);
    at += sizeof(Attribute);
    if (attribute.format != kWithBytes) continue;
    if (attribute.name == kRegisterCount || attribute.name == kFrameSize) {
      const auto value = Read<OfSymbol>(info, at);
      auto& kernel = usage[elf.NameOf(value.symbol)];
      (attribute.name == kFrameSize ? kernel.stack_bytes : kernel.registers) = value.number;
    }
    at += attribute.bytes;
  }
  // Subroutines of the compiler's own, division and the like, count into those that call them.
  std::erase_if(usage, [](const auto& kernel) { return kernel.first.front() == '$'; });
  return usage;
}

}  // namespace torchgraft
