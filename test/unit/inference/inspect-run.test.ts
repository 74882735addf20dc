import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspectFile } from '../../../src/inference/inspect.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

test('a run’s folder is inspected while the run writes and renames its temporary files', async () => {
  await using folder = await temporaryFolder()
  const at = (name: string): string => join(folder.path, name)
  await writeFile(at('config.json'), JSON.stringify({ formatVersion: 1, torchgraft: '0.1.0', data: '.', options: { model: 'regnet_y_400mf' } }))
  let over = false
  const running = (async () => {
    while (!over) await Promise.all(['.0123456789ab.tmp', '.ba9876543210.tmp'].map(async (name) => (await writeFile(at(name), 'half'), rm(at(name)))))
  })()
  try {
    for (let i = 0; i < 300; i++) {
      const { files = [] } = await inspectFile(folder.path)
      expect(files).toContainEqual({ name: 'config.json', bytes: expect.any(Number) })
    }
  } finally {
    over = true
    await running
  }
})
