import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { NATIVE_ROOMS, placeOf, ROOMS } from '../../rooms.js'
import { findIncludes } from '../../scripts/check-wall.mjs'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'
import { ROOT } from '../helpers/processes/child.js'

interface Found {
  readonly rule: { readonly name: string }
  readonly from: string
  readonly to: string
}

/** What `npm run check:imports` finds in a tree of these files. */
async function check(files: Readonly<Record<string, string>>): Promise<string[]> {
  await using folder = await temporaryFolder()
  await lay(folder.path, { 'tsconfig.json': '{ "compilerOptions": { "module": "nodenext" } }', ...files })
  const cruiser = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs')
  const options = ['src', '--config', join(ROOT, '.dependency-cruiser.js'), '--output-type', 'json']
  const { stdout } = await promisify(execFile)(process.execPath, [cruiser, ...options], { cwd: folder.path, maxBuffer: 2 ** 26 })
  const { summary } = JSON.parse(stdout) as { readonly summary: { readonly violations: readonly Found[] } }
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`).sort()
}

async function lay(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
}

const names = Object.keys(ROOMS)
const named = (may: string): string[] => may.split(' ').filter((room) => room !== '')
const fileOf = (room: string): string => (placeOf(room).endsWith('/') ? `${placeOf(room)}planted.ts` : placeOf(room))

/** A line with which one room's file imports another's. */
function importOf(room: string, from: string, how = 'import'): string {
  const up = '../'.repeat(fileOf(from).split('/').length - 1)
  return `${how} { a as b } from '${up}${fileOf(room).replace(/ts$/, 'js')}'\nexport type B = typeof b\n`
}

test('a room may import the rooms that its row names, which all stand above it', async () => {
  for (const [i, name] of names.entries()) expect(names.slice(0, i)).toEqual(expect.arrayContaining(named(ROOMS[name]!.may)))
  const [session, addon] = [fileOf('session'), fileOf('addon')]
  expect(await check({ [session]: importOf('addon', 'session'), [addon]: 'export const a = 1\n' })).toEqual([])
})

test.each(['import', 'import type'])('an arrow that its row does not name is seen from every room: %s', async (how) => {
  const pairs = names.map((name, i) => [name, names[(i + 1) % names.length]!] as const)
  const next = pairs.filter(([name, other]) => !named(ROOMS[name]!.may).includes(other))
  expect(next).toHaveLength(names.length - 1) // the last may import the first
  const files = Object.fromEntries(names.map((name) => [fileOf(name), 'export const a = 1\n']))
  for (const [name, other] of next) files[fileOf(name)] += importOf(other, name, how)
  const found = await check(files)
  const expected = next.map(([name, other]) => `${name}-arrows: ${fileOf(name)} → ${fileOf(other)}`)
  expect(found.filter((each) => each.includes('-arrows'))).toEqual(expected.sort())
})

/** What is planted, the files of it, and what is to be found. */
const PLANTED: readonly (readonly [what: string, files: Readonly<Record<string, string>>, found: string])[] = [
  ['a circle, by a type', {
    'src/formats/a.ts': "import { b } from './b.js'\nexport const a = b\n",
    'src/formats/b.ts': "import type { a } from './a.js'\nexport const b: typeof a = 1\n",
  }, 'no-circle: src/formats/a.ts → src/formats/b.ts'],
  ['a folder without a row', {
    'src/attic/a.ts': "import { b } from '../text/b.js'\nexport const a = b\n",
    'src/text/b.ts': 'export const b = 1\n',
  }, 'no-room: src/attic/a.ts → src/text/b.ts'],
  ['a script that is not shared', {
    'src/text/c.ts': "export { b } from '../../scripts/b.mjs'\n",
    'scripts/b.mjs': 'export const b = 1\n',
  }, 'text-shares: src/text/c.ts → scripts/b.mjs'],
  ['a package of another room\'s', {
    'src/text/d.ts': "import { b } from 'commander'\nexport const a = b\n",
    'node_modules/commander/package.json': '{ "name": "commander", "main": "index.js" }',
    'node_modules/commander/index.js': 'exports.b = 1\n',
  }, 'text-packages: src/text/d.ts → node_modules/commander/index.js'],
  ['what is imported when it is needed', {
    'src/text/e.ts': "export const a = () => import('../train/b.js')\n",
    'src/train/b.ts': 'export const b = 1\n',
  }, 'text-arrows: src/text/e.ts → src/train/b.ts'],
  ['a file that is not there', { 'src/text/f.ts': "export { b } from './nothing.js'\n" }, 'not-there: src/text/f.ts → ./nothing.js'],
]

test('a circle, a folder without a row and what is not shared are seen', async () => {
  const files = Object.assign({}, ...PLANTED.map(([, each]) => each)) as Record<string, string>
  expect(await check(files)).toEqual(PLANTED.map(([, , found]) => found).sort())
})

test('an include that leads back up in native/torch is seen, by file and line', async () => {
  expect(findIncludes(ROOT)).toEqual([])
  await using folder = await temporaryFolder()
  await lay(folder.path, {
    'native/torch/session/session.h': '#include "torch/session/error.h"\n#include "torch/models/layers.h"\n',
    'native/torch/models/layers.h': '#include "torch/ops/row_split.h"\n\n#include "torch/session/session.h"\n',
    'native/torch/ops/row_split.h': '#include "torch/models/layers.h"\n',
    'native/torch/kernels/vec.h': '#include "torch/ops/row_split.h"\n#include "torch/session/error.h"\n',
    'native/torch/attic/a.h': '#include "torch/kernels/vec.h"\n',
  })
  expect(findIncludes(folder.path).map((breach) => breach.split(': ')[0]).sort()).toEqual([
    'native/torch/attic/a.h:1', 'native/torch/kernels/vec.h:1', 'native/torch/kernels/vec.h:2', 'native/torch/models/layers.h:3', 'native/torch/ops/row_split.h:1',
  ])
})

test('a native room may include of the rooms that its row names, which all stand above it', () => {
  const rooms = Object.keys(NATIVE_ROOMS)
  for (const [i, name] of rooms.entries()) expect(rooms.slice(0, i)).toEqual(expect.arrayContaining(named(NATIVE_ROOMS[name]!.may)))
})
