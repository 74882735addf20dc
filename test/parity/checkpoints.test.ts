import { join } from 'node:path'
import { readTorchCheckpoint } from '../../src/runs/torch-checkpoint.js'
import { TorchgraftError } from '../../src/errors.js'
import { findPython, runPython } from '../helpers/processes/python.js'
import { skip } from '../helpers/skip.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

const python = findPython()
/** PyTorch writes these and cannot read them back, by whatever way. Nothing is wrong with them. */
const TAKEN_HERE_ALONE = new Set(['newer kinds of numbers, in the old format', 'a storage, in the old format'])

if (!python) skip('checkpoints as people save them', 'no Python with torch, torchvision, safetensors and numpy: name one as TORCHGRAFT_PYTHON')
else test('what torch.load(weights_only=True) takes of checkpoints is taken, and what it refuses is refused', async () => {
  await using folder = await temporaryFolder()
  const files = (await runPython(python, 'checkpoints.py', folder.path)) as Record<string, { readonly name: string; readonly taken: boolean }>
  const differing: string[] = []
  for (const [file, { name, taken }] of Object.entries(files)) {
    try {
      const { model } = await readTorchCheckpoint(join(folder.path, file))
      expect([...model.keys()]).toContain('1.running_var')
      if (!taken && !TAKEN_HERE_ALONE.has(name)) differing.push(`taken: ${name}`)
    } catch (error) {
      if (!(error instanceof TorchgraftError)) throw error
      if (taken) differing.push(`refused: ${name}: ${error.message}`)
    }
  }
  expect(differing).toEqual([])
  expect(Object.values(files).filter(({ taken }) => taken).length).toBeGreaterThan(100)
}, 180_000)
