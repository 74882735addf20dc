import { ENDS, runCase } from '../exits/cases.mjs'
import { runNode } from '../helpers/processes/child.js'

const TIMES = 3
/** Those that differ most; check:exits has all of them, more often. */
const MOMENTS = ['a step', 'decoding']
/** Milliseconds into the middle of it. */
const DELAYS = Array.from({ length: TIMES }, (_, i) => 5 + 40 * i)

describe.each(MOMENTS)('in the middle of %s', (moment) => {
  test.each(Object.keys(ENDS))('%s ends as Node would', async (end) => {
    expect(await Promise.all(DELAYS.map((delay) => runCase(moment, end, delay)))).toEqual(DELAYS.map(() => undefined))
  }, 300_000)
})

test.each([
  ['without disposal', 'const s = await create(); console.log((await s.trainStep(batch)).steps)', '1\n'],
  ['with a step that nobody waits for: it is finished first', 'const s = await create(); s.trainStep(batch).then(({ steps }) => console.log("done", steps))', 'done 1\n'],
])('a program ends %s', async (_, code, stdout) => {
  const setting = `
    import { Session } from './dist/index.js'
    const create = () => Session.create({ model: 'regnet_y_400mf', classes: 2, precision: 'fp32', device: 'cpu' })
    const batch = { size: 1, step: 0, indices: new Int32Array(1), labels: new Int32Array(1), images: { pixels: new Uint8Array(48), shapes: new Int32Array([4, 4]), plans: [{ geometry: [1, 0, 0, 0, 1, 0] }], output: 32, mean: [0, 0, 0], std: [1, 1, 1] } }
  `
  expect(await runNode(['--input-type=module', '--eval', setting + code])).toMatchObject({ code: 0, signal: null, stdout })
})
