import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { ROOT, runNode } from '../helpers/processes/child.js'

const VIEWS = 44
const CAMPUS = join(ROOT, 'samples', 'campus')

describe('the sample images', () => {
  test('are at least 8 buildings of at least 40 views, no two alike, at most 5 MB', async () => {
    const classes = await readdir(CAMPUS)
    const hashes = new Set<string>()
    let [count, bytes] = [0, 0]
    for (const name of classes) {
      const files = await readdir(join(CAMPUS, name))
      expect(files).toHaveLength(VIEWS)
      for (const file of files) {
        const content = await readFile(join(CAMPUS, name, file))
        hashes.add(createHash('sha256').update(content).digest('hex'))
        bytes += content.length
        count++
      }
    }
    expect(classes.length).toBeGreaterThanOrEqual(8)
    expect(hashes.size).toBe(count)
    expect(bytes).toBeLessThan(5e6)
  })

  test.each([['rotunda', 2], ['boathouse', 17]])('%s, view %d, is what its generator draws', async (name, view) => {
    // In a process of its own: under jest the renderer would take a minute.
    const code = `const { encodeImage } = await import('./samples/generate.mjs'); process.stdout.write((await encodeImage('${name}', ${view - 1})).toString('base64'))`
    const drawn = Buffer.from((await runNode(['--input-type=module', '--eval', code])).stdout, 'base64')
    const [a, b] = await Promise.all([drawn, join(CAMPUS, name, `${String(view).padStart(2, '0')}.jpg`)].map((source) => sharp(source).raw().toBuffer()))
    expect(a!.length).toBe(b!.length)
    const difference = a!.reduce((sum, value, i) => sum + Math.abs(value - b![i]!), 0) / a!.length
    expect(difference).toBeLessThan(1) // of 255: other versions of the encoder may round otherwise
  })
})
