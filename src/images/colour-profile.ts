/** How device colours become sRGB. */
export interface ColourTables {
  /** [3, 256, 4]: what each level of each channel adds to red, green and blue (the fourth is 0), as light from 0 to LIGHT. */
  readonly light: Float32Array
  /** From light to sRGB's 8 bits. */
  readonly levels: Uint8Array
}

const LIGHT = (1 << 14) - 1
/** From XYZ under D50, as profiles have it, to sRGB's linear light: the inverse of sRGB's own profile. */
const XYZ_TO_SRGB = [
  [3.1341359, -1.6173863, -0.4906619],
  [-0.9787955, 1.9161416, 0.0334427],
  [0.0719553, -0.2289769, 1.4053860],
] as const
const KEPT = 64

const LEVELS = Uint8Array.from({ length: LIGHT + 1 }, (_, i) => Math.round(encode(i / LIGHT) * 255))
const known = new Map<string, ColourTables | undefined>()

/**
 * The way of an RGB profile that a matrix and three curves make up, as cameras' and screens' are; nothing for others. Kept for
 * the next image.
 */
export function colourTables(profile: Uint8Array): ColourTables | undefined {
  if (profile.length > 1 << 16) return undefined
  const key = Buffer.from(profile.buffer, profile.byteOffset, profile.length).toString('latin1')
  if (known.has(key)) return known.get(key)
  if (known.size >= KEPT) known.clear()
  const tables = makeTables(profile)
  known.set(key, tables)
  return tables
}

/** From device colours to sRGB, in place: in single precision and in the order of native/images/colour_tables.cc. */
export function applyColours(pixels: Uint8Array, { light, levels }: ColourTables): void {
  const { fround } = Math
  const last = levels.length - 1
  const at = (place: number): number => light[place] as number
  for (let i = 0; i < pixels.length; i += 3) {
    const [red, green, blue] = [(pixels[i] as number) * 4, (256 + (pixels[i + 1] as number)) * 4, (512 + (pixels[i + 2] as number)) * 4]
    for (let c = 0; c < 3; c++) {
      const sum = fround(fround(fround(at(red + c) + at(green + c)) + at(blue + c)) + 0.5)
      pixels[i + c] = levels[Math.trunc(Math.min(Math.max(sum, 0), last))] as number
    }
  }
}

function makeTables(profile: Uint8Array): ColourTables | undefined {
  const view = new DataView(profile.buffer, profile.byteOffset, profile.byteLength)
  try {
    return read(view)
  } catch (error) {
    if (error instanceof RangeError) return undefined // it leads out of itself
    throw error
  }
}

function read(view: DataView): ColourTables | undefined {
  if (text(view, 36) !== 'acsp' || text(view, 16) !== 'RGB ' || text(view, 20) !== 'XYZ ') return undefined
  const tags = new Map<string, number>()
  const count = view.getUint32(128)
  for (let i = 0; i < count; i++) tags.set(text(view, 132 + i * 12), view.getUint32(136 + i * 12))
  if (tags.has('A2B0')) return undefined // a table of its own for how the profile is to look
  const light = new Float32Array(3 * 256 * 4)
  for (const [channel, name] of ['r', 'g', 'b'].entries()) {
    const [colour, curve] = [tags.get(`${name}XYZ`), tags.get(`${name}TRC`)]
    if (colour === undefined || curve === undefined || text(view, colour) !== 'XYZ ') return undefined
    const xyz = [0, 1, 2].map((i) => fixed(view, colour + 8 + i * 4))
    const adds = XYZ_TO_SRGB.map((row) => row.reduce((sum, weight, i) => sum + weight * (xyz[i] ?? 0), 0))
    const linear = readCurve(view, curve)
    if (!linear) return undefined
    for (let level = 0; level < 256; level++) {
      for (let i = 0; i < 3; i++) light[(channel * 256 + level) * 4 + i] = LIGHT * linear(level / 255) * (adds[i] ?? 0)
    }
  }
  return light.every(Number.isFinite) ? { light, levels: LEVELS } : undefined
}

/** A tone curve of ICC.1:2022, sections 10.6 and 10.18, from 0–1 to 0–1. */
function readCurve(view: DataView, at: number): ((x: number) => number) | undefined {
  const kind = text(view, at)
  if (kind === 'curv') {
    const count = view.getUint32(at + 8)
    if (count === 0) return (x) => x
    if (count === 1) return power(view.getUint16(at + 12) / 256)
    view.getUint16(at + 12 + (count - 1) * 2)
    const point = (i: number): number => view.getUint16(at + 12 + Math.min(i, count - 1) * 2) / 65535
    return (x) => {
      const place = x * (count - 1)
      const before = Math.floor(place)
      return point(before) + (point(before + 1) - point(before)) * (place - before)
    }
  }
  if (kind !== 'para') return undefined
  const type = view.getUint16(at + 8)
  const numbers = [1, 3, 4, 5, 7][type]
  if (numbers === undefined) return undefined
  const [g = 1, a = 1, b = 0, c = 0, d = 0, e = 0, f = 0] = Array.from({ length: numbers }, (_, i) => fixed(view, at + 12 + i * 4))
  const curve = power(g)
  if (type === 0) return curve
  if (type === 1) return (x) => (x >= -b / a ? curve(a * x + b) : 0)
  if (type === 2) return (x) => (x >= -b / a ? curve(a * x + b) + c : c)
  return (x) => (x >= d ? curve(a * x + b) + e : c * x + f)
}

function power(gamma: number): (x: number) => number {
  return (x) => Math.max(0, x) ** gamma
}

/** sRGB's own curve, from linear light. */
function encode(x: number): number {
  return x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055
}

function fixed(view: DataView, at: number): number {
  return view.getInt32(at) / 65536
}

function text(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3))
}
