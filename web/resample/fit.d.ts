export interface Pixels {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
}

export function atModelSize(pixels: Pixels, rule: { readonly crop: number | null; readonly pad: 'square' | null }, size: number): Uint8Array | Float32Array
