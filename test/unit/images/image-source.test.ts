import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MessageChannel } from 'node:worker_threads'
import { decodeImage } from '../../../src/images/decode.js'
import type { ResizeRule } from '../../../src/images/resize-rule.js'
import { readImageSource } from '../../../src/images/image-source.js'
import { oneImage } from '../../helpers/loader.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const RULE: ResizeRule = { shorterSide: null, crop: null, antialias: true, pad: null, orient: true, profile: true }

test('an image is the same by its path, its file: URL, and its bytes in whatever holds them', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'an image #1.png')
  const bytes = Uint8Array.from(await oneImage())
  await writeFile(path, bytes)
  const expected = await decodeImage(path, RULE)
  const within = new Uint8Array(bytes.length + 9)
  within.set(bytes, 5)
  const forms: Parameters<typeof decodeImage>[0][] = [pathToFileURL(path), pathToFileURL(path).href, bytes, Buffer.from(bytes), within.subarray(5, 5 + bytes.length), bytes.buffer.slice(0), new Blob([bytes]), new File([bytes], 'x.png')]
  for (const form of forms) expect(await decodeImage(form, RULE)).toEqual(expected)
})

function detached(): Uint8Array {
  const bytes = new Uint8Array(8)
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(bytes, [bytes.buffer])
  port1.close()
  port2.close()
  return bytes
}

class Photo {
  readonly path = 'a.jpg'
}

test.each<[string, unknown, string]>([
  ['nothing', undefined, 'undefined'],
  ['null', null, 'null'],
  ['a number', 7, '7'],
  ['NaN', Number.NaN, 'NaN'],
  ['a big integer', 7n, '7n'],
  ['a symbol', Symbol('x'), 'Symbol(x)'],
  ['true', true, 'true'],
  ['an empty text', '', '""'],
  ['an object', { path: 'a.jpg' }, 'an object'],
  ['an object of a class', new Photo(), 'a Photo'],
  ['a function', () => 'a.jpg', 'a function'],
  ['an array of bytes', [0xff, 0xd8], '[255, 216]'],
  ['a promise', Promise.resolve('a.jpg'), 'a Promise'],
  ['a stream', createReadStream('package.json'), 'a ReadStream'],
  ['a stream of the web', new ReadableStream(), 'a ReadableStream'],
  ['a response', new Response('x'), 'a Response'],
  ['pixels', new Uint8ClampedArray(4), 'a Uint8ClampedArray'],
  ['other numbers', new Float32Array(4), 'a Float32Array'], ['a view', new DataView(new ArrayBuffer(4)), 'a DataView'],
])('%s is no image, and is refused by name', async (_, image, received) => {
  const message = `Expected a path, a file: URL, a Uint8Array, an ArrayBuffer or a Blob for image but received ${received}`
  await expect(decodeImage(image as never, RULE)).rejects.toMatchObject({ name: 'TorchgraftError', code: 'ERR_ARGUMENT', message })
  await expect(readImageSource(image, 'images[3]')).rejects.toThrow('for images[3] but received')
})

test.each<[string, unknown, RegExp]>([
  ['an address', 'https://example.org/a.jpg', /^Expected an image file on this machine, since nothing is fetched, for image but received "https:\/\/example\.org\/a\.jpg"$/],
  ['an address as a URL', new URL('https://example.org/a.jpg'), /^Expected an image file on this machine, .* but received the URL "https:\/\/example\.org\/a\.jpg"$/],
  ['another scheme', 's3://bucket/a.jpg', /on this machine/],
  ['a data: URL', `data:image/png;base64,${'A'.repeat(5000)}`, /on this machine, .{1,400}$/],
  ['a blob: URL', new URL('blob:nodedata:x'), /on this machine/],
  ['a file: URL of another machine', 'file://other/a.jpg', /^Expected an image file/],
  ['a null character', 'a\0.jpg', /without a null character/],
  ['no bytes', new Uint8Array(), /^Expected the bytes of an image file for image but received none/],
  ['an empty buffer', new ArrayBuffer(0), /received none/],
  ['an empty Blob', new Blob([]), /received none/],
  ['bytes that were handed to another thread', detached(), /received none: what was given is empty, or was handed to another thread$/],
  ['shared memory', new SharedArrayBuffer(8), /copied out of shared memory, for image but received a SharedArrayBuffer$/],
  ['bytes in shared memory', new Uint8Array(new SharedArrayBuffer(8)), /copied out of shared memory/],
])('%s is refused with what to do', async (_, image, message) => {
  await expect(decodeImage(image as never, RULE)).rejects.toMatchObject({ name: 'TorchgraftError', code: 'ERR_ARGUMENT', message: expect.stringMatching(message) })
})

test('a Blob that can no longer be read is an image that cannot be read', async () => {
  const gone = Object.assign(new Blob(['x']), { arrayBuffer: () => Promise.reject(new Error('the file has changed')) })
  await expect(decodeImage(gone, RULE)).rejects.toMatchObject({ code: 'ERR_IMAGE_DECODE', message: expect.stringContaining('The image cannot be read: ') })
})
