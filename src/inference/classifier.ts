import type { ModelMetadata } from '../runs/model-metadata.js'
import { modelFileAt } from '../runs/model-file-at.js'
import { decodeImage } from '../images/decode.js'
import type { ImageSource } from '../images/image-source.js'
import { argumentError, TorchgraftError } from '../errors.js'
import { abortSignal, type Check, checkFields, type Fields, integerField } from '../options/checks.js'
import { fileKind } from '../formats/file-kind.js'
import { aPath, type LocalPath } from '../options/local-path.js'
import { COMPUTE_FIELDS, type ComputeOptions } from './options.js'
import { largestIndices } from './largest-indices.js'
import type { OpenedScorer, Scorer } from './scorer.js'
import { startedAhead } from './started-ahead.js'

export type ClassifierOptions = ComputeOptions

export interface PredictOptions {
  /** How many classes to give for each image, the most probable first. 1 or more. @default all */
  readonly topK?: number
  /** Stops between batches, and rejects with `signal.reason`. */
  readonly signal?: AbortSignal
}

export interface PredictAllOptions extends PredictOptions {
  /** Images that go through the model at once: 1 to 65,536. @default 32; on a GPU 128, and fewer where the model sees more than 224 px */
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
   * decoded while the ones before them go through the model: up to three batches are taken ahead of the results.
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
    { topK, signal, batchSize = this.#scorer.batchSize }: PredictAllOptions,
    name: (i: number) => string,
  ): AsyncGenerator<ImagePrediction<T>, void, undefined> {
    let begun = 0
    // Two batches are decoded at a time, so that no core waits for the last image of one, and two scored, so that no GPU waits for
    // what JavaScript does with its results.
    const decoded = startedAhead(grouped(images, batchSize), 1, (group) => {
      begun += group.length
      return this.#decode(group, begun - group.length, name)
    })
    const scored = startedAhead(decoded, 1, async (batch) => {
      signal?.throwIfAborted()
      return { batch, rows: await this.#score(batch) }
    })
    for await (const { batch, rows } of scored) {
      signal?.throwIfAborted()
      yield* this.#predictions(batch, rows, topK)
    }
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

  /** Probabilities of those that could be read. */
  async #score(decoded: readonly Decoded<unknown>[]): Promise<readonly ArrayLike<number>[]> {
    const readable = decoded.flatMap(({ pixels }) => (pixels ? [pixels] : []))
    return readable.length === 0 ? [] : this.#scorer.score(readable)
  }

  #predictions<T>(decoded: readonly Decoded<T>[], rows: readonly ArrayLike<number>[], topK: number | undefined): ImagePrediction<T>[] {
    const probabilities = rows.values()
    return decoded.map(({ image, error }) => {
      if (error) return { image, predictions: [], error }
      return { image, predictions: this.#rank(probabilities.next().value ?? [], topK) }
    })
  }

  /** The most probable class first. @param probabilities one for each class */
  #rank(probabilities: ArrayLike<number>, topK: number = probabilities.length): Prediction[] {
    const best = largestIndices(probabilities, topK)
    return best.map((i) => ({ label: this.classes[i] ?? String(i), probability: probabilities[i] as number }))
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
