import { Command, Option } from 'commander'
import { type Split, SPLITS } from '../../datasets/split-names.js'
import { wilsonInterval } from '../../metrics/wilson-interval.js'
import { plural } from '../../text/plural.js'
import { evaluateModel, type EvaluateModelOptions, type ModelEvaluation } from '../../inference/evaluate-model.js'
import { columnsOf, cut, padColumns } from '../../text/columns.js'
import { percent, printable } from '../../text/format.js'
import { prose, type Width } from '../../text/prose.js'
import { classesOption, readClasses, sizeOption } from '../foreign-files.js'
import { deviceOption, EXIT, given, jsonOption, precisionOption, type Streams, threadsOption } from '../command.js'

interface EvaluateFlags extends Omit<EvaluateModelOptions, 'model' | 'data' | 'classes'> {
  readonly classes?: string
  readonly json?: boolean
  /** What `--split` was called until 0.2. */
  readonly side?: Split
}

const DESCRIPTION = [
  'Scores MODEL on the images in DATA: on its validation set where it has one, else on what was split off its training set, or on its',
  'test set; on all of them where it is not divided. Images that the model was trained on are left out, where its run folder still',
  'tells which they are.',
].join(' ')

export function evaluateCommand(streams: Streams, exit: (code: number) => void): Command {
  return new Command('evaluate')
    .summary('score a model on a folder of images')
    .description(DESCRIPTION)
    .argument('<model>', 'model file, such as runs/NAME/best.safetensors, or a run folder')
    .argument('<data>', 'folder of images')
    .addOption(new Option('--split <split>', 'which set to score, of a folder with train/, val/ or test/ inside (default: val, where there is one)').choices(SPLITS))
    .addOption(new Option('--side <split>').choices(SPLITS).hideHelp())
    .option('--all', 'also score the images that the model was trained on')
    .addOption(classesOption())
    .addOption(sizeOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action(async (model: string, data: string, flags: EvaluateFlags) => exit(await runEvaluate(model, data, flags, streams)))
}

async function runEvaluate(model: string, data: string, flags: EvaluateFlags, { stdout, stderr }: Streams): Promise<number> {
  const { json = false, classes, side, split = side, ...options } = flags
  const result = await evaluateModel({ model, data, ...given({ ...options, split, classes: await readClasses(classes) }) })
  for (const note of result.notes) stderr.write(`${prose(printable(note), stderr)}\n`)
  stdout.write(json ? `${JSON.stringify(toJson(result))}\n` : text(result, stdout))
  return EXIT.done
}

/** Columns of a table that is 80 wide, for a class's name. */
const MAX_LABEL = 80 - 24

function toJson({ loss, top1, count, correct, leftOut, classes, passedOver, contradictions, notes }: ModelEvaluation) {
  return { loss, top1, count, correct, leftOut, classes, passedOver, contradictions, notes }
}

function text(evaluation: ModelEvaluation, stream: Width): string {
  const { loss, top1, count, correct, leftOut, splitKnown, skipped } = evaluation
  const [low, high] = wilsonInterval(correct, count)
  return [
    ...table(evaluation),
    '',
    `Top-1 ${percent(top1)} (95 % interval ${percent(low)} to ${percent(high)}), loss ${loss.toFixed(4)}.`,
    ...(leftOut > 0 ? [leftOutText(leftOut)] : []),
    ...(splitKnown ? [] : ['There is no split.json beside the model: images that it was trained on may be among these.']),
    ...skipped.map(({ path, message }) => `Left out ${printable(path)}: ${printable(message)}`),
    '',
  ].map((line) => prose(line, stream)).join('\n')
}

/** A row for each class that has images, and one for all. */
function table({ classes, correct, count, top1 }: ModelEvaluation): string[] {
  const scored = classes.filter((entry) => entry.count > 0).map((entry) => ({ ...entry, name: cut(printable(entry.label), MAX_LABEL) }))
  const width = Math.max(5, ...scored.map(({ name }) => columnsOf(name)))
  const row = (name: string, right: number, all: number, share: number): string =>
    `${padColumns(name, width)}  ${`${right} of ${all}`.padStart(12)}  ${percent(share).padStart(8)}`
  return [
    ...scored.map((entry) => row(entry.name, entry.correct, entry.count, entry.correct / entry.count)),
    row('all', correct, count, top1),
  ]
}

function leftOutText(count: number): string {
  const [were, them] = count === 1 ? ['was', 'it'] : ['were', 'them']
  return `${plural(count, 'image')} that the model was trained on ${were} left out; --all scores ${them} too.`
}
