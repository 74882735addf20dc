import { toFloat32, type TensorDtype } from '../../../src/formats/tensor.js'

const halves = (dtype: TensorDtype, bits: readonly number[]) =>
  ({ dtype, shape: [bits.length], data: new Uint8Array(Uint16Array.from(bits).buffer) })

describe('toFloat32', () => {
  test.each([
    [0x0000, 0], [0x8000, -0], [0x3c00, 1], [0xc000, -2], [0x3555, 0.333251953125], [0x7bff, 65504], [0x0400, 2 ** -14],
    [0x0001, 2 ** -24], [0x03ff, 1023 * 2 ** -24], [0x8200, -(2 ** -15)], [0x7c00, Infinity], [0xfc00, -Infinity], [0x7e00, NaN],
  ])('float16 %i is %f', (bits, value) => {
    expect(toFloat32(halves('float16', [bits]))[0]).toBe(value)
  })

  test.each([[0x3f80, 1], [0xc000, -2], [0x7f80, Infinity], [0x0080, 2 ** -126]])('bfloat16 %i is %f', (bits, value) => {
    expect(toFloat32(halves('bfloat16', [bits]))[0]).toBe(value)
  })

  test('float32 at an odd place of a buffer is copied', () => {
    const bytes = new Uint8Array(9)
    bytes.set(new Uint8Array(new Float32Array([1.5, -2.5]).buffer), 1)
    expect([...toFloat32({ dtype: 'float32', shape: [2], data: bytes.subarray(1) })]).toEqual([1.5, -2.5])
  })
})
