import type { ModelMetadata } from '../runs/model-metadata.js'
import { modelFileAt } from '../runs/model-file-at.js'
import { decodeImage } from '../images/decode.js'
import type { ImageSource } from '../images/image-source.js'
import { argumentError, TorchgraftError } from '../errors.js'
import { abortSignal, type Check, checkFields, type Fields, integerField } from '../options/checks.js'
import { fileKind } from '../formats/file-kind.js'
import { aPath, type LocalPath } from '../options/local-path.js'
import { COMPUTE_FIELDS, type ComputeOptions } from './options.js'
import type { OpenedScorer, Scorer } from './scorer.js'

export type ClassifierOptions = ComputeOptions

export interface PredictOptions {
  /** How many classes to give for each image, the most probable first. 1 or more. @default all */
  readonly topK?: number
  /** Stops between batches, and rejects with `signal.reason`. */
  readonly signal?: AbortSignal
}

export interface PredictAllOptions extends PredictOptions {
  /** Images that go through the model at once: 1 to 65,536. @default 32 */
  readonly batchSize?: number
}

/** What each option of predicting takes. */
export const PREDICT_FIELDS: Fields<PredictOptions> = { topK: integerField({ min: 1 }), signal: abortSignal }
const PREDICT_ALL_FIELDS: Fields<PredictAllOptions> = { ...PREDICT_FIELDS, batchSize: integerField({ min: 1, max: 65_536 }) }

export interface Prediction {
  readonly label: string
  /** The softmax of the model's outputs, from 0 to 1; those of all classes add up to 1. */
  readonly probability: number
}

export type ImagePrediction<T> =
  | { readonly image: T; readonly predictions: Prediction[]; readonly error?: undefined }
  | { readonly image: T; readonly predictions: []; readonly error: TorchgraftError }

/** A trained model, ready to tell what is in an image. Dispose of it when done: the model's memory is not JavaScript's. */
export class Classifier implements AsyncDisposable {
  readonly #scorer: Scorer
  /** What the model file says of itself: classes, image size, normalization, where its weights came from. */
  readonly metadata: ModelMetadata
  /** What was done on reading the file, such as mapping names. */
  readonly notes: readonly string[]

  private constructor({ scorer, metadata, notes }: OpenedScorer) {
    this.#scorer = scorer
    this.metadata = metadata
    this.notes = notes
  }

  /**
   * Opens a model file, or the best one of a run folder: everything that predicting needs is in it. PyTorch's .pth files and weights
   * of others do not name their classes: give them as `classes`. A .onnx file that `exportModel` wrote is computed by onnxruntime-node
   * or onnxruntime-web, which you install, without libtorch.
   *
   * @throws ERR_FILE_FORMAT, ERR_FILE_CHECKSUM, ERR_PICKLE_REFUSED, ERR_ARGUMENT, ERR_DEVICE, ERR_PRECISION, ERR_RUNTIME_MISSING
   */
  static async open(file: LocalPath, options: ClassifierOptions = {}): Promise<Classifier> {
    aPath('a model file')(file, 'file')
    checkFields<ClassifierOptions>(options, COMPUTE_FIELDS, 'Classifier.open')
    const path = await modelFileAt(file)
    const opened = (await fileKind(path)) === 'onnx'
      ? await (await import('./onnx/onnx-scorer.js')).openOnnxScorer(path, options)
      : await (await import('./session-scorer.js')).openSessionScorer(path, options)
    return new Classifier(opened)
  }

  /** Their names, in the order of the model's outputs. */
  get classes(): readonly string[] {
    return this.metadata.classes
  }

  /**
   * The classes of one image, the most probable first.
   *
   * @param image the path of an image file, a `file:` URL, or the file's bytes
   * @throws ERR_ARGUMENT, ERR_IMAGE_DECODE, ERR_IMAGE_TOO_LARGE, ERR_DISPOSED
   */
  async predict(image: ImageSource, options: PredictOptions = {}): Promise<Prediction[]> {
    checkFields<PredictOptions>(options, PREDICT_FIELDS, 'predict')
    for await (const { predictions, error } of this.#predictEach([image], options, () => 'image')) {
      if (error) throw error
      return predictions
    }
    return []
  }

  /**
   * The classes of many images, in the order given; one that cannot be read has an `error` instead of predictions. Images are
   * decoded while the ones before them go through the model.
   *
   * @throws ERR_ARGUMENT, ERR_DISPOSED; `signal.reason` when aborted
   */
  async *predictAll<T extends ImageSource>(
    images: Iterable<T> | AsyncIterable<T>,
    options: PredictAllOptions = {},
  ): AsyncGenerator<ImagePrediction<T>, void, undefined> {
    checkFields<PredictAllOptions>(options, PREDICT_ALL_FIELDS, 'predictAll')
    severalImages(images, 'images')
    yield* this.#predictEach(images, options, (i) => `images[${i}]`)
  }

  /** @param name of an image in messages, by its index */
  async *#predictEach<T extends ImageSource>(
    images: Iterable<T> | AsyncIterable<T>,
    { topK, signal, batchSize = 32 }: PredictAllOptions,
    name: (i: number) => string,
  ): AsyncGenerator<ImagePrediction<T>, void, undefined> {
    let begun = 0
    let decoded = Promise.resolve<Decoded<T>[]>([])
    for await (const group of grouped(images, batchSize)) {
      const before = await decoded
      signal?.throwIfAborted()
      decoded = this.#decode(group, begun, name)
      begun += group.length
      decoded.catch(() => {}) // it is awaited when its turn comes
      yield* await this.#score(before, topK)
    }
    const before = await decoded
    signal?.throwIfAborted()
    yield* await this.#score(before, topK)
  }

  /** Frees the model's memory, when what was asked of it before is done. May be called twice. */
  dispose(): Promise<void> {
    return this.#scorer.dispose()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  #decode<T extends ImageSource>(images: readonly T[], begun: number, name: (i: number) => string): Promise<Decoded<T>[]> {
    return Promise.all(images.map(async (image, i) => {
      try {
        return { image, pixels: await decodeImage(image, this.metadata.resize, name(begun + i)) }
      } catch (error) {
        if (error instanceof TorchgraftError) return { image, error }
        throw error
      }
    }))
  }

  async #score<T>(decoded: readonly Decoded<T>[], topK: number | undefined): Promise<ImagePrediction<T>[]> {
    const readable = decoded.flatMap(({ pixels }) => (pixels ? [pixels] : []))
    const rows = readable.length === 0 ? [] : await this.#scorer.score(readable)
    const probabilities = rows.values()
    return decoded.map(({ image, error }) => {
      if (error) return { image, predictions: [], error }
      return { image, predictions: this.#rank(probabilities.next().value ?? []).slice(0, topK) }
    })
  }

  /** The most probable class first. @param probabilities one for each class */
  #rank(probabilities: readonly number[]): Prediction[] {
    const predictions = probabilities.map((probability, i) => ({ label: this.classes[i] ?? String(i), probability }))
    return predictions.sort((a, b) => b.probability - a.probability)
  }
}

type AnyIterable = Iterable<unknown> & AsyncIterable<unknown> & { readonly readableObjectMode: unknown }

/** Several images, and not one of them: a text is an iterable of letters, a file's stream one of pieces. */
const severalImages: Check = (value, name) => {
  const { [Symbol.iterator]: each, [Symbol.asyncIterator]: eachLater, readableObjectMode } = (value ?? {}) as Partial<AnyIterable>
  const one = typeof value === 'string' || ArrayBuffer.isView(value) || readableObjectMode === false
  const iterable = typeof each === 'function' || typeof eachLater === 'function'
  if (one || !iterable) throw argumentError('an array or another iterable of images', name, value)
}

interface Decoded<T> {
  readonly image: T
  readonly pixels?: Awaited<ReturnType<typeof decodeImage>>
  readonly error?: TorchgraftError
}

async function* grouped<T>(items: Iterable<T> | AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let group: T[] = []
  for await (const item of items) {
    if (group.push(item) < size) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}
