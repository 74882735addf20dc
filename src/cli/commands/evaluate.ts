import { Command, Option } from 'commander'
import { wilsonInterval } from '../../metrics/wilson-interval.js'
import { plural } from '../../text/plural.js'
import { evaluateModel, type EvaluateModelOptions, type ModelEvaluation } from '../../inference/evaluate-model.js'
import { columnsOf, cut, padColumns } from '../../text/columns.js'
import { percent, printable } from '../../text/format.js'
import { prose, type Width } from '../../text/prose.js'
import { classesOption, readClasses, sizeOption } from './model-files.js'
import { deviceOption, EXIT, given, jsonOption, precisionOption, type Streams, threadsOption } from '../command.js'

type EvaluateFlags = Omit<EvaluateModelOptions, 'model' | 'data' | 'classes'> & { readonly json?: boolean; readonly classes?: string }

export function evaluateCommand(streams: Streams, exit: (code: number) => void): Command {
  return new Command('evaluate')
    .summary('score a model on a folder of images')
    .description('Scores MODEL on the images in DATA: on its validation set where it has one, else on what was split off its training set, or on its test set; on all of them where it is not divided. Images that the model was trained on are left out, where its run folder still tells which they are.')
    .argument('<model>', 'model file, such as runs/NAME/best.safetensors, or a run folder')
    .argument('<data>', 'folder of images')
    .addOption(new Option('--side <side>', 'which part to score, of a folder with train/, val/ or test/ inside (default: val, where there is one)').choices(['train', 'val', 'test']))
    .option('--all', 'also score the images that the model was trained on')
    .addOption(classesOption())
    .addOption(sizeOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action(async (model: string, data: string, { json = false, classes, ...flags }: EvaluateFlags) => {
      const result = await evaluateModel({ model, data, ...given({ ...flags, classes: classes === undefined ? undefined : await readClasses(classes) }) })
      for (const note of result.notes) streams.stderr.write(`${prose(printable(note), streams.stderr)}\n`)
      streams.stdout.write(json ? `${JSON.stringify(toJson(result))}\n` : text(result, streams.stdout))
      exit(EXIT.done)
    })
}

/** Columns of a table that is 80 wide. */
const MOST_LABEL = 80 - 24

function toJson({ loss, top1, count, correct, leftOut, classes, passedOver, contradictions, notes }: ModelEvaluation) {
  return { loss, top1, count, correct, leftOut, classes, passedOver, contradictions, notes }
}

function text({ loss, top1, count, correct, leftOut, splitKnown, classes, skipped }: ModelEvaluation, stream: Width): string {
  const [low, high] = wilsonInterval(correct, count)
  const scored = classes.filter((entry) => entry.count > 0)
  const shown = (label: string): string => cut(printable(label), MOST_LABEL)
  const width = Math.max(5, ...scored.map(({ label }) => columnsOf(shown(label))))
  return [
    ...scored.map((entry) => `${padColumns(shown(entry.label), width)}  ${`${entry.correct} of ${entry.count}`.padStart(12)}  ${percent(entry.correct / entry.count).padStart(8)}`),
    `${'all'.padEnd(width)}  ${`${correct} of ${count}`.padStart(12)}  ${percent(top1).padStart(8)}`,
    '',
    `Top-1 ${percent(top1)} (95 % interval ${percent(low)} to ${percent(high)}), loss ${loss.toFixed(4)}.`,
    ...(leftOut > 0 ? [`${plural(leftOut, 'image')} that the model was trained on ${leftOut === 1 ? 'was' : 'were'} left out; --all scores ${leftOut === 1 ? 'it' : 'them'} too.`] : []),
    ...(splitKnown ? [] : ['There is no split.json beside the model: images that it was trained on may be among these.']),
    ...skipped.map(({ path, message }) => `Left out ${printable(path)}: ${printable(message)}`),
    '',
  ].map((line) => prose(line, stream)).join('\n')
}
