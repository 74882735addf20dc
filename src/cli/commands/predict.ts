import { Command } from 'commander'
import { joinPassedOver, passedOverNotes } from '../../datasets/passed-over.js'
import { TorchgraftError } from '../../errors.js'
import type { ClassifierOptions, Prediction, PredictOptions } from '../../inference/classifier.js'
import { Classifier, PREDICT_FIELDS } from '../../inference/classifier.js'
import { percent, printable } from '../../text/format.js'
import { prose } from '../../text/prose.js'
import { classesOption, readClasses, sizeOption } from '../foreign-files.js'
import { deviceOption, EXIT, given, jsonOption, number, precisionOption, type Streams, threadsOption } from '../command.js'
import { type NamedImage, openOperands, type Operand } from '../image-operands.js'

interface PredictFlags extends Omit<ClassifierOptions, 'classes'>, Pick<PredictOptions, 'topK'> {
  readonly classes?: string
  readonly json?: boolean
  readonly csv?: boolean
}

export function predictCommand(streams: Streams, exit: (code: number) => void): Command {
  return new Command('predict')
    .summary('tell what is in images')
    .description('Tells the most probable classes of each image, or of each image in a folder.')
    .argument('<model>', 'model file, such as runs/NAME/best.safetensors, a run folder, or a .onnx file')
    .argument('<images...>', 'image files or folders, or - for an image from standard input')
    .option('--top-k <n>', 'number of classes to tell for each', number, 3)
    .addOption(jsonOption().conflicts('csv'))
    .option('--csv', 'write lines of image,label,probability')
    .addOption(classesOption())
    .addOption(sizeOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(threadsOption())
    .action(async (model: string, images: string[], flags: PredictFlags) => exit(await runPredict(model, images, flags, streams)))
}

async function runPredict(model: string, operands: readonly string[], flags: PredictFlags, streams: Streams): Promise<number> {
  const { topK = 3, json = false, csv = false, classes, ...options } = flags
  const { stdout, stderr } = streams
  PREDICT_FIELDS.topK(topK, 'topK') // before anything is opened
  const warn = (line: string): void => void stderr.write(`${prose(printable(line), stderr)}\n`)
  const images = listed(await openOperands(operands, streams), operands, warn)
  await using classifier = await Classifier.open(model, given({ ...options, classes: await readClasses(classes) }))
  for (const note of classifier.notes) warn(note)
  const results: NamedPrediction[] = []
  let failed = false
  if (csv) stdout.write('image,label,probability\n')
  const names = images.values()
  for await (const { predictions, error } of classifier.predictAll(images.map(({ image }) => image), { topK })) {
    const { name = '' } = names.next().value ?? {}
    failed ||= error !== undefined
    if (json) results.push({ name, predictions, error })
    else if (error) warn(error.message.includes(name) ? error.message : `${name}: ${error.message}`)
    else stdout.write(csv ? csvLines(name, predictions) : `${prose(textLine(name, predictions), stdout, 2)}\n`)
  }
  if (json) stdout.write(`${JSON.stringify(results.map(toJson))}\n`)
  return failed ? EXIT.failed : EXIT.done
}

/** The images of all operands. What is left out of them is warned of. @throws ERR_DATA_EMPTY where there are none */
function listed(found: readonly Operand[], operands: readonly string[], warn: (line: string) => void): readonly NamedImage[] {
  for (const { path, message } of found.flatMap(({ skipped }) => skipped)) warn(`Left out ${path}: ${message}`)
  const passedOver = passedOverNotes(joinPassedOver(found.flatMap((operand) => operand.passedOver ?? [])))
  const images = found.flatMap((operand) => operand.images)
  if (images.length === 0) {
    const besides = passedOver.length > 0 ? `. ${passedOver.join(' ').replace(/\.$/, '')}` : ''
    throw new TorchgraftError('ERR_DATA_EMPTY', `There are no images in ${operands.join(', ')}${besides}`)
  }
  for (const line of passedOver) warn(line)
  return images
}

interface NamedPrediction {
  readonly name: string
  readonly predictions: readonly Prediction[]
  readonly error: TorchgraftError | undefined
}

function toJson({ name, predictions, error }: NamedPrediction) {
  return error ? { image: name, error: { code: error.code, message: error.message } } : { image: name, predictions }
}

function textLine(name: string, predictions: readonly Prediction[]): string {
  return `${printable(name)}  ${predictions.map(({ label, probability }) => `${printable(label)} ${percent(probability)}`).join(', ')}`
}

function csvLines(name: string, predictions: readonly Prediction[]): string {
  return predictions.map(({ label, probability }) => `${csvCell(name)},${csvCell(label)},${probability}\n`).join('')
}

/** A field of a CSV file (RFC 4180), on one line; --json has names as they are. */
function csvCell(text: string): string {
  const shown = printable(text)
  return /[",]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown
}
