import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashFiles } from '../../../src/datasets/content-hash.js'

describe('hashing a folder’s files', () => {
  let folder = ''
  beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'torchgraft-hash-')) })
  afterAll(() => rm(folder, { recursive: true }))

  const write = async (name: string, size: number): Promise<{ readonly path: string; readonly hash: string }> => {
    const bytes = Buffer.alloc(size, name)
    await writeFile(join(folder, name), bytes)
    return { path: join(folder, name), hash: createHash('sha256').update(bytes).digest('hex').slice(0, 32) }
  }

  test('gives the first half of each SHA-256, in their order, whatever their sizes', async () => {
    const sizes = [0, 1, 65_535, 65_536, 65_537, 262_143, 262_144, 262_145, 1_000_000, ...Array.from({ length: 300 }, (_, i) => i * 31)]
    const files = await Promise.all(sizes.map((size, i) => write(`${i}.jpg`, size)))
    expect(await hashFiles(files.map(({ path }) => path))).toEqual({ hashes: files.map(({ hash }) => hash), failed: [] })
  })

  test('what cannot be read is told of, and the others keep their places', async () => {
    const [a, b] = [await write('a.jpg', 10), await write('b.jpg', 300_000)]
    await mkdir(join(folder, 'c.jpg'))
    const { hashes, failed } = await hashFiles([join(folder, 'gone.jpg'), a.path, join(folder, 'c.jpg'), b.path])
    expect(hashes).toEqual([undefined, a.hash, undefined, b.hash])
    expect(failed.map(({ message }) => message)).toEqual(['it is gone', 'not a file'])
  })

  test('rejects with the signal’s reason', async () => {
    const { path } = await write('d.jpg', 5)
    await expect(hashFiles(Array.from({ length: 5000 }, () => path), AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })
})
