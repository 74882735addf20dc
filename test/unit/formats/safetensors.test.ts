import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hashTensors, readSafetensors, readSafetensorsLayout, writeSafetensors } from '../../../src/formats/safetensors.js'
import type { StateDict } from '../../../src/formats/tensor.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const tensors: StateDict = new Map([
  ['weight', { dtype: 'float32', shape: [2, 2], data: new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer) }],
  ['half', { dtype: 'float16', shape: [3], data: new Uint8Array(6).fill(7) }],
  ['empty', { dtype: 'bfloat16', shape: [0, 5], data: new Uint8Array(0) }],
  ['count', { dtype: 'int64', shape: [], data: new Uint8Array(new BigInt64Array([-3n]).buffer) }],
])

describe('safetensors', () => {
  test('what is written is read again, in order, with its metadata', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'a.safetensors')
    const bytes = await writeSafetensors(path, tensors, { format: 'pt', note: '"quoted" – é' })
    expect((await readFile(path)).length).toBe(bytes)
    const file = await readSafetensors(path)
    expect([...file.tensors]).toEqual([...tensors])
    expect(file.metadata).toEqual({ format: 'pt', note: '"quoted" – é' })
    const layout = await readSafetensorsLayout(path)
    expect(layout.metadata).toEqual(file.metadata)
    const expected = [...file.tensors].map(([name, { dtype, shape }]) => [name, dtype, shape])
    expect(layout.tensors.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual(expected)
  })

  test('tensors begin on a multiple of 8 bytes', async () => {
    await using folder = await temporaryFolder()
    for (const name of ['a', 'ab', 'abc']) {
      const path = join(folder.path, name)
      await writeSafetensors(path, new Map([[name, tensors.get('weight')!]]))
      expect(Number((await readFile(path)).readBigUInt64LE(0)) % 8).toBe(0)
    }
  })

  test('the hash is that of the tensor part of the file', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'a')
    await writeSafetensors(path, tensors)
    const bytes = await readFile(path)
    const part = bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)))
    expect(await hashTensors(tensors)).toBe(createHash('sha256').update(part).digest('hex'))
  })

  test('a tensor whose bytes do not fit its shape is not written, and no file is left', async () => {
    await using folder = await temporaryFolder()
    const wrong: StateDict = new Map([['w', { dtype: 'float32', shape: [3], data: new Uint8Array(8) }]])
    await expect(writeSafetensors(join(folder.path, 'a'), wrong)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' })
    expect(await readdir(folder.path)).toEqual([])
  })

  const f32 = (begin: number, end: number, shape: readonly unknown[] = [(end - begin) / 4], dtype = 'F32') => ({ dtype, shape, data_offsets: [begin, end] })
  const json = (value: unknown): string => JSON.stringify(value)

  test.each([
    ['no header at all', Buffer.from('short'), 'has 5 bytes'],
    ['a header beyond the limit', file('{}', 0, 200_000_000), '200000000 bytes long'],
    ['a header beyond the file', file('{}', 0, 4000), 'cut short'],
    ['no JSON', file('{oops', 0), 'not JSON'],
    ['an array', file('[]', 0), 'does not begin with {'],
    ['a byte-order mark', file('\ufeff{}', 0), 'does not begin with {'],
    ['bytes that are not UTF-8', file(Buffer.from([0x7b, 0xff, 0x7d]), 0), 'not JSON'],
    ['a tensor twice', file(`{"a":${json(f32(0, 4))},"a":${json(f32(0, 4))}}`, 4), '"a" is in it twice'],
    ['a field twice', file('{"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}', 4), '"dtype" is in it twice'],
    ['a hole', file(json({ a: f32(0, 4), b: f32(8, 12) }), 12), 'begins at 8'],
    ['an overlap', file(json({ a: f32(0, 8), b: f32(4, 12) }), 12), 'begins at 4'],
    ['trailing bytes', file(json({ a: f32(0, 4) }), 5), 'tensors end at byte'],
    ['too few bytes', file(json({ a: f32(0, 8) }), 4), 'cut short'],
    ['a shape that disagrees', file(json({ a: f32(0, 8, [3]) }), 8), 'takes 8 bytes'],
    ['a shape that overflows', file(json({ a: f32(0, 8, [2 ** 40, 2 ** 40]) }), 8), 'no valid shape'],
    ['a negative shape', file(json({ a: f32(0, 4, [-1]) }), 4), 'no valid shape'],
    ['offsets that run backwards', file(json({ a: { dtype: 'F32', shape: [1], data_offsets: [4, 0] } }), 4), 'begins at 4'],
    ['fractional offsets', file(json({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4.5] } }), 4), 'no valid data_offsets'],
    ['an unknown dtype', file(json({ a: f32(0, 4, [1], 'X9') }), 4), 'dtype X9'],
    ['a tensor that is null', file(json({ a: null }), 0), 'has no dtype'],
    ['a dtype that is a list', file(json({ a: f32(0, 4, [1], [] as never) }), 4), 'has no dtype'],
    ['a key twice, with much space behind it', file(`{"a":${json(f32(0, 4))},"a"${' '.repeat(100)}:${json(f32(0, 4))}}`, 4), '"a" is in it twice'],
    ['a header of brackets', file(`{"a":${'['.repeat(3_000_000)}`, 0), 'more than 3 deep'],
    ['a header of three million numbers', file(`{"a":[${'0,'.repeat(3_000_000)}0]}`, 0), 'more than 2000000 names and values'],
    ['a shape of 100 dimensions', file(json({ a: f32(0, 4, Array.from({ length: 100 }, () => 1)) }), 4), 'no valid shape'],
    ['a name of a megabyte, in few words', file(json({ ['n'.repeat(1 << 20)]: f32(0, 4, [1], 'X9') }), 4), `tensor ${'n'.repeat(99)}… has dtype X9`],
    ['metadata that is not text', file(json({ __metadata__: { a: 1 } }), 0), 'not a string'],
  ])('refuses %s', async (_, bytes, reason) => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'bad.safetensors')
    await writeFile(path, bytes)
    await expect(readSafetensors(path)).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT', path, message: expect.stringContaining(reason) })
  })

  test('a tensor named __proto__ is a tensor like any other', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'a')
    await writeFile(path, file(`{"__proto__":${json(f32(0, 4))}}`, 4))
    expect([...(await readSafetensors(path)).tensors.keys()]).toEqual(['__proto__'])
  })

  test.each<[string, number, readonly number[], 'float32' | 'int64', readonly number[]]>([
    ['F64', 8, [...Buffer.from(Float64Array.of(0.5, -3).buffer)], 'float32', [0.5, -3]], ['I32', 4, [255, 255, 255, 255, 1, 0, 0, 0], 'int64', [-1, 1]], ['I16', 2, [0, 128, 1, 0], 'int64', [-32768, 1]],
    ['I8', 1, [255, 1], 'int64', [-1, 1]], ['U8', 1, [255, 1], 'int64', [255, 1]], ['BOOL', 1, [0, 1], 'int64', [0, 1]],
  ])('%s is read as what we compute with', async (dtype, size, bytes, as, numbers) => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'a')
    await writeFile(path, Buffer.concat([file(json({ a: f32(0, 2 * size, [2], dtype) }), 0), Buffer.from(bytes)]))
    const { data, ...rest } = (await readSafetensors(path)).tensors.get('a')!
    expect(rest).toEqual({ dtype: as, shape: [2] })
    expect(Array.from(as === 'int64' ? new BigInt64Array(data.slice().buffer) : new Float32Array(data.slice().buffer), Number)).toEqual(numbers)
    expect((await readSafetensorsLayout(path)).tensors).toEqual([{ name: 'a', dtype: as, shape: [2] }])
  })

  test('metadata may be long: names of classes are', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'a')
    const note = 'x"\\'.repeat(8_000_000)
    await writeSafetensors(path, tensors, { note })
    expect((await readSafetensorsLayout(path)).metadata['note'] === note).toBe(true)
  }, 60_000)

  test('a missing file and a folder are refused by name', async () => {
    await using folder = await temporaryFolder()
    await expect(readSafetensors(join(folder.path, 'nothing'))).rejects.toMatchObject({ message: expect.stringContaining('There is no file') })
    await expect(readSafetensors(folder.path)).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' })
  })
})

function file(header: string | Buffer, dataBytes: number, length?: number): Buffer {
  const bytes = Buffer.from(header)
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(BigInt(length ?? bytes.length))
  return Buffer.concat([prefix, bytes, Buffer.alloc(dataBytes)])
}
