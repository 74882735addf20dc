import { existsSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { hashFile } from '../../../scripts/common/hashes.mjs'
import { separateState } from '../../runs/checkpoint-store.js'
import { modelFileAt } from '../../runs/model-file-at.js'
import type { WeightsOrigin } from '../../runs/model-metadata.js'
import { METADATA_KEY, parseModelMetadata } from '../../runs/model-metadata.js'
import { type Message, TorchgraftError } from '../../errors.js'
import { contentsOf } from '../checkpoint-contents.js'
import { fileKind } from '../../formats/file-kind.js'
import { type LazyStateDict, loadAll } from '../../formats/lazy-tensor.js'
import { PthFile } from '../../formats/pth/pth.js'
import { readSafetensors } from '../../formats/safetensors.js'
import { torchvisionNames } from '../state-dict-names.js'
import { byteLength, type StateDict, type Tensor } from '../../formats/tensor.js'
import { packageRoot } from '../../package.js'
import { loadAddon } from '../../addon/load.js'
import { familyOf } from '../families.js'
import { headNames } from '../model-graph.js'
import { describeDifferences, nearestModel } from '../nearest-model.js'
import type { Session } from '../../session/session.js'
import type { LoadReport } from '../state-layout.js'
import type { ModelName } from '../catalogue.js'
import { foldedError } from '../../formats/file-error.js'
import { plural } from '../../text/plural.js'
import { SHIPPED_WEIGHTS } from '../catalogue.js'
import { type CatalogueEntry, fileOf, findInCatalogue } from './catalogue.js'
import { checkWeights } from './check-weights.js'

export interface InitialWeights extends AsyncDisposable {
  readonly tensors: LazyStateDict
  /** Of the head, where the file tells. */
  readonly classes: readonly string[] | undefined
  readonly model: ModelName | undefined
  readonly origin: WeightsOrigin
  /** What was done on reading them. */
  readonly notes: readonly string[]
}

/**
 * Opens weights by the name they ship under, or from a file: .safetensors, or .pth of PyTorch, whatever its name ends in; the best
 * of a run folder.
 *
 * @throws ERR_WEIGHTS_MISSING, ERR_FILE_FORMAT, ERR_FILE_CHECKSUM, ERR_PICKLE_REFUSED
 */
export async function openInitialWeights(weights: string): Promise<InitialWeights> {
  const { name, path, entry } = await locate(weights)
  const kind = await fileKind(path)
  const sha256 = entry ? (await checkWeights(entry, path)).sha256 : await hashFile(path)
  if (kind === 'onnx') throw foldedError(path)
  if (kind === 'pth') {
    const file = await PthFile.open(path)
    try {
      const { model, notes } = contentsOf(file)
      const origin = { name, sha256, licence: entry?.licence ?? null }
      const close = (): Promise<void> => file[Symbol.asyncDispose]()
      return { tensors: model, classes: undefined, model: entry?.model, origin, notes, [Symbol.asyncDispose]: close }
    } catch (error) {
      await file[Symbol.asyncDispose]()
      throw error
    }
  }
  const { tensors, metadata } = await readSafetensors(path)
  const known = METADATA_KEY in metadata ? parseModelMetadata(path, metadata).metadata : undefined
  const { model } = separateState(tensors) // a `last` file will do as well
  const named = known ? { tensors: model, notes: [] } : torchvisionNames(model)
  return {
    tensors: named.tensors,
    classes: known?.classes,
    model: known?.model,
    origin: { name, sha256, licence: known?.weights?.licence ?? null },
    notes: named.notes,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

/**
 * Puts a session where its run begins: weights into it, if there are any. The head goes along where its classes are the
 * same ones, in whatever order; otherwise it stays new. A recipe may bring a head of its own.
 *
 * @returns what to tell the user.
 * @throws ERR_STATE_DICT_MISMATCH when anything but the head does not fit
 */
export async function beginModel(
  session: Session,
  weights: InitialWeights | null,
  classes: readonly string[],
  recipeHead?: StateDict,
): Promise<string[]> {
  const notes = weights ? await applyWeights(session, weights, classes, recipeHead !== undefined) : ['The model is trained from scratch.']
  if (recipeHead) await session.loadStateDict(recipeHead, { strict: false })
  return notes
}

async function applyWeights(session: Session, weights: InitialWeights, classes: readonly string[], newHead: boolean): Promise<string[]> {
  const { origin } = weights
  const { model } = weights
  if (model !== undefined && model !== session.model) {
    throw new TorchgraftError('ERR_STATE_DICT_MISMATCH', (option) => `${origin.name} holds weights of ${model}, but the model is ${session.model}: choose ${option('model', model)}, or other ${option('weights')}`)
  }
  const headTensors = new Set(headNames(session.model))
  const head = newHead ? [] : await fitHead(weights, headTensors, classes)
  const tensors: LazyStateDict = new Map([...[...weights.tensors].filter(([name]) => !headTensors.has(name)), ...head])
  const report = await session.loadStateDict(tensors, { strict: false })
  const missing = report.missing.filter((name) => !headTensors.has(name))
  const mismatched = report.mismatched.filter(({ name }) => !headTensors.has(name))
  const { unexpected } = report
  if (missing.length + mismatched.length + unexpected.length > 0) throw unfitError(session, weights, { missing, mismatched, unexpected })
  const fresh = report.missing.length + report.mismatched.length > 0
  const terms = origin.licence === null ? [] : [`The weights ${origin.name} come with terms: ${origin.licence}. To be free of them, train from other weights, or from none.`]
  return [...terms, ...weights.notes, fresh ? `The head (the last layer) is new, for ${plural(classes.length, 'class', 'classes')}.` : `The head is taken from ${origin.name}.`]
}

/** Says what these weights are, or what differs. */
function unfitError({ model, classes }: Session, { origin, tensors }: InitialWeights, report: LoadReport): TorchgraftError {
  const family = familyOf(tensors.keys())
  const nearest = family === undefined ? nearestModel(tensors) : undefined
  const refuse = (what: Message): TorchgraftError => {
    const lead = `The weights ${origin.name} do not fit ${model}: `
    return new TorchgraftError('ERR_STATE_DICT_MISMATCH', typeof what === 'string' ? lead + what : (option) => lead + what(option))
  }
  if (family !== undefined) return refuse(`its names are those of ${family}`)
  if (!nearest) return refuse(describeDifferences(report, loadAddon().describe(model, classes).tensors, tensors))
  if (nearest.variant === model) return refuse(describeDifferences(nearest.report, nearest.layout, tensors))
  return refuse((option) => `they look like those of ${nearest.variant}: choose ${option('model', nearest.variant)}`)
}

/** The head's tensors in the order of `classes`, or none where its classes are others: a head belongs to those that it was trained for. */
async function fitHead(weights: InitialWeights, headTensors: ReadonlySet<string>, classes: readonly string[]): Promise<[string, Tensor][]> {
  const { tensors, classes: trained } = weights
  const head = [...(await loadAll(new Map([...tensors].filter(([name]) => headTensors.has(name)))))]
  if (!trained) return head
  const rows = classes.map((label) => trained.indexOf(label))
  if (trained.length !== classes.length || rows.includes(-1)) return []
  return head.map(([name, tensor]) => [name, { ...tensor, data: reorderRows(tensor, rows) }])
}

function reorderRows({ dtype, shape, data }: Tensor, rows: readonly number[]): Uint8Array {
  const stride = byteLength(dtype, shape.slice(1))
  const result = new Uint8Array(data.length)
  for (const [to, from] of rows.entries()) result.set(data.subarray(from * stride, (from + 1) * stride), to * stride)
  return result
}

async function locate(weights: string): Promise<{ readonly name: string; readonly path: string; readonly entry?: CatalogueEntry }> {
  if (Object.values(SHIPPED_WEIGHTS).includes(weights))
    return { name: weights, path: join(packageRoot(), 'weights', `${weights}.safetensors`) }
  if (existsSync(weights)) {
    const path = await modelFileAt(weights)
    return { name: basename(path, extname(path)), path }
  }
  const entry = findInCatalogue(weights)
  if (entry) return { name: weights, path: presentFile(entry), entry }
  const known = Object.values(SHIPPED_WEIGHTS).join(', ')
  throw new TorchgraftError('ERR_WEIGHTS_MISSING', `There are no weights ${JSON.stringify(weights)}: it is neither a file, nor the name of those that ship (${known}), nor one that "torchgraft weights" lists`, { path: weights })
}

function presentFile(entry: CatalogueEntry): string {
  const file = fileOf(entry)
  if (existsSync(file)) return file
  throw new TorchgraftError('ERR_WEIGHTS_MISSING', `${entry.name} is not on this disk (${entry.megabytes} MB): run "torchgraft weights pull ${entry.name}", or place the file as ${file}`, { path: file })
}
