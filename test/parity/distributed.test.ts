import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeSafetensors } from '../../src/formats/safetensors.js'
import { Session } from '../../src/session/session.js'
import { answers, runRanks, type Trained } from '../distributed/ranks.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'
import { CLASSES, draw, loadFormula } from './formula.js'
import { expectParity, furthest, processor, readFixture } from './rows.js'

interface Fixture {
  readonly losses: readonly number[]
  readonly state: Readonly<Record<string, readonly number[]>>
  /** How far PyTorch's own runs lie apart, in other memory layouts and instruction sets. */
  readonly spread: { readonly losses: number; readonly state: number }
}

/** As generator/distributed.py has them. */
const [COUNT, SIZE] = [16, 64]
const FROZEN = { freeze: 'batch-norm-statistics' } as const
const CASES = { 'frozen running statistics': FROZEN, 'batch statistics of each rank': {} } as const
/** As in training.test.ts. */
const SPREADS = 4
const LEAST = 2e-5

let folder: Awaited<ReturnType<typeof temporaryFolder>>
const fixtures = readFixture<Record<string, Record<string, Fixture>>>('distributed')

beforeAll(async () => {
  process.stderr.write(`parity of several ranks: ${processor()}\n`)
  folder = await temporaryFolder()
  await using session = await Session.create({ model: 'regnet_y_400mf', classes: CLASSES, device: 'cpu', precision: 'fp32', threads: 1 })
  await loadFormula(session)
  await writeSafetensors(join(folder.path, 'weights.safetensors'), await session.stateDict())
  await writeFile(join(folder.path, 'pixels'), Uint8Array.from(draw(`pictures ${SIZE}`, COUNT * SIZE * SIZE * 3), (integer) => integer >>> 24))
}, 120_000)
afterAll(() => folder[Symbol.asyncDispose]())

describe.each([2, 4])('%i ranks train as PyTorch’s DistributedDataParallel', (ranks) => {
  test.each(['auto', 'plain'] as const)('kernels %s', async (kernels) => {
    expect(Object.keys(CASES)).toEqual(Object.keys(fixtures[String(ranks)]!))
    for (const [title, options] of Object.entries(CASES)) {
      const { losses: expected, state: expectedState, spread } = fixtures[String(ranks)]![title]!
      const shares = Array.from({ length: ranks }, (_, rank) => [(rank * COUNT) / ranks, ((rank + 1) * COUNT) / ranks] as const)
      const step = { labels: Array.from({ length: COUNT }, (_, i) => i % CLASSES), size: SIZE, shares }
      const [first] = answers<Trained>(await runRanks({
        task: 'train', weights: join(folder.path, 'weights.safetensors'), pixels: join(folder.path, 'pixels'),
        steps: expected.map(() => step), watched: Object.keys(expectedState),
        options: {
          model: 'regnet_y_400mf', classes: CLASSES, precision: 'fp32', device: 'cpu', threads: 1, kernels, ...options,
          optimizer: { type: 'adamw', lr: 1e-3, weightDecay: 0.02 },
        },
        groups: [{ match: '^fc\\.', lrScale: 2 }, { match: '\\.1\\.weight$|\\.bias$', weightDecay: 0 }],
      }, { ranks }))
      const losses = first!.results.map(({ loss }) => loss / COUNT)
      const name = `${ranks} ranks, kernels ${kernels}, ${losses.length} steps, ${title}`
      expectParity(`${name}: losses (PyTorch from itself ${spread.losses.toExponential(1)})`, furthest(losses, expected) / expected[0]!, Math.max(LEAST, SPREADS * spread.losses))
      const state = Math.max(...Object.values(expectedState).map((values, i) => furthest(first!.state[i]!, values)))
      expectParity(`${name}: parameters (PyTorch from itself ${spread.state.toExponential(1)})`, state, Math.max(LEAST, SPREADS * spread.state))
    }
  }, 240_000)
})
