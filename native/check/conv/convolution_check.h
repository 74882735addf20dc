#pragma once

namespace torchgraft {

// Our convolutions of many shapes against libtorch's in double, beside how far libtorch's own in
// the same type are from it; as JSON.
void CheckConvolutions();

}  // namespace torchgraft
