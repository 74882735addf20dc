import { findPython, runPython } from '../helpers/processes/python.js'
import { skip } from '../helpers/skip.js'

const python = findPython()

/** What a torchvision that fits its torch has defined before anyone else can. */
const DEFINED = `
import json
import torch
theirs = torch.library.Library("torchvision", "DEF")
for name in ("nms", "roi_align")[:COUNT]:
    theirs.define(name + "(Tensor theirs) -> Tensor")
from generator.torchvision_without_cuda import torchvision
schemas = [str(getattr(torch.ops.torchvision, name).default._schema) for name in ("nms", "roi_align")]
print(json.dumps({"theirs": ["Tensor theirs" in schema for schema in schemas], "outputs": torchvision.models.regnet_y_400mf(num_classes=3).fc.out_features}))
`

if (!python) skip('torchvision’s operators', 'no Python with torch, torchvision, safetensors and numpy: name one as TORCHGRAFT_PYTHON')
else test.each([[1, [true, false]], [2, [true, true]]])('torchvision’s own operators stay where it has them, and those that are missing are defined, with %i there', async (count, theirs) => {
  expect(await runPython(python, '-c', DEFINED.replace('COUNT', String(count)))).toEqual({ theirs, outputs: 3 })
}, 60_000)
