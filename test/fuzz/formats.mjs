// Feeds mutated files to the readers of model files: what they say must be one of their own errors, soon.
//
//   npm run fuzz -- [--seconds N | --files N] [--seed S]
//
// Of each kind (.pth, its pickle with the archive around it whole, legacy .pth, .safetensors, .onnx) files are made from small
// good ones, by changing, cutting, doubling and moving bytes and whole opcodes, for so long or so many; besides, pickles and
// headers of random shape: wide and deep, with members that are shared and that hold themselves. Prints counts by outcome;
// ends with code 1 where a reader threw anything else, took over a tenth of a second, or kept memory.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadAll } from '../../dist/formats/lazy-tensor.js'
import { pickle, PythonFloat, PythonTuple } from '../../dist/formats/pth/pickle-writer.js'
import { writePth } from '../../dist/formats/pth/pth-writer.js'
import { PthFile } from '../../dist/formats/pth/pth.js'
import { readSafetensors, writeSafetensors } from '../../dist/formats/safetensors.js'
import { inspectFile } from '../../dist/inference/inspect.js'
import { encodeOnnx } from '../../dist/inference/onnx/onnx-file.js'
import { contentsOf } from '../../dist/models/checkpoint-contents.js'
import { random } from '../../dist/random/sfc32.js'
import { parseMetadata } from '../../dist/runs/model-metadata.js'
import { readTorchCheckpoint } from '../../dist/runs/torch-checkpoint.js'
import { HOSTILE_PICKLES } from '../helpers/files/hostile-pickles.mjs'
import { makeZip } from '../helpers/files/make-zip.mjs'

const { values } = parseArgs({ options: { seconds: { type: 'string' }, files: { type: 'string' }, seed: { type: 'string', default: '1' } } })
const seed = Number(values.seed)
const seconds = Number(values.seconds ?? (values.files === undefined ? 10 : Infinity))
const files = Number(values.files ?? Infinity)
/** More than this beyond the start is kept, or grows. */
const MEMORY = 300e6
const SLOW_MS = 100
/** The hostile ones are larger, and made to take as long as they may. */
const SLOW_HOSTILE_MS = 1000
/** What stands for a length, where it is tried. */
const LENGTHS = [0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 64n - 1n]
const CODES = new Set(['ERR_FILE_FORMAT', 'ERR_FILE_CHECKSUM', 'ERR_PICKLE_REFUSED'])
const folder = mkdtempSync(join(tmpdir(), 'torchgraft-fuzz-'))
const next = random(seed)
const below = (count) => Math.floor(next() * count)
const pick = (items) => items[below(items.length)]

const tensor = (shape) => ({ dtype: 'float32', shape, data: new Uint8Array(shape.reduce((a, b) => a * b, 4)).map((_, i) => i) })
const model = new Map([['stem.0.weight', tensor([4, 3, 3, 3])], ['stem.1.bias', tensor([4])], ['stem.1.num_batches_tracked', { dtype: 'int64', shape: [], data: new Uint8Array(8) }]])
const group = new Map([['lr', new PythonFloat(0.001)], ['betas', new PythonTuple([0.9, 0.999])], ['eps', 1e-8], ['weight_decay', new PythonFloat(0)], ['params', [0, 1]]])
const state = new Map([0, 1].map((i) => [i, new Map([['step', tensor([])], ['exp_avg', tensor(i ? [4] : [4, 3, 3, 3])], ['exp_avg_sq', tensor(i ? [4] : [4, 3, 3, 3])]])]))
const checkpoint = new Map([['state_dict', model], ['optimizer', new Map([['state', state], ['param_groups', [group]]])]])

/** Bytes that mean something to these formats. */
const TELLING = [0, 1, 0x7f, 0x80, 0xff, ...Buffer.from('PK.(){}[]tRQbcsuaeqrhjXKMJG')]

function mutate(good) {
  let bytes = Buffer.from(good)
  for (let i = 1 + below(4); i > 0; i--) {
    const at = below(bytes.length)
    const length = 1 + below(Math.min(16, bytes.length - at))
    const part = bytes.subarray(at, at + length)
    switch (below(7)) {
      case 0: bytes[at] ^= 1 << below(8); break
      case 1: bytes[at] = pick(TELLING); break
      case 2: bytes = bytes.subarray(0, at + 1); break
      case 3: bytes = Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]); break
      case 4: bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]); break
      case 5: part.copy(bytes, below(bytes.length)); break
      case 6: if (at + 8 <= bytes.length) bytes.writeBigUInt64LE(pick(LENGTHS), at); break
    }
    if (bytes.length === 0) return bytes
  }
  return bytes
}

/** A pickle and its storages in an archive that is right in itself. */
function archive(data, storages) {
  return makeZip(Object.fromEntries([['a/data.pkl', data], ...storages.map((bytes, key) => [`a/data/${key}`, bytes])]))
}

/** As PyTorch wrote before 1.6: five pickles, then the storages. */
function legacy(value) {
  const { bytes, storages } = pickle(value)
  const magic = Buffer.from([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e])
  const counts = [...storageCounts(value)]
  const tail = storages.map((data, key) => {
    const count = Buffer.alloc(8)
    count.writeBigInt64LE(BigInt(counts[key]))
    return Buffer.concat([count, data])
  })
  const system = new Map([['protocol_version', 1001], ['little_endian', true]])
  return Buffer.concat([
    magic, pickle(1001).bytes, pickle(system).bytes, bytes, pickle(storages.map((_, key) => String(key))).bytes, ...tail,
  ])
}

function* storageCounts(value) {
  if (value instanceof Map) for (const part of value.values()) yield* storageCounts(part)
  else if (value?.data) yield value.shape.reduce((a, b) => a * b, 1)
}

/** A pickle of random shape: each value may be remembered, and any that was may come again, inside itself too. */
function shape() {
  let remembered = 0
  let left = 10 + below(5000)
  const uint32 = (value) => String.fromCharCode(value & 255, (value >> 8) & 255, 0, 0)
  const text = () => `X${uint32(1)}${String.fromCharCode(97 + below(26))}`
  const tensor = 'ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x04tQK\0K\x04\x85K\x01\x85NNtR'
  const known = () => (remembered > 0 ? `j${uint32(below(remembered))}` : 'N')
  const remember = (opening) => (remembered < 65_000 && below(2) === 0 ? `${opening}r${uint32(remembered++)}` : opening)
  const key = () => pick([text, text, text, () => 'K\x01', known, () => ')'])()
  const value = (depth) => {
    if (left-- <= 0 || depth > 400) return pick(['N', text(), known(), tensor])
    const many = Array.from({ length: below(pick([2, 3, 3, 30])) })
    return pick([
      () => `${remember(']')}(${many.map(() => value(depth + 1)).join('')}e`, () => `${remember('}')}(${many.map(() => key() + value(depth + 1)).join('')}u`, () => remember(`(${many.map(() => value(depth + 1)).join('')}t`),
      () => remember(`${value(depth + 1)}\x85`), () => `${remember(']')}${value(depth + 1)}a`, () => remember(tensor), known, known, text,
      () => `ccollections\nCounter\n${known()}\x85R`, () => `ccollections\nOrderedDict\n${pick([known(), ']'])}\x85R`, () => `ctorch\nSize\n${known()}\x85R`,
    ])()
  }
  return archive(Buffer.from(`\x80\x02}(X\x0a\0\0\0state_dict}X\x08\0\0\0a.weight${tensor}sX\x05\0\0\0thing${value(0)}u.`, 'latin1'), [Buffer.alloc(16)])
}

/** A safetensors file whose header is JSON of random shape. */
function header() {
  let left = 10 + below(3000)
  const value = (depth) => {
    if (left-- <= 0 || depth > 2000) return '0'
    const many = Array.from({ length: below(pick([2, 3, 30])) })
    return pick([() => `[${many.map(() => value(depth + 1)).join(',')}]`, () => `{${many.map((_, i) => `"${'k'.repeat(below(5))}${below(3) === 0 ? 0 : i}":${value(depth + 1)}`).join(',')}}`, () => `[${value(depth + 1)}]`, () => '"x"', () => '1e999'])()
  }
  const json = Buffer.from(`{${below(2) === 0 ? '' : `"a":${value(0)},`}"__metadata__":{"torchgraft":${JSON.stringify(value(0))}}}`)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  return Buffer.concat([length, json])
}

async function readSafetensorsFile(path) {
  await inspectFile(path)
  const { metadata } = await readSafetensors(path)
  if (metadata.torchgraft !== undefined) parseMetadata(path, metadata.torchgraft)
}

async function readPth(path) {
  const file = await PthFile.open(path)
  try {
    await loadAll(contentsOf(file).model)
  } finally {
    await file[Symbol.asyncDispose]()
  }
  await readTorchCheckpoint(path)
  await inspectFile(path)
}

async function attempt(read, path) {
  const began = process.cpuUsage()
  let outcome = 'read'
  try {
    await read(path)
  } catch (error) {
    outcome = CODES.has(error?.code) && error.name === 'TorchgraftError' ? error.code : `FOUND ${error?.stack ?? error}`
    if (error.message.length > 2000) outcome = `FOUND a message of ${error.message.length} letters`
  }
  const { user, system } = process.cpuUsage(began)
  return { outcome, took: (user + system) / 1000 }
}

async function goodFile(name, write) {
  const path = join(folder, name)
  await write(path)
  return readFileSync(path)
}

const pickled = pickle(checkpoint)
const zip = await goodFile('good.pth', (path) => writePth(path, checkpoint))
const safetensors = await goodFile('good.safetensors', (path) => writeSafetensors(path, model, { format: 'pt', note: 'x' }))
const old = legacy(checkpoint)
const onnx = Buffer.from(encodeOnnx({
  irVersion: 9, producerName: 'me', producerVersion: '1', docString: 'x', opsetImport: [{ domain: '', version: 17 }], metadataProps: [{ key: 'torchgraft', value: '{"model":"x"}' }, { key: 'a', value: 'b' }],
  graph: { name: 'g', node: [{ name: 'n', opType: 'Relu', input: ['a'], output: ['b'], attribute: [] }], initializer: [{ name: 'w', dims: [2, 3], dataType: 1, rawData: new Uint8Array(24) }], input: [], output: [] },
}))
const hostile = [...HOSTILE_PICKLES.values()].map((program) => archive(program, [Buffer.alloc(16)]))
let turn = 0
const KINDS = [
  { kind: 'pth', name: 'x.pth', make: () => mutate(zip), good: zip, read: readPth },
  { kind: 'pickle in a whole archive', name: 'x.pth', make: () => archive(mutate(pickled.bytes), pickled.storages), good: archive(pickled.bytes, pickled.storages), read: readPth },
  { kind: 'legacy pth', name: 'x.pth', make: () => mutate(old), good: old, read: readPth },
  { kind: 'safetensors', name: 'x.safetensors', make: () => mutate(safetensors), good: safetensors, read: readSafetensorsFile },
  { kind: 'onnx', name: 'x.onnx', make: () => mutate(onnx), good: onnx, read: inspectFile },
  { kind: 'pickles of random shape', name: 'x.pth', make: shape, good: archive(pickled.bytes, pickled.storages), read: readPth },
  { kind: 'headers of random shape', name: 'x.safetensors', make: header, good: safetensors, read: readSafetensorsFile },
  { kind: 'hostile pickles', name: 'x.pth', make: () => hostile[turn++ % hostile.length], good: archive(pickled.bytes, pickled.storages), read: readPth, slow: SLOW_HOSTILE_MS },
]

for (const { kind, name, make, good, read, slow = SLOW_MS } of KINDS) {
  const path = join(folder, name)
  writeFileSync(path, good)
  await read(path) // the seed itself must be read
  const counts = new Map()
  const until = performance.now() + seconds * 1000
  const before = process.memoryUsage().rss
  let made = 0
  for (; made < files && performance.now() < until; made++) {
    const bytes = make()
    writeFileSync(path, bytes)
    let { outcome, took } = await attempt(read, path)
    for (let again = 0; again < 2 && took > slow; again++) {
      took = Math.min(took, (await attempt(read, path)).took) // another process may have had the processor
    }
    if (took > slow) outcome = `FOUND slow: ${Math.round(took)} ms`
    if (outcome.startsWith('FOUND')) {
      process.exitCode = 1
      if (!counts.has(outcome)) console.log(`${kind}: ${outcome}\n  ${bytes.toString('base64').slice(0, 2000)}`)
    }
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  }
  const kept = process.memoryUsage().rss - before
  if (kept > MEMORY) process.exitCode = 1
  console.log(`${kind}: ${made} files, seed ${seed}: ${[...counts].map(([outcome, count]) => `${outcome.slice(0, 60)} ${count}`).join(', ')}; memory grew by ${Math.round(kept / 1e6)} MB`)
}
rmSync(folder, { recursive: true })
