import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileKind } from '../../../src/formats/file-kind.js'
import { writePth } from '../../../src/formats/pth/pth-writer.js'
import { writeSafetensors } from '../../../src/formats/safetensors.js'
import { encodeOnnx } from '../../../src/inference/onnx/onnx-file.js'
import { toOnnx } from '../../../src/inference/onnx/to-onnx.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'
import { TINY_CLASSES, tinyGraph, tinyRegNet } from '../../helpers/tiny-regnet.js'
import { trainingMetadata } from '../../helpers/files/checkpoint.js'

const NAMES = ['model_best.pth.tar', 'model.safetensors', 'pytorch_model.bin', 'last.ckpt', 'weights', 'a.onnx', 'a.PTH', 'a.v2']

describe('a file of weights is told by its first bytes, whatever it is called:', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  beforeAll(async () => {
    folder = await temporaryFolder()
  })
  afterAll(() => folder[Symbol.asyncDispose]())

  test.each(NAMES)('%s', async (name) => {
    const path = join(folder.path, name)
    await writePth(path, tinyRegNet())
    expect(await fileKind(path)).toBe('pth')
    await writeFile(path, Buffer.from('\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.', 'latin1')) // as PyTorch wrote before 1.6
    expect(await fileKind(path)).toBe('pth')
    await writeSafetensors(path, tinyRegNet())
    expect(await fileKind(path)).toBe('safetensors')
    await writeSafetensors(path, new Map(), { note: 'x'.repeat(0x280 - 40) }) // its length begins as a pickle does
    expect(await fileKind(path)).toBe('safetensors')
    await writeFile(path, encodeOnnx(toOnnx(tinyGraph(), tinyRegNet(), { ...trainingMetadata(0), classes: TINY_CLASSES }, { fp16: false })))
    expect(await fileKind(path)).toBe('onnx')
  })

  test.each([
    ['a pointer of Git LFS', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n', /git lfs pull/],
    ['a web page', '\n<!DOCTYPE html><html>', /web page/],
    ['nothing', '', /is empty/],
    ['what gzip packed', '\x1f\x8b\x08', /gzip/],
    ['a tar archive', `model.pth${'\0'.repeat(248)}ustar\0`, /tar archive/],
    ['Keras’s', '\x89HDF\r\n', /HDF5/],
    ['an array', '\x93NUMPY\x01', /NumPy/],
  ])('%s is told of as what it is', async (_, content, message) => {
    const path = join(folder.path, 'model.pth')
    await writeFile(path, Buffer.from(content, 'latin1'))
    await expect(fileKind(path)).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT', path, message: expect.stringMatching(message) as string })
  })

  test('one that is damaged is what its ending says, and else is named', async () => {
    for (const [name, kind] of [['a.pth', 'pth'], ['a.bin', 'pth'], ['a.safetensors', 'safetensors'], ['a.onnx', 'onnx']]) {
      await writeFile(join(folder.path, name!), 'damaged')
      expect(await fileKind(join(folder.path, name!))).toBe(kind)
    }
    await writeFile(join(folder.path, 'notes.txt'), 'some words')
    await expect(fileKind(join(folder.path, 'notes.txt'))).rejects.toMatchObject({
      code: 'ERR_FILE_FORMAT', message: expect.stringContaining('neither') as string,
    })
    await mkdir(join(folder.path, 'folder'))
    for (const [name, message] of [['folder', 'is not a file'], ['nothing', 'There is no file']]) {
      await expect(fileKind(join(folder.path, name!))).rejects.toMatchObject({
        code: 'ERR_FILE_FORMAT', message: expect.stringContaining(message!) as string,
      })
    }
  })
})
