import { checkSameness, LABELS_ALIKE, LOSS_TOLERANCE, ROUNDED_TOLERANCE, MismatchError } from '../../../bench/report/sameness.mjs'

const notebook = { how: '', precision: 'fp32', losses: [2, 1.5, 1], images: 64 } as const

describe('whether all did the same work', () => {
  test('equal work passes, and is told of', () => {
    const told = checkSameness('train-step', { torchgraft: notebook, notebook })
    expect(told).toHaveLength(2)
    expect(told[0]).toBe('images: torchgraft 64 (notebook 64)')
    expect(told[1]).toContain('losses of 3 steps')
  })

  test.each([
    ['fp32', 'fp32', 2 * (1 + LOSS_TOLERANCE.fp32.first * 0.9), 1.5, true],
    ['fp32', 'fp32', 2 * (1 + LOSS_TOLERANCE.fp32.first * 1.1), 1.5, false],
    ['fp32', 'fp32', 2, 1.5 * (1 + LOSS_TOLERANCE.fp32.later * 1.1), false],
    ['bf16', 'fp32', 2 * (1 + LOSS_TOLERANCE.fp32.first * 1.1), 1.5, true],
    ['fp32', 'bf16', 2 * (1 - LOSS_TOLERANCE.bf16.first * 0.9), 1.5, true],
    ['bf16', 'bf16', 2 * (1 - LOSS_TOLERANCE.bf16.first * 1.1), 1.5, false],
    ['bf16', 'fp32', 2, 1.5 * (1 - LOSS_TOLERANCE.bf16.later * 1.1), false],
    ['bf16', 'fp32', Number.NaN, 1.5, false],
    ['bf16', 'fp16', 2, 1.5 * (1 + LOSS_TOLERANCE.fp16.later * 0.9), true],
    ['fp32', 'fp16', 2 * (1 + LOSS_TOLERANCE.fp16.first * 1.1), 1.5, false],
  ] as const)('%s beside %s: losses %d, %d beside 2, 1.5 are the same work: %s', (one, other, first, second, expected) => {
    const check = () => checkSameness('train-step', { torchgraft: { how: '', precision: one, losses: [first, second] }, notebook: { how: '', precision: other, losses: [2, 1.5] } })
    if (expected) expect(check()).toHaveLength(1)
    else expect(check).toThrow(MismatchError)
  })

  test.each([
    [ROUNDED_TOLERANCE * 0.9, true],
    [ROUNDED_TOLERANCE * 1.1, false],
  ])('a first loss that is %d apart is the same work, where images were kept as bytes: %s', (apart, expected) => {
    const check = () => checkSameness('evaluate', { tuned: { how: '', precision: 'fp32', rounded: true, losses: [2 * (1 + apart)] }, notebook: { how: '', precision: 'fp32', losses: [2] } })
    if (expected) expect(check()).toHaveLength(1)
    else expect(check).toThrow(MismatchError)
  })

  test('one that does not learn is found out, when its first image comes round again', () => {
    const frozen = { ...notebook, losses: [2, 1.5, 2] }
    expect(() => checkSameness('train-step', { torchgraft: notebook, notebook, tuned: frozen })).toThrow(/loss of step 3 is 2.0000 in tuned and 1.0000 in notebook/)
  })

  test.each([
    ['other images', { ...notebook, images: 63 }, /torchgraft had 63 images and notebook 64/],
    ['no count of images', { how: '', precision: 'fp32', losses: [2, 1.5, 1] } as const, /had no images/],
    ['fewer losses', { ...notebook, losses: [2, 1.5] }, /told 2 losses and notebook 3/],
  ])('%s are no same work', (_, torchgraft, message) => {
    expect(() => checkSameness('m', { torchgraft, notebook })).toThrow(message)
  })

  test.each([
    ['fp32', 100 - Math.round(100 * LABELS_ALIKE.fp32), true],
    ['fp32', 101 - Math.round(100 * LABELS_ALIKE.fp32), false],
    ['bf16', 100 - Math.round(100 * LABELS_ALIKE.bf16), true],
    ['bf16', 101 - Math.round(100 * LABELS_ALIKE.bf16), false],
  ] as const)('in %s, %d of 100 labels may differ: %s', (precision, others, expected) => {
    const labels = Array.from({ length: 100 }, (_, i) => i % 7)
    const found = labels.map((label, i) => (i < others ? label + 1 : label))
    const check = () => checkSameness('predict', { torchgraft: { how: '', precision, labels: found }, notebook: { how: '', precision: 'fp32', labels } })
    if (expected) expect(check()[0]).toContain('labels alike')
    else expect(check).toThrow(MismatchError)
  })

  test('where the notebook is left out, the others are compared with torchgraft', () => {
    expect(() => checkSameness('m', { torchgraft: notebook, tuned: { ...notebook, images: 1 } })).toThrow(/tuned had 1 images and torchgraft 64/)
    expect(checkSameness('m', { torchgraft: notebook })).toEqual([])
  })
})
