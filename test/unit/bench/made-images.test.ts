import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { makeImages, whyNoRoom } from '../../../bench/harness/made-images.mjs'

test('made images can be decoded, and no two are alike', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'torchgraft-test-'))
  try {
    const bytes = await makeImages(folder, 250)
    const files = await Promise.all(Array.from({ length: 250 }, (_, i) => readFile(join(folder, `class-${i % 100}`, `${i}.jpg`))))
    expect(new Set(files.map((file) => createHash('sha256').update(file).digest('hex'))).size).toBe(250)
    expect(files.every(({ length }) => Math.abs(length - bytes) < 100)).toBe(true)
    const { data, info } = await sharp(files[249]).raw().toBuffer({ resolveWithObject: true })
    expect([info.width, info.height]).toEqual([16, 16])
    expect(Math.abs(data[0]! - ((49 * 37) % 256))).toBeLessThan(8)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('a folder without room for so many is not filled', async () => {
  expect(await whyNoRoom(tmpdir(), 1)).toBeUndefined()
  expect(await whyNoRoom(tmpdir(), 1e13)).toContain('room')
})
