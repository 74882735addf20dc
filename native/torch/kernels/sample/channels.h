#pragma once

namespace torchgraft {

namespace {

constexpr int kChannels = 3;

}  // namespace

}  // namespace torchgraft
