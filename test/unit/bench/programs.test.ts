import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeProgram } from '../../../bench/harness/programs.mjs'
import { ROOT } from '../../helpers/processes/child.js'

test('the programs that the bench starts are there', async () => {
  const files = (await readdir(join(ROOT, 'bench'), { recursive: true })).filter((file) => file.endsWith('.mjs'))
  const sources = await Promise.all(files.map((file) => readFile(join(ROOT, 'bench', file), 'utf8')))
  const started = [...sources.join('\n').matchAll(/nodeProgram\(context, '([^']+)'/g)].map(([, file]) => file ?? '')
  expect(started).toContain('torchgraft/worker.mjs')
  expect(started.length).toBeGreaterThanOrEqual(5)
  for (const file of started) {
    const [program = ''] = nodeProgram({ root: ROOT } as Parameters<typeof nodeProgram>[0], file).args
    expect({ file, isThere: existsSync(program) }).toEqual({ file, isThere: true })
  }
})
