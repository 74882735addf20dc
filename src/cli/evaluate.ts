import { Command, Option } from 'commander'
import { wilsonInterval } from '../metrics/wilson-interval.js'
import { evaluateModel, type EvaluateModelOptions, type ModelEvaluation } from '../predict/evaluate-model.js'
import { percent, printable } from '../report/format.js'
import { classesOption, readClasses, sizeOption } from './model-files.js'
import { deviceOption, EXIT, given, jsonOption, precisionOption, type Streams, threadsOption } from './command.js'

type EvaluateFlags = Omit<EvaluateModelOptions, 'model' | 'data' | 'classes'> & { readonly json?: boolean; readonly classes?: string }

export function evaluateCommand(streams: Streams, exit: (code: number) => void): Command {
  return new Command('evaluate')
    .summary('score a model on a folder of pictures')
    .description('Scores MODEL on the pictures in DATA: the val/ side of a folder that has sides,\nelse all of it. Pictures that the model was trained on are left out where its run\nfolder still tells which they are.')
    .argument('<model>', 'model file, such as runs/NAME/best.safetensors')
    .argument('<data>', 'folder of pictures')
    .addOption(new Option('--side <side>', 'of a folder with train/ and val/ inside (default: val)').choices(['train', 'val', 'test']))
    .option('--all', 'score the pictures that it was trained on as well')
    .addOption(classesOption())
    .addOption(sizeOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action(async (model: string, data: string, { json = false, classes, ...flags }: EvaluateFlags) => {
      const result = await evaluateModel({ model, data, ...given({ ...flags, classes: classes === undefined ? undefined : await readClasses(classes) }) })
      for (const note of result.notes) streams.stderr.write(`${printable(note)}\n`)
      streams.stdout.write(json ? `${JSON.stringify(toJson(result))}\n` : text(result))
      exit(EXIT.done)
    })
}

function toJson({ loss, top1, count, correct, leftOut, classes, passedOver, contradictions, notes }: ModelEvaluation) {
  return { loss, top1, count, correct, leftOut, classes, passedOver, contradictions, notes }
}

function text({ loss, top1, count, correct, leftOut, splitKnown, classes, skipped }: ModelEvaluation): string {
  const [low, high] = wilsonInterval(correct, count)
  const scored = classes.filter((entry) => entry.count > 0)
  const width = Math.max(5, ...scored.map(({ label }) => printable(label).length))
  return [
    ...scored.map((entry) => `${printable(entry.label).padEnd(width)}  ${`${entry.correct} of ${entry.count}`.padStart(12)}  ${percent(entry.correct / entry.count).padStart(8)}`),
    `${'all'.padEnd(width)}  ${`${correct} of ${count}`.padStart(12)}  ${percent(top1).padStart(8)}`,
    '',
    `Top-1 ${percent(top1)} (95 % interval ${percent(low)} to ${percent(high)}), loss ${loss.toFixed(4)}.`,
    ...(leftOut > 0 ? [`${leftOut} pictures that the model was trained on were left out; --all scores them too.`] : []),
    ...(splitKnown ? [] : ['No split.json lies beside the model: pictures that it was trained on may be among these.']),
    ...skipped.map(({ path, message }) => `Left out ${printable(path)}: ${printable(message)}`),
    '',
  ].join('\n')
}
