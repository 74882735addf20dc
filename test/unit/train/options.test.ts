import { balancedWeights } from '../../../src/recipes/class-weights.js'
import { sessionOptions } from '../../../src/recipes/default/recipe.js'
import type { Parameter } from '../../../src/session/options.js'
import type { TrainOptions } from '../../../src/recipes/options.js'
import { checkTrainOptions } from '../../../src/train/options/checks.js'
import { resolveOptions } from '../../../src/train/options/resolve.js'

describe('resolveOptions', () => {
  test('without any, gives the default recipe', () => {
    expect(resolveOptions({})).toEqual({
      recipe: 'default', model: 'regnet_y_400mf', weights: 'regnet_y_400mf-tiny-imagenet', epochs: 12, batchSize: 32, size: 224, progressiveResizing: true, lr: 1e-3, val: 0.15, seed: 1, monitor: 'val/top1', patience: null,
      freeze: 'none', classWeights: 'none', meanStd: 'imagenet', sanitySteps: 0, kernels: 'auto', device: 'auto', precision: 'auto', memoryFormat: null, threads: null, syncBatchNorm: false, strictImages: false, followLinks: false, saveEveryMinutes: 10,
    })
  })

  test.each([
    [{ epochs: 0 }, 'epochs'], [{ epochs: 1.5 }, 'epochs'], [{ batchSize: -1 }, 'batchSize'], [{ lr: 0 }, 'lr'], [{ lr: Number.NaN }, 'lr'], [{ size: 8 }, 'size'],
    [{ val: 1 }, 'val'], [{ val: '' }, 'val'], [{ seed: -1 }, 'seed'], [{ monitor: 'val/lss' as never }, 'monitor'], [{ patience: 0 }, 'patience'],
    [{ freeze: 'all' as never }, 'freeze'], [{ weights: 3 as never }, 'weights'], [{ strictImages: 'yes' as never }, 'strictImages'], [{ threads: 0 }, 'threads'],
  ] as const)('refuses %j, naming %s', (options, name) => {
    expect(() => checkTrainOptions(options as TrainOptions)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringContaining(` for ${name} but received`) }))
  })

  test('images grow, unless patience might end a run before they have', () => {
    expect(resolveOptions({ patience: 3 }).progressiveResizing).toBe(false)
    expect(resolveOptions({ patience: 3, progressiveResizing: true }).progressiveResizing).toBe(true)
    expect(resolveOptions({ progressiveResizing: false }).progressiveResizing).toBe(false)
  })

  test('the notebook\'s recipe has one size, and refuses to grow', () => {
    expect(resolveOptions({ recipe: 'notebook', weights: null }).progressiveResizing).toBe(false)
    expect(() => resolveOptions({ recipe: 'notebook', weights: null, progressiveResizing: true })).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringContaining('progressiveResizing') }))
  })

  test('a model that does not exist, and one that no weights ship for, are told apart', () => {
    expect(() => checkTrainOptions({ model: 'resnet50' as never })).toThrow(expect.objectContaining({ code: 'ERR_MODEL_UNKNOWN' }))
    expect(() => resolveOptions({ model: 'regnet_x_400mf' })).toThrow(expect.objectContaining({ code: 'ERR_WEIGHTS_MISSING' }))
    expect(resolveOptions({ model: 'regnet_x_400mf', weights: null }).weights).toBeNull()
  })
})

describe('the default recipe', () => {
  const { optimizer } = sessionOptions(resolveOptions({}), 3, [10, 20, 30])
  const groupOf = (parameter: Parameter) => optimizer?.groups?.find(({ match }) => typeof match === 'function' && match(parameter))

  test.each<[string, Parameter['role'], boolean, number | undefined, number | undefined]>([
    ['a convolution’s weight', 'weight', false, undefined, undefined], ['a convolution’s bias', 'bias', false, undefined, 0],
    ['a norm’s scale or shift', 'norm', false, undefined, 0],
    ['the head’s weight', 'weight', true, 2, undefined], ['the head’s bias', 'bias', true, 2, 0],
  ])('%s (%s, of the head: %s): lr × %s, weight decay %s', (name, role, head, lrScale, weightDecay) => {
    const group = groupOf({ name, role, head })
    expect(group?.lrScale).toBe(lrScale)
    expect(group?.weightDecay).toBe(weightDecay)
  })

  test('balanced class weights are images / (classes × the class’s images)', () => {
    expect(balancedWeights([10, 20, 30])).toEqual([2, 1, 60 / 90])
    expect(balancedWeights([5, 0])).toEqual([0.5, 0])
  })
})
