import { TorchgraftError } from '../errors.js'
import { shortList, shortName } from '../formats/short-name.js'
import { describeTensor } from '../formats/tensor.js'
import { plural } from '../text/plural.js'
import type { NativeEntry, NativeTensor } from '../addon/binding.js'
import { loadAddon } from '../addon/load.js'
import { familyOf } from './families.js'
import { compareState, type LoadReport, type Shaped } from './state-layout.js'
import { FAMILIES, FAMILY_NAMES, MODEL_NAMES, type ModelName } from './catalogue.js'
import { headNames } from './model-graph.js'
import { some } from '../text/some.js'

type Shapes = ReadonlyMap<string, Shaped>

export interface NearestModel {
  readonly variant: ModelName
  readonly report: LoadReport
  readonly layout: readonly NativeTensor[]
}

/** Fewer than so many of a variant's tensors, by name and shape, say nothing. */
const LEAST_SHARE = 0.5
const MOST_NAMED = 3

/** The variant that has most of these tensors, if any has many of them. */
export function nearestModel(tensors: Shapes): NearestModel | undefined {
  const binding = loadAddon()
  const classes = outputsOf(tensors) ?? 1000
  let nearest: (NearestModel & { readonly wrong: number }) | undefined
  for (const variant of MODEL_NAMES) {
    const layout = binding.describe(variant, classes).tensors
    const report = compareState(layout, tensors)
    const lacking = report.missing.length + report.mismatched.length
    if (layout.length - lacking < layout.length * LEAST_SHARE) continue
    const wrong = lacking + report.unexpected.length
    if (!nearest || wrong < nearest.wrong) nearest = { variant, report, layout, wrong }
  }
  return nearest
}

/** What these tensors are, where they are no whole model's: a sentence's end, such as "its names are those of a ResNet". */
export function describeNearest(tensors: Shapes): string {
  const family = familyOf(tensors.keys())
  if (family !== undefined) return `its names are those of ${family}`
  const nearest = nearestModel(tensors)
  if (!nearest) return `its names are ${shortList([...tensors.keys()])}`
  return `nearest is ${nearest.variant}, but ${describeDifferences(nearest.report, nearest.layout, tensors)}`
}

/** ERR_STATE_DICT_MISMATCH, for a file whose tensors no variant has. */
export function noModelError(path: string, tensors: Shapes): TorchgraftError {
  const what = `${plural(tensors.size, 'tensor')} that ${tensors.size === 1 ? 'is not one' : 'are not those'} of any ${FAMILY_NAMES} of torchvision`
  return new TorchgraftError('ERR_STATE_DICT_MISMATCH', `${path} holds ${what}: ${describeNearest(tensors)}`, { path })
}

/** As `describeNearest`; where the addon may not be set up: undefined then. */
export function tryDescribeNearest(tensors: Shapes): string | undefined {
  try {
    return tensors.size === 0 ? undefined : describeNearest(tensors)
  } catch (error) {
    if (error instanceof TorchgraftError) return undefined
    throw error
  }
}

/** "it has fc.1.weight where fc.weight is expected; it has no stem.1.bias": what differs, the first few of each kind. */
export function describeDifferences(report: LoadReport, layout: readonly NativeTensor[], tensors: Shapes): string {
  const { missing, unexpected, mismatched } = report
  const pairs = pairUp(report, layout, tensors)
  const paired = new Set([...pairs.entries()].flat())
  const lacking = missing.filter((name) => !paired.has(name))
  const beyond = unexpected.filter((name) => !paired.has(name))
  const head = layout.filter((entry) => entry.head).map(({ name }) => name)
  const headless = head.every((name) => lacking.includes(name))
  const others = headless ? lacking.filter((name) => !head.includes(name)) : lacking
  const places = [...pairs].map(([expected, found]) => `${shortName(found)} where ${expected} is expected`)
  const shapes = mismatched.map(({ name, expected, received }) => `${name} is ${received} where ${expected} is expected`)
  return [
    ...(places.length > 0 ? [`it has ${firstOf(places)}${renaming(pairs)}`] : []),
    ...(headless ? [`it has no head (${head.join(', ')})`] : []),
    ...(others.length > 0 ? [`it has no ${shortList(others)}`] : []),
    ...(shapes.length > 0 ? [firstOf(shapes)] : []),
    ...(beyond.length > 0 ? [`it has ${shortList(beyond)} besides`] : []),
  ].join('; ')
}

function firstOf(texts: readonly string[]): string {
  return some(texts, MOST_NAMED, (rest) => `and ${rest} more of that kind`).join(', ')
}

/** How to mend it, where one part of all those names is another. */
function renaming(pairs: ReadonlyMap<string, string>): string {
  const part = (name: string): string => JSON.stringify(name.slice(0, name.lastIndexOf('.') + 1))
  const parts = new Set([...pairs].map(([expected, found]) => `${part(found)}, ${part(expected)}`))
  return parts.size === 1 ? ` (in Python: {k.replace(${[...parts][0]}): v for k, v in state_dict.items()})` : ''
}

/** What is expected, and what is there in its place: the same last word and the same shape. */
function pairUp({ missing, unexpected }: LoadReport, layout: readonly NativeEntry[], tensors: Shapes): Map<string, string> {
  const left = new Map<string, string[]>()
  for (const name of unexpected) {
    const tensor = tensors.get(name)
    if (!tensor) continue
    const kind = kindOf(name, tensor)
    const alike = left.get(kind)
    if (alike) alike.push(name)
    else left.set(kind, [name])
  }
  const lacking = new Set(missing)
  const pairs = new Map<string, string>()
  for (const entry of layout.filter(({ name }) => lacking.has(name))) {
    const found = left.get(kindOf(entry.name, entry))?.shift()
    if (found !== undefined) pairs.set(entry.name, found)
  }
  return pairs
}

function kindOf(name: string, tensor: Shaped): string {
  const dtype = tensor.dtype === 'int64' ? 'int64' : 'float32'
  return `${shortName(name.slice(name.lastIndexOf('.') + 1))} ${describeTensor({ dtype, shape: tensor.shape })}`
}

/** Of the head, or of what looks like one: the last matrix. */
function outputsOf(tensors: Shapes): number | undefined {
  const head = FAMILIES.map(({ names }) => headNames(names[0])[0]).find((name) => name !== undefined && tensors.has(name))
  const matrix = tensors.get(head ?? '') ?? [...tensors.values()].findLast(({ shape }) => shape.length === 2)
  const outputs = matrix?.shape[0] ?? 0
  return outputs > 0 ? outputs : undefined
}
