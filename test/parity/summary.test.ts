import { createHash } from 'node:crypto'
import { MODEL_NAMES } from '../../src/models/catalogue.js'
import { summarize, type SummarizeOptions } from '../../src/inference/summarize.js'
import { modelSummaryText } from '../../src/report/model-summary.js'
import { readFixture } from './rows.js'

interface Summaries {
  /** Of regnet_y_400mf with 18 classes, which PyTorch did run. */
  readonly whole: string
  readonly variants: Readonly<Record<string, { readonly sha256: string; readonly parameters: number }>>
  readonly cases: readonly (SummarizeOptions & { readonly sha256: string })[]
}

const fixture = readFixture<Summaries>('summaries')
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

describe('a summary is torchsummary’s, character for character', () => {
  test('whole, of regnet_y_400mf with 18 classes', async () => {
    expect(modelSummaryText(await summarize({ model: 'regnet_y_400mf', classes: 18 }))).toBe(fixture.whole)
  })

  test('of all variants', () => {
    expect(new Set(Object.keys(fixture.variants))).toEqual(new Set(MODEL_NAMES))
  })

  test.each(MODEL_NAMES)('%s, with torchvision’s count of parameters', async (model) => {
    const summary = await summarize({ model })
    expect({ sha256: sha256(modelSummaryText(summary)), parameters: summary.parameters }).toEqual(fixture.variants[model])
  })

  test.each(fixture.cases)('$model at $size px with $classes classes, in batches of $batchSize', async ({ sha256: expected, ...options }) => {
    expect(sha256(modelSummaryText(await summarize(options)))).toBe(expected)
  })
})
