import { type Circumstances, judge, type OverfitStep } from '../../../src/explore/overfit-verdict.js'

const about: Circumstances = { size: 32, classes: 5, contradictions: [], resolved: { lr: 3e-4, freeze: 'none' } }
const steps = (losses: readonly number[], correct = 3): OverfitStep[] => losses.map((loss, i) => ({ step: i + 1, loss, correct }))
const falling = (count: number, from: number, to: number): number[] =>
  Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1))

test.each<[string, OverfitStep[], Partial<Circumstances>, boolean, RegExp]>([
  [
    'the notebook’s own losses', steps([2.86258, 2.12791, 1.55923, 1.09628, 0.75821, 0.53022, 0.38205, 0.28617, 0.22287, 0.17961]),
    {}, true, /^The loss went from 2\.8626 to 0\.1796/,
  ],
  ['a batch that is known by heart while the loss is still high', steps(falling(20, 3, 1), 31), {}, true, /31 of 32/],
  [
    'a loss that becomes NaN', steps([2, 9, Number.NaN]), {}, false,
    /no longer finite \(NaN or infinite\) at step 3: lower the learning rate \(0.0003 now\)/,
  ],
  ['a loss that rises', steps(falling(40, 2, 4)), {}, false, /did not fall at all: the learning rate is too high/],
  ['a loss that still falls', steps(falling(40, 3, 2)), {}, false, /still falling: give it more steps/],
  ['a loss that has stopped falling', steps([...falling(20, 3, 1.5), ...falling(60, 1.5, 1.49)]), {}, false, /stopped falling/],
  ['a frozen trunk', steps([...falling(20, 3, 1.5), ...falling(60, 1.5, 1.49)]), { resolved: { lr: 1e-3, freeze: 'trunk' } }, false, /Only the head is trained/],
  ['the same image in two classes', steps([...falling(20, 3, 1.5), ...falling(60, 1.5, 1.49)]), { contradictions: ['a/1.jpg and b/2.jpg'] }, false, /under different classes, which nothing can learn: a\/1.jpg and b\/2.jpg/],
  ['a batch of one class', steps(falling(20, 3, 0.01), 32), { classes: 1 }, true, /proves little/],
])('%s', (_, losses, circumstances, learned, reason) => {
  const verdict = judge(losses, { ...about, ...circumstances })
  expect(verdict.learned).toBe(learned)
  expect(verdict.reasons.join('\n')).toMatch(reason)
})
