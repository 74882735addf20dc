import type { Sharp } from 'sharp'
import type { Pixels } from './decode.js'

/** 8-bit RGB, alpha dropped. */
export async function decodeToRgb(picture: Sharp): Promise<Pixels> {
  const { data, info } = await picture.removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true })
  if (info.channels !== 3) throw new Error(`it has ${info.channels} channels after conversion to RGB`)
  return { data: asBytes(data), width: info.width, height: info.height }
}

/**
 * What Pillow's `convert('RGB')` gives, byte for byte. Its CMYK is plain arithmetic without a profile, and its 16-bit grey
 * is clipped at 255, not scaled.
 */
export async function decodeAsPillow(picture: Sharp, space: string, hasAlpha: boolean): Promise<Pixels> {
  if (space === 'cmyk') {
    const { data, info } = await picture.removeAlpha().pipelineColourspace('cmyk').toColourspace('cmyk').raw().toBuffer({ resolveWithObject: true })
    return { data: fromCmyk(asBytes(data)), width: info.width, height: info.height }
  }
  if (space === 'grey16' && !hasAlpha) {
    const { data, info } = await picture.toColourspace('grey16').raw({ depth: 'ushort' }).toBuffer({ resolveWithObject: true })
    return { data: fromGrey16(new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2)), width: info.width, height: info.height }
  }
  return decodeToRgb(picture)
}

function fromCmyk(cmyk: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / 4) * 3)
  for (let from = 0, to = 0; from < cmyk.length; from += 4) {
    const light = 255 - (cmyk[from + 3] as number)
    for (let ink = 0; ink < 3; ink++) {
      const product = (cmyk[from + ink] as number) * light + 128 // over 255, rounded
      rgb[to++] = light - (((product >> 8) + product) >> 8)
    }
  }
  return rgb
}

function fromGrey16(grey: Uint16Array): Uint8Array {
  const rgb = new Uint8Array(grey.length * 3)
  for (let i = 0; i < grey.length; i++) rgb.fill(Math.min(grey[i] as number, 255), i * 3, i * 3 + 3)
  return rgb
}

function asBytes(data: Buffer): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}
