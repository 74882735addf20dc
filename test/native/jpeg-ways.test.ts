import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sharp } from 'sharp'
import { decodeJpeg } from '../../src/images/jpeg/decode-jpeg.js'
import { decodeImage } from '../../src/images/decode.js'
import type { Pixels } from '../../src/images/pixels.js'
import type { ResizeRule } from '../../src/images/resize-rule.js'
import { decodeWithoutAddon } from '../../src/images/jpeg/jpeg-without-addon.js'
import { jpegDecoder } from '../../src/images/jpeg/jpeg-decoder.js'
import { ROOT, runNode } from '../helpers/processes/child.js'
import { photo } from '../helpers/images/photo.js'
import { skip } from '../helpers/skip.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

const WHOLE: ResizeRule = { shorterSide: null, crop: null, antialias: true, pad: null, orient: true, profile: true }
const RULES = [WHOLE, ...[11, 50, 90, 200].flatMap((shorterSide) => [
  { ...WHOLE, shorterSide }, { ...WHOLE, shorterSide, crop: Math.round(shorterSide * 0.87) },
])]

const addon = jpegDecoder()
const title = 'a JPEG has the same bytes with and without the addon'
if (!addon) skip(title, 'there is no addon, or no libjpeg-turbo for this system')
else describe(title, () => {
  const both = async (bytes: Uint8Array, rule: ResizeRule): Promise<[Pixels, Pixels]> => {
    const [native, wasm] = [
      await decodeJpeg(bytes, bytes.length, rule, addon), await decodeJpeg(bytes, bytes.length, rule, decodeWithoutAddon),
    ]
    expect([typeof native, typeof wasm]).toEqual(['object', 'object'])
    return [native!, wasm!]
  }
  const kinds: Record<string, (image: Sharp) => Sharp> = {
    'at 4:2:0': (image) => image.jpeg({ quality: 85 }),
    'at 4:4:4': (image) => image.jpeg({ quality: 97, chromaSubsampling: '4:4:4' }),
    'in grey': (image) => image.greyscale().toColourspace('b-w').jpeg(),
    progressive: (image) => image.jpeg({ quality: 60, progressive: true }),
    coarse: (image) => image.jpeg({ quality: 8 }),
    'in Display-P3': (image) => image.withIccProfile('p3').jpeg(),
    ...Object.fromEntries([2, 3, 4, 5, 6, 7, 8].map((orientation) => [`turned (${orientation})`, (image: Sharp) => image.jpeg().withMetadata({ orientation })])),
  }
  test.each(Object.entries(kinds))('%s: whole, cut, made smaller by every scale of its decoder, made larger', async (_, encode) => {
    for (const [width, height] of [[161, 123], [17, 33], [402, 301]] as const) {
      const bytes = await encode(photo(width, height)).toBuffer()
      for (const rule of RULES) {
        const [native, wasm] = await both(bytes, rule)
        const isSame = native.width === wasm.width && native.height === wasm.height && Buffer.compare(native.data, wasm.data) === 0
        expect({ width, height, rule, isSame }).toEqual({ width, height, rule, isSame: true })
      }
    }
  })

  test('in a process that finds no libtorch, as where nothing was built', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'large.jpg')
    await writeFile(path, await photo(640, 481).jpeg().withMetadata({ orientation: 5 }).toBuffer())
    const rule = { ...WHOLE, shorterSide: 73, crop: 64 }
    const code = `
      import { createHash } from 'node:crypto'
      import { decodeImage } from '${join(ROOT, 'dist/images/decode.js')}'
      import { jpegDecoder } from '${join(ROOT, 'dist/images/jpeg/jpeg-decoder.js')}'
      const { data } = await decodeImage(${JSON.stringify(path)}, ${JSON.stringify(rule)})
      console.log(jpegDecoder(), createHash('sha256').update(data).digest('hex'))
    `
    const { stdout, stderr } = await runNode(['--input-type=module', '--eval', code], { env: { ...process.env, LIBTORCH: join(folder.path, 'nowhere') } })
    const { data } = await decodeImage(path, rule)
    expect([stderr, stdout]).toEqual(['', `undefined ${createHash('sha256').update(data).digest('hex')}\n`])
  })
})
