import { spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DataLoader } from '../../../src/loader/data-loader.js'
import { decodeImage } from '../../../src/images/decode.js'
import type { ResizeRule } from '../../../src/images/resize-rule.js'
import { ImageFolder } from '../../../src/datasets/image-folder.js'
import { evalTransform } from '../../../src/augment/transforms.js'
import { ROOT } from '../../helpers/processes/child.js'
import { collect, oneImage } from '../../helpers/loader.js'
import { colourOf, type OddImage, layOddImages, ODD_IMAGES } from '../../helpers/images/odd-images.js'
import { skip } from '../../helpers/skip.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const SIZE = 32
const RULE: ResizeRule = { shorterSide: SIZE, crop: SIZE, antialias: true, pad: null, orient: true, profile: true }

let root = ''
let folder: ImageFolder
let loaded: Map<string, number[]>
let loader: DataLoader
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'torchgraft-odd-'))
  await layOddImages(root)
  folder = await ImageFolder.open(root)
  loader = new DataLoader(folder, { batchSize: 5, size: SIZE, transform: evalTransform({ resize: 1 }) })
  loaded = new Map()
  for (const { indices, images, size, labels } of await collect(loader.epoch(0))) {
    for (let i = 0; i < size; i++) {
      expect(labels?.[i]).toBe(folder.items[indices[i]!]!.label)
      const at = (i * SIZE + 16) * SIZE * 3 // each is SIZE × SIZE here
      loaded.set(folder.name(indices[i]!), [...images.pixels.subarray(at, at + 3)])
    }
  }
}, 120_000)
afterAll(() => rm(root, { recursive: true, force: true }))

const pathOf = ({ name }: OddImage): string => `a/${String(name)}${name === 'folder.png' ? '/inner.png' : ''}`
const told = (path: string): string[] =>
  [...folder.skipped, ...loader.skipped].filter((file) => file.path === path).map(({ message }) => message)
const read = ODD_IMAGES.filter(({ reason, unlisted }) => !reason && !unlisted)
const bad = ODD_IMAGES.filter(({ reason }) => reason)

describe('in a folder of odd images', () => {
  test('there are enough of them', () => {
    expect(bad.length).toBeGreaterThanOrEqual(25)
  })

  test.each(read.map((odd) => [odd.what, odd] as const))('%s is read, as itself', (_, odd) => {
    const [red, green, blue] = loaded.get(pathOf(odd)) ?? []
    const own = colourOf(ODD_IMAGES.indexOf(odd))
    const off = Math.max(...own.map((channel, i) => Math.abs(channel - [red, green, blue][i]!)))
    expect(off).toBeLessThanOrEqual(odd.tolerance ?? 3)
    expect(told(pathOf(odd))).toEqual([])
  })

  test.each(bad.map((odd) => [odd.what, odd] as const))('%s is left out once, with its reason, and nothing is in its place', (_, odd) => {
    const messages = told(pathOf(odd))
    expect(messages).toEqual([expect.stringMatching(odd.reason!)])
    expect(messages[0]).not.toContain('\n')
    expect(loaded.has(pathOf(odd))).toBe(false)
  })

  test('nothing else is told of, and nothing is lost: each file is read, or left out, or none by its name', () => {
    const expected = new Set(ODD_IMAGES.filter(({ unlisted }) => !unlisted).map(pathOf))
    for (const path of [...loaded.keys(), ...[...folder.skipped, ...loader.skipped].map((file) => file.path)]) {
      if (path.startsWith('a/')) expect(expected.delete(path)).toBe(true)
    }
    expect([...expected]).toEqual([])
  })

  test('strict, the first broken image rejects by name', async () => {
    const strict = new DataLoader(folder, { batchSize: 5, size: SIZE, transform: evalTransform({ resize: 1 }), strict: true })
    await expect(collect(strict.epoch(0))).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_IMAGE_/), path: expect.stringContaining(root) })
  })
})

test.each(['/dev/zero', '/dev/full', '/dev/stdin', '/proc/self/mem', '/'])('%s as an image is refused, and never waited for', async (path) => {
  await expect(decodeImage(path, RULE)).rejects.toMatchObject({ code: 'ERR_IMAGE_DECODE', message: expect.stringContaining('cannot be read: it is') })
})

test('an image that goes between listing and reading is told of', async () => {
  await using place = await temporaryFolder()
  for (const label of ['a', 'b']) await mkdir(join(place.path, label))
  for (const name of ['a/1.png', 'a/2.png', 'b/1.png']) await writeFile(join(place.path, name), await oneImage({ r: name.length, g: Number(name[2]), b: name.charCodeAt(0) }))
  const images = await ImageFolder.open(place.path)
  await rm(join(place.path, 'a/2.png'))
  await symlink('/dev/zero', join(place.path, 'a/2.png')) // and becomes what would be read without end
  const each = new DataLoader(images, { batchSize: 4, size: 8, transform: evalTransform({ resize: 1 }) })
  expect((await collect(each.epoch(0)))[0]?.indices).toEqual(Int32Array.of(0, 2))
  expect(each.skipped).toMatchObject([{ index: 1, path: 'a/2.png', message: expect.stringContaining('it is not a file') }])
})

describe('what another user may not read', () => {
  const NOBODY = 65_534
  const CODE = `
    import { ImageFolder } from '${join(ROOT, 'dist/datasets/image-folder.js')}'
    import { decodeImage } from '${join(ROOT, 'dist/images/decode.js')}'
    const folder = await ImageFolder.open(process.argv[1])
    const error = await decodeImage(process.argv[1] + '/b/closed.png', ${JSON.stringify(RULE)}).catch((reason) => reason)
    console.log(JSON.stringify([folder.items.map(({ path }) => path), folder.skipped, error.code, error.message]))
  `
  const title = 'is left out with its reason: a file, and a folder'
  const asNobody = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  const canRun = spawnSync(process.execPath, ['--input-type=module', '--eval', `await import('${join(ROOT, 'dist/images/decode.js')}')`], { ...asNobody, cwd: '/' }).status === 0
  if (!canRun) skip(title, 'another user cannot run Node or read this folder here')
  else test(title, async () => {
    await using place = await temporaryFolder()
    const { path } = place
    await chmod(path, 0o755)
    for (const label of ['a', 'b', 'b/shut']) await mkdir(join(path, label))
    for (const name of ['a/1.png', 'b/1.png', 'b/closed.png', 'b/shut/1.png']) await writeFile(join(path, name), await oneImage({ r: name.length, g: 1, b: 1 }))
    for (const name of ['b/closed.png', 'b/shut']) await chmod(join(path, name), 0)
    if (asNobody.uid !== undefined) await chown(path, asNobody.uid, NOBODY)
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', CODE, '--', path], { ...asNobody, cwd: '/', encoding: 'utf8' })
    const [items, skipped, code, message] = JSON.parse(stdout) as [string[], unknown[], string, string]
    expect(items).toEqual(['a/1.png', 'b/1.png'])
    expect(skipped).toEqual([
      { path: 'b/shut', code: 'ERR_IMAGE_DECODE', message: 'the folder cannot be listed: you may not read it' },
      { path: 'b/closed.png', code: 'ERR_IMAGE_DECODE', message: 'you may not read it' },
    ])
    expect([code, message]).toEqual(['ERR_IMAGE_DECODE', `${join(path, 'b/closed.png')} cannot be read: you may not read it`])
    await chmod(join(path, 'b/shut'), 0o755)
  })
})
