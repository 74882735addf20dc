import { stat } from 'node:fs/promises'
import { Command } from 'commander'
import type { SkippedFile } from '../data/image-folder.js'
import { listPictures } from '../data/list-pictures.js'
import { joinPassedOver, NOTHING_PASSED_OVER, type PassedOver, PassedOverCounts, tellPassedOver } from '../data/passed-over.js'
import { TorchgraftError } from '../errors.js'
import { Classifier, type ClassifierOptions, type ImagePrediction, PREDICT_FIELDS, type PredictOptions } from '../predict/classifier.js'
import { percent, printable } from '../report/format.js'
import { classesOption, readClasses, sizeOption } from './model-files.js'
import { deviceOption, EXIT, given, jsonOption, number, precisionOption, type Streams, threadsOption } from './command.js'

interface PredictFlags extends Omit<ClassifierOptions, 'classes'>, Pick<PredictOptions, 'topK'> {
  readonly classes?: string
  readonly json?: boolean
  readonly csv?: boolean
}

export function predictCommand(streams: Streams, exit: (code: number) => void): Command {
  return new Command('predict')
    .summary('tell what is in pictures')
    .description('Tells the most probable classes of each picture; of a folder, of all pictures in it.')
    .argument('<model>', 'model file, such as runs/NAME/best.safetensors, or a .onnx file')
    .argument('<images...>', 'picture files or folders')
    .option('--top-k <n>', 'classes to tell of each', number, 3)
    .addOption(jsonOption().conflicts('csv'))
    .option('--csv', 'lines of image,label,probability')
    .addOption(classesOption())
    .addOption(sizeOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(threadsOption())
    .action(async (model: string, images: string[], flags: PredictFlags) => exit(await runPredict(model, images, flags, streams)))
}

async function runPredict(model: string, images: readonly string[], { topK = 3, json = false, csv = false, classes, ...where }: PredictFlags, { stdout, stderr }: Streams): Promise<number> {
  PREDICT_FIELDS.topK(topK, 'topK') // before anything is opened
  const found = await Promise.all(images.map(picturesIn))
  for (const { path, message } of found.flatMap(({ skipped }) => skipped)) stderr.write(`${printable(path)}: left out: ${printable(message)}\n`)
  const told = tellPassedOver(joinPassedOver(found.map(({ passedOver }) => passedOver)))
  const files = found.flatMap(({ pictures }) => pictures)
  if (files.length === 0) throw new TorchgraftError('ERR_DATA_EMPTY', `There are no images in ${images.join(', ')}${told.length > 0 ? `. ${told.join(' ').replace(/\.$/, '')}` : ''}`)
  for (const line of told) stderr.write(`${printable(line)}\n`)
  await using classifier = await Classifier.open(model, given({ ...where, classes: classes === undefined ? undefined : await readClasses(classes) }))
  for (const note of classifier.notes) stderr.write(`${note}\n`)
  const results: ImagePrediction<string>[] = []
  let failed = false
  if (csv) stdout.write('image,label,probability\n')
  for await (const result of classifier.predictAll(files, { topK })) {
    if (json) results.push(result)
    else if (result.error) stderr.write(`${printable(result.image)}: ${printable(result.error.message)}\n`)
    else stdout.write(csv ? csvLines(result) : textLine(result))
    failed ||= result.error !== undefined
  }
  if (json) stdout.write(`${JSON.stringify(results.map(toJson))}\n`)
  return failed ? EXIT.failed : EXIT.done
}

interface Found {
  readonly pictures: readonly string[]
  readonly skipped: readonly SkippedFile[]
  readonly passedOver: PassedOver
}

/** A folder's pictures, in those of its folders too, sorted by name, and what looks like one and is not read; anything else is taken for a picture. */
async function picturesIn(path: string): Promise<Found> {
  const info = await stat(path).catch(() => undefined)
  if (!info?.isDirectory()) return { pictures: [path], skipped: [], passedOver: NOTHING_PASSED_OVER }
  const counts = new PassedOverCounts()
  const { pictures, skipped } = await listPictures([{ label: '', path }], { root: path, followLinks: true, passedOver: counts })
  return { pictures: pictures.map((picture) => picture.path).sort(), skipped, passedOver: counts.counts }
}

function toJson({ image, predictions, error }: ImagePrediction<string>) {
  return error ? { image, error: { code: error.code, message: error.message } } : { image, predictions }
}

function textLine({ image, predictions }: ImagePrediction<string>): string {
  return `${printable(image)}  ${predictions.map(({ label, probability }) => `${printable(label)} ${percent(probability)}`).join(', ')}\n`
}

function csvLines({ image, predictions }: ImagePrediction<string>): string {
  return predictions.map(({ label, probability }) => `${csvCell(image)},${csvCell(label)},${probability}\n`).join('')
}

/** As RFC 4180 has it. */
function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
