import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Batch } from '../../src/loader/batch.js'
import { random } from '../../src/random/sfc32.js'
import { float32Tensor, type StateDict, toFloat32 } from '../../src/formats/tensor.js'
import { loadAddon } from '../../src/addon/load.js'
import { Session } from '../../src/session/session.js'
import type { SessionOptions } from '../../src/session/options.js'
import { MODEL_NAMES } from '../../src/models/catalogue.js'

const CLASSES = 3
const BASE: SessionOptions = { model: 'regnet_y_400mf', classes: CLASSES, device: 'cpu', precision: 'fp32', seed: 1 }

/** Blotches whose colour tells the class, so that there is something to learn. */
function makeBatch(count = 6, size = 32): Batch {
  const next = random(3)
  const pixels = new Uint8Array(count * size * size * 3)
  for (let i = 0; i < pixels.length; i++) pixels[i] = (i % 3 === Math.floor(i / (size * size * 3)) % 3 ? 140 : 20) + next() * 90
  return {
    size: count, step: 0, indices: Int32Array.from({ length: count }, (_, i) => i),
    labels: Int32Array.from({ length: count }, (_, i) => i % CLASSES),
    images: {
      pixels, shapes: new Int32Array(count * 2).fill(size),
      plans: Array.from({ length: count }, () => ({ geometry: [1, 0, 0, 0, 1, 0] as const })), output: size, mean: [0.5, 0.5, 0.5],
      std: [0.25, 0.25, 0.25],
    },
  }
}

const bytesOf = (state: StateDict, match: RegExp): string => {
  const hash = createHash('sha256')
  for (const [name, { data }] of state) if (match.test(name)) hash.update(data)
  return hash.digest('hex')
}

const logSoftmax = (logits: readonly number[]): number[] => {
  const sum = Math.log(logits.reduce((total, logit) => total + Math.exp(logit), 0))
  return logits.map((logit) => logit - sum)
}

describe('models', () => {
  const fixture = JSON.parse(readFileSync(new URL('../fixtures/regnet-layouts.json', import.meta.url), 'utf8')) as Record<string, { entries: number; parameters: number; sha256: string }>

  test('there are torchvision’s 15, in its order', () => {
    expect(loadAddon().variants).toEqual(MODEL_NAMES)
    expect(Object.keys(fixture).sort()).toEqual([...MODEL_NAMES].sort())
  })

  test.each(MODEL_NAMES)('%s has torchvision’s names, shapes and dtypes, in its order', (variant) => {
    const entries = loadAddon().describe(variant, 1000).tensors
    const text = entries.map(({ name, shape, dtype }) => `${name} ${shape.join('x')} ${dtype}\n`).join('')
    const parameters = entries.filter(({ role }) => role !== 'buffer').reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
    expect({ entries: entries.length, parameters, sha256: createHash('sha256').update(text).digest('hex') }).toEqual(fixture[variant])
  })

  test('initial weights are torchvision’s kinds, and the seed’s', async () => {
    await using session = await Session.create(BASE)
    await using same = await Session.create(BASE)
    await using other = await Session.create({ ...BASE, seed: 2 })
    const state = await session.stateDict()
    expect(bytesOf(await same.stateDict(), /./)).toBe(bytesOf(state, /./))
    expect(bytesOf(await other.stateDict(), /./)).not.toBe(bytesOf(state, /./))
    const moments = (name: string): [number, number] => {
      const values = toFloat32(state.get(name)!)
      const mean = values.reduce((a, b) => a + b, 0) / values.length
      return [mean, Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length)]
    }
    const [mean, std] = moments('trunk_output.block4.block4-3.f.b.0.weight') // 440 × 8 × 3 × 3, fan out 440 × 9
    expect(Math.abs(mean)).toBeLessThan(0.001)
    expect(std / Math.sqrt(2 / (440 * 9))).toBeCloseTo(1, 1)
    expect(moments('fc.weight')[1]).toBeCloseTo(0.01, 3)
    expect(moments('stem.1.weight')).toEqual([1, 0])
    expect(moments('fc.bias')).toEqual([0, 0])
    const bias = toFloat32(state.get('trunk_output.block4.block4-3.f.se.fc1.bias')!) // uniform within ±1/√440
    expect(Math.max(...bias.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(440))
    expect(Math.max(...bias.map(Math.abs))).toBeGreaterThan(0.9 / Math.sqrt(440))
  })
})

describe('training', () => {
  test.each(['fp32', 'bf16'] as const)('in %s, steps on one batch lower its loss', async (precision) => {
    await using session = await Session.create({ ...BASE, precision })
    const head = [...await session.stateDict()].filter(([name]) => name.startsWith('fc.'))
    const zeros = head.map(([name, { shape }]) => [name, float32Tensor(shape, new Float32Array(shape.reduce((a, b) => a * b)))] as const)
    await session.loadStateDict(new Map(zeros), { strict: false })
    const batch = makeBatch()
    const first = await session.trainStep(batch)
    expect(first).toMatchObject({ steps: 1, images: 6, scale: 1, skipped: 0 })
    expect(first.loss / 6).toBeCloseTo(Math.log(CLASSES), 5) // a head of zeros prefers no class
    let last = first
    for (let i = 0; i < 12; i++) last = await session.trainStep(batch)
    expect(last.loss).toBeLessThan(first.loss / 2)
    expect(last.correct).toBe(6)
  })

  test('unread steps come with the next read', async () => {
    await using session = await Session.create(BASE)
    await using twin = await Session.create(BASE)
    const batch = makeBatch()
    expect(await session.trainStep(batch, { read: false })).toEqual({ steps: 0, images: 0, loss: 0, correct: 0, scale: 1, skipped: 0 })
    const sums = await session.trainStep(batch)
    const [a, b] = [await twin.trainStep(batch), await twin.trainStep(batch)]
    expect(sums).toEqual({ steps: 2, images: 12, loss: a.loss + b.loss, correct: a.correct + b.correct, scale: 1, skipped: 0 })
  })

  test('the same steps give the same bytes', async () => {
    const hashes: string[] = []
    for (let run = 0; run < 2; run++) {
      await using session = await Session.create(BASE)
      for (let i = 0; i < 3; i++) await session.trainStep(makeBatch())
      hashes.push(bytesOf(await session.stateDict(), /./) + bytesOf(await session.trainingState(), /./))
    }
    expect(hashes[0]).toBe(hashes[1])
  })

  test('label smoothing and class weights are PyTorch’s formula', async () => {
    const classWeights = [1, 2, 0.5]
    const smoothing = 0.2
    const batch = makeBatch()
    // With a learning rate of 0 the logits of a training step can be had again by another; batch norm must not learn.
    const options: SessionOptions = { ...BASE, freeze: 'batch-norm-statistics', loss: { labelSmoothing: smoothing, classWeights } }
    await using session = await Session.create(options)
    const { logits, loss: plain } = await session.evalStep(batch)
    const rows = Array.from({ length: 6 }, (_, i) => logSoftmax([...logits.subarray(i * 3, i * 3 + 3)]))
    const labels = [...batch.labels!]
    const weight = labels.reduce((sum, label) => sum + classWeights[label]!, 0)
    const expected = rows.reduce((sum, row, i) => {
      const own = -row[labels[i]!]! * classWeights[labels[i]!]!
      const all = -row.reduce((total, value, c) => total + value * classWeights[c]!, 0)
      return sum + (1 - smoothing) * own + (smoothing / CLASSES) * all
    }, 0) / weight
    expect((await session.trainStep(batch, { lr: 0 })).loss / 6).toBeCloseTo(expected, 4)
    expect(plain).toBeCloseTo(rows.reduce((sum, row, i) => sum - row[labels[i]!]!, 0), 4) // scoring is plain
  })

  test('a frozen trunk keeps its bytes, its running statistics too, and the head learns', async () => {
    await using session = await Session.create({ ...BASE, freeze: 'trunk' })
    const before = await session.stateDict()
    const losses: number[] = []
    for (let i = 0; i < 20; i++) losses.push((await session.trainStep(makeBatch(), { lr: 0.05 })).loss)
    const after = await session.stateDict()
    expect(bytesOf(after, /^(?!fc\.)/)).toBe(bytesOf(before, /^(?!fc\.)/))
    expect(bytesOf(after, /^fc\./)).not.toBe(bytesOf(before, /^fc\./))
    expect(losses.at(-1)).toBeLessThan(losses[0]!)
    expect([...(await session.trainingState()).keys()]).toEqual(['exp_avg', 'exp_avg_sq', 'step'].map((kind) => `optimizer.${kind}.fc.weight`).concat(['exp_avg', 'exp_avg_sq', 'step'].map((kind) => `optimizer.${kind}.fc.bias`)))
  })

  test('parameter groups: the first match decides; a scale of 0 holds still', async () => {
    await using session = await Session.create({ ...BASE, optimizer: { type: 'adamw', groups: [{ match: /^fc\./, lrScale: 0 }, { match: /./g }] } })
    const before = await session.stateDict()
    await session.trainStep(makeBatch())
    const after = await session.stateDict()
    expect(bytesOf(after, /^fc\./)).toBe(bytesOf(before, /^fc\./))
    expect(bytesOf(after, /^stem\.0/)).not.toBe(bytesOf(before, /^stem\.0/))
  })

  test('Adam adds weight decay to the gradient, AdamW shrinks the weight', async () => {
    const bias = async (type: 'adam' | 'adamw'): Promise<number> => {
      await using session = await Session.create({ ...BASE, optimizer: { type, lr: 0.1, weightDecay: 0.5 } })
      const state = await session.stateDict()
      const weights = new Map([...state].map(([name, tensor]) => [name, name === 'stem.1.weight' ? { ...tensor, data: new Uint8Array(new Float32Array(32).fill(8).buffer) } : tensor]))
      await session.loadStateDict(weights)
      await session.trainStep(makeBatch())
      return toFloat32((await session.stateDict()).get('stem.1.weight')!)[0]!
    }
    // Adam's first step is ±lr whatever the gradient; decay of 0.5 × 8 decides its sign. AdamW first takes 8 × 0.1 × 0.5 away.
    expect(await bias('adam')).toBeCloseTo(7.9, 3)
    expect([7.5, 7.7]).toContainEqual(expect.closeTo(await bias('adamw'), 3))
  })

  test.each(['adam', 'adamw'] as const)('%s operation by operation is the fused one but for the last bits, and its state is of the same kind', async (type) => {
    const after = async (fused: boolean): Promise<{ model: StateDict; training: StateDict }> => {
      await using session = await Session.create({ ...BASE, freeze: 'trunk', optimizer: { type, lr: 1e-2, weightDecay: 0.1, fused } })
      for (let i = 0; i < 5; i++) await session.trainStep(makeBatch())
      return { model: await session.stateDict(), training: await session.trainingState() }
    }
    const [fused, each] = [await after(true), await after(false)]
    expect([...each.training.keys()]).toEqual([...fused.training.keys()])
    for (const state of ['model', 'training'] as const) {
      for (const name of fused[state].keys()) {
        if (!/fc\./.test(name)) continue
        const [a, b] = [toFloat32(fused[state].get(name)!), toFloat32(each[state].get(name)!)]
        expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))).toBeLessThan(1e-6)
      }
    }
  })

  test.each([['contiguous', 'compute the very bytes of libtorch'], ['channels_last', 'have last bits of their own']] as const)('in %s memory the addon’s kernels %s', async (memoryFormat, _) => {
    const after = async (kernels: 'auto' | 'plain'): Promise<StateDict> => {
      await using session = await Session.create({ ...BASE, kernels, memoryFormat, optimizer: { lr: 1e-4 } })
      for (let i = 0; i < 2; i++) await session.trainStep(makeBatch())
      return await session.stateDict()
    }
    await using other = await Session.create(BASE)
    const [auto, plain] = await Promise.all([after('auto'), after('plain')])
    await other.evalStep(makeBatch())
    expect(bytesOf(auto, /./) === bytesOf(plain, /./)).toBe(memoryFormat === 'contiguous')
    expect(bytesOf(auto, /num_batches_tracked/)).toBe(bytesOf(plain, /num_batches_tracked/))
    for (const name of ['stem.1.running_mean', 'stem.1.running_var']) {
      const [a, b] = [toFloat32(auto.get(name)!), toFloat32(plain.get(name)!)]
      expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))).toBeLessThan(1e-4)
    }
  })

  test('memory of a batch may be used again at once', async () => {
    await using session = await Session.create(BASE)
    await using twin = await Session.create(BASE)
    const batch = makeBatch()
    const pending = session.trainStep(batch)
    batch.images.pixels.fill(0)
    batch.labels!.fill(2)
    expect(await pending).toEqual(await twin.trainStep(makeBatch()))
  })
})

describe('state', () => {
  test('a model and its optimizer, moved to another session, go on with the very same steps', async () => {
    await using first = await Session.create(BASE)
    for (let i = 0; i < 2; i++) await first.trainStep(makeBatch())
    await using second = await Session.create({ ...BASE, seed: 99 })
    await second.loadStateDict(await first.stateDict())
    await second.loadTrainingState(await first.trainingState())
    for (let i = 0; i < 2; i++) expect(await second.trainStep(makeBatch())).toEqual(await first.trainStep(makeBatch()))
    expect(bytesOf(await second.stateDict(), /./)).toBe(bytesOf(await first.stateDict(), /./))
  })

  test('strict loading names what is missing, unexpected and of another shape', async () => {
    await using session = await Session.create(BASE)
    await using other = await Session.create({ ...BASE, classes: 5 })
    const state = new Map(await other.stateDict())
    state.delete('stem.1.bias')
    state.set('extra', { dtype: 'float32', shape: [1], data: new Uint8Array(4) })
    await expect(session.loadStateDict(state)).rejects.toMatchObject({
      code: 'ERR_STATE_DICT_MISMATCH',
      message: expect.stringMatching(/missing stem\.1\.bias; unexpected extra; of another shape fc\.weight \(expected float32 \[3, 440\], received float32 \[5, 440\]\), fc\.bias/),
    })
    const before = await session.stateDict()
    const report = await session.loadStateDict(state, { strict: false })
    expect(report).toMatchObject({ missing: ['stem.1.bias'], unexpected: ['extra'], mismatched: [{ name: 'fc.weight' }, { name: 'fc.bias' }] })
    const after = await session.stateDict()
    expect(bytesOf(after, /^fc\./)).toBe(bytesOf(before, /^fc\./))
    expect(bytesOf(after, /^stem\.0/)).toBe(bytesOf(state, /^stem\.0/))
  })

  test('half precision is widened', async () => {
    await using session = await Session.create(BASE)
    const bias = { dtype: 'float16', shape: [3], data: new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x3800).buffer) } as const
    await session.loadStateDict(new Map([['fc.bias', bias]]), { strict: false })
    expect([...toFloat32((await session.stateDict()).get('fc.bias')!)]).toEqual([1, -2, 0.5])
  })
})

describe('what is wrong is refused', () => {
  test.each<[Partial<SessionOptions>, string]>([
    [{ kernels: 'fast' as never }, 'ERR_ARGUMENT'], [{ optimizer: { fused: 'no' as never } }, 'ERR_ARGUMENT'], [{ scorePrecision: 'bf16' as never }, 'ERR_ARGUMENT'],
    [{ precision: 'fp16', allowSlow: true, optimizer: { fused: false } }, 'ERR_ARGUMENT'],
    [{ model: 'resnet50' as never }, 'ERR_MODEL_UNKNOWN'], [{ classes: 0 }, 'ERR_ARGUMENT'], [{ device: 'cuda:7' }, 'ERR_DEVICE'], [{ device: 'tpu' as never }, 'ERR_ARGUMENT'],
    [{ precision: 'fp16' }, 'ERR_PRECISION'], [{ precision: 'fp8' as never }, 'ERR_ARGUMENT'], [{ threads: 0 }, 'ERR_ARGUMENT'], [{ seed: -1 }, 'ERR_ARGUMENT'],
    [{ optimizer: { type: 'sgd' as never } }, 'ERR_ARGUMENT'], [{ optimizer: { betas: [1, 0.9] } }, 'ERR_ARGUMENT'], [{ optimizer: { groups: [{ match: 'fc' as never }] } }, 'ERR_ARGUMENT'],
    [{ loss: { labelSmoothing: 2 } }, 'ERR_ARGUMENT'], [{ loss: { classWeights: [1, 2] } }, 'ERR_ARGUMENT'], [{ freeze: 'all' as never }, 'ERR_ARGUMENT'],
  ])('%j is %s', async (options, code) => {
    await expect(Session.create({ ...BASE, ...options })).rejects.toMatchObject({ name: 'TorchgraftError', code })
  })

  test('batches that do not fit together reject with ERR_BATCH_SHAPE, and the session goes on', async () => {
    await using session = await Session.create(BASE)
    const batch = makeBatch()
    const { labels: _, ...unlabelled } = batch
    const bad: Batch[] = [
      unlabelled, { ...batch, labels: new Int32Array(5) },
      { ...batch, labels: Int32Array.of(0, 1, 2, 3, 0, 0) }, { ...batch, labels: new Int32Array(6).fill(-1) },
      { ...batch, images: { ...batch.images, pixels: batch.images.pixels.subarray(3) } },
      { ...batch, images: { ...batch.images, plans: [] } },
    ]
    for (const wrong of bad) await expect(session.trainStep(wrong)).rejects.toMatchObject({ name: 'TorchgraftError', code: 'ERR_BATCH_SHAPE' })
    await expect(session.trainStep(batch, { lr: -1 })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' })
    const { loss, correct, logits } = await session.evalStep(unlabelled)
    expect([loss, correct, logits.length]).toEqual([Number.NaN, Number.NaN, 18])
    expect((await session.trainStep(batch)).steps).toBe(1)
  })

  test('errors have a stack of JavaScript and their cause', async () => {
    await using session = await Session.create(BASE)
    const error = await session.trainStep({ ...makeBatch(), labels: new Int32Array(1) }).catch((reason: unknown) => reason as Error)
    expect(error).toBeInstanceOf(Error)
    expect((error as Error).stack).toContain('session.test.ts')
    expect((error as Error).cause).toBeDefined()
  })

  test('too much memory is ERR_OUT_OF_MEMORY, and the process lives', async () => {
    await using session = await Session.create(BASE)
    const { images: one } = makeBatch(1, 1)
    // 206 TB: more than a process can address, so that no system promises it, however much it overcommits.
    const size = 64_000
    const plans = Array.from({ length: size }, () => one.plans[0]!)
    const images = { ...one, pixels: new Uint8Array(size * 3), shapes: new Int32Array(size * 2).fill(1), plans, output: 16_384 }
    await expect(session.evalStep({ size, step: 0, indices: new Int32Array(size), images })).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY', message: expect.stringContaining('smaller batch') })
    expect((await session.trainStep(makeBatch())).steps).toBe(1)
  })
})

describe('disposal', () => {
  test('waits for what was asked before, refuses what comes after, and may be called twice', async () => {
    const session = await Session.create(BASE)
    const before = session.trainStep(makeBatch())
    const disposal = session.dispose()
    const after = session.trainStep(makeBatch())
    await expect(before).resolves.toMatchObject({ steps: 1 })
    await expect(after).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
    await disposal
    await session.dispose()
    await expect(session.stateDict()).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
  })

  test('several sessions at once do not touch each other', async () => {
    await using a = await Session.create(BASE)
    await using b = await Session.create({ ...BASE, precision: 'bf16' })
    await using alone = await Session.create(BASE)
    const mixed = await Promise.all([
      a.trainStep(makeBatch()), b.trainStep(makeBatch()), a.trainStep(makeBatch()), b.evalStep(makeBatch()),
      a.evalStep(makeBatch()),
    ])
    const plain = [await alone.trainStep(makeBatch()), await alone.trainStep(makeBatch()), await alone.evalStep(makeBatch())]
    expect([mixed[0], mixed[2], mixed[4]]).toEqual(plain)
  })
})
