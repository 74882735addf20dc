import { findBreaches } from '../../scripts/check-wall.mjs'
import { ROOT } from '../helpers/processes/child.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'
import { lay } from '../helpers/set-up.js'

describe('the wall between the C++ rooms', () => {
  test('stands', () => {
    expect(findBreaches(ROOT)).toEqual([])
  })

  test('is seen when it is broken, by file and line', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, {
      'native/torch/a.cc': '#include <vector>\n#include <napi.h>\n',
      'native/torch/session/session.h': '#include <torch/types.h>\n',
      'native/torch/kernels/kernels.cmake': 'torchgraft_kernel(e TYPE E LEVELS avx2\n  HEADER e/e.h BODY e/e_body.h)\n',
      'native/torch/kernels/e/e_body.h': '#include "torch/kernels/e/part.h"\n#include "torch/ops/strided_grid.h"\n',
      'native/torch/kernels/e/part.h': '#include <immintrin.h>\n#include "torch/kernels/e/e_body.h"\n#include <algorithm>\n',
      'native/torch/kernels/e/other.h': '#include <algorithm>\n',
      'native/torch/kernels/f.cc': '#include <algorithm>\n#include <napi.h>\n',
      'native/node/b.h': '# include <ATen/ATen.h>\n#include "torch/session/session.h"\n',
      'native/loader/c.cc': '',
      'native/images/g.cc': '',
      'native/check/d.cc': '',
    })
    expect(findBreaches(folder.path)).toEqual([
      'native/torch/a.cc:2: includes Node-API',
      'native/torch/kernels/f.cc:2: includes Node-API',
      'native/node/b.h:1: includes libtorch',
      'native/torch/session/session.h:1: is seen by native/node, and includes libtorch',
      'native/torch/kernels/e/e_body.h:2: is compiled for some processors, and includes what others share',
      'native/torch/kernels/e/part.h:3: is compiled for some processors, and includes what others share',
    ])
  })
})
