import { engineCheck } from '../helpers/processes/engine-check.js'
import { skip } from '../helpers/skip.js'

if (process.platform !== 'linux') skip('the arena of memory', 'it is used on Linux only')
else describe('the arena that large blocks of memory come from', () => {
  test.each([1, 2, 3])('blocks keep what is written into them, neighbours grow together, and the system gets its memory back, seed %i', async (seed) => {
    const seen = (await engineCheck('arena', '4000', String(seed))) as { taken: number; refused: number; inUse: number; givenBack: number; tooMuch: boolean }
    expect(seen).toMatchObject({ inUse: 0, tooMuch: false })
    expect(seen.taken).toBeGreaterThan(1000)
    expect(seen.refused).toBeGreaterThan(0) // it was full now and then
    expect(seen.givenBack).toBeGreaterThan(0.9)
  })
})
