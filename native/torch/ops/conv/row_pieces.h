#pragma once

#include <algorithm>
#include <cstdint>

#include "torch/kernels/conv3x3_grouped/grouped_conv.h"

namespace torchgraft {

// Of GroupedConvWorkspace.
using WorkspaceSize = int64_t (*)(const GroupedConv& conv, int64_t rows);

// The images' rows of outputs, cut so that what is packed of each piece fits the cache; pieces of
// whole images where several fit.
struct Pieces {
  int64_t images;
  int64_t rows;         // of an image
  int64_t of_image;     // pieces
  int64_t together;     // images in a piece, at most
  int64_t count;        // in all images
  int64_t most_packed;  // elements

  // `least` pieces, where there are so many rows.
  Pieces(const GroupedConv& conv, int64_t images, int64_t element_size,
         const GroupedConvWorkspace& workspace, WorkspaceSize size, int64_t least)
      : images(images),
        rows(conv.out_height),
        of_image(std::min((least + images - 1) / std::max<int64_t>(images, 1), rows)),
        together(1) {
    const auto fits = [&](int64_t some) {
      return size(conv, some) * element_size <= workspace.cache_budget;
    };
    const auto longest = [&] { return (rows + of_image - 1) / of_image; };
    while (longest() > 1 && !fits(longest())) ++of_image;
    if (workspace.many_images && of_image == 1)
      while (together * least < images && fits(rows * (together + 1))) ++together;
    count = (images + together - 1) / together * of_image;
    most_packed = size(conv, together > 1 ? rows * together : longest());
  }

  // Calls function(piece, image, first row, end) for those from `begin` to before `end`; where
  // one is of several images the rows are all of theirs.
  template <typename Function>
  void Each(int64_t begin, int64_t end, const Function& function) const {
    const int64_t groups = count / of_image;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t k = i % of_image;
      const int64_t group = i / of_image;
      const int64_t first = images * group / groups;
      const int64_t more = images * (group + 1) / groups - first - 1;
      function(i, first, rows * k / of_image, rows * (k + 1) / of_image + more * rows);
    }
  }
};

}  // namespace torchgraft
