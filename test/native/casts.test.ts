import { engineCheck } from '../helpers/processes/engine-check.js'

// What a GPU does with weights in mixed precision, on the CPU: they are cast together, where autocast casts one after another.

interface Pass {
  /** Names of tensors that are not the same to the bit: logits, gradients, scores. */
  readonly different: readonly string[]
  readonly tensors: number
  /** In the backward pass, where autocast casts and where they are cast together. */
  readonly casts: readonly [alone: number, together: number]
  readonly convolutions: readonly [alone: number, together: number]
}

interface Tensors {
  readonly values: readonly boolean[]
  readonly gradients: readonly string[]
  readonly frozen: boolean
}

// The head has a weight and a bias; convolutions before a norm have none. Beside the gradients there are logits and scores.
const HEAD = 2
const OUTPUTS = 2

test.each([
  { model: 'regnet_y_400mf', before: 53, all: 53 + 2 * 16, gradients: 3 * 53 + 4 * 16 + HEAD },
  { model: 'regnet_x_400mf', before: 71, all: 71, gradients: 3 * 71 + HEAD },
])('$model: weights that are cast together give the bits of those that autocast casts, in training, with the head alone, and in scoring', async ({ model, before, all, gradients }) => {
  const found = (await engineCheck('casts', model)) as Record<string, Pass>
  const { [model]: trained, [`${model}, frozen`]: frozen } = found
  expect(trained).toMatchObject({ different: [], tensors: gradients + OUTPUTS, convolutions: [all, all] })
  expect(trained!.casts[0] - trained!.casts[1]).toBe(before + HEAD)
  expect(frozen).toMatchObject({ different: [], tensors: HEAD + OUTPUTS, convolutions: [0, 0] })
  expect(frozen!.casts[0] - frozen!.casts[1]).toBe(HEAD)
}, 60_000)

test('tensors that are cast together: a frozen one stays so, one that nothing reads gets no gradient, infinities and what is no number come through', async () => {
  const { values, gradients, frozen } = (await engineCheck('casts')) as Tensors
  expect(values).toEqual([true, true, true])
  expect(gradients).toEqual(['same', 'none', 'none'])
  expect(frozen).toBe(true)
})
