import { Command } from 'commander'
import { overfit, type OverfitOptions, type OverfitResult, type OverfitStart } from '../../explore/overfit.js'
import type { OverfitStep } from '../../explore/overfit-verdict.js'
import { plural } from '../../text/plural.js'
import { printable } from '../../text/format.js'
import { prose, type Width } from '../../text/prose.js'
import { EXIT, fractionOrFolder, given, meanStd, number, type Streams } from '../command.js'
import { deviceOption, jsonOption, precisionOption, recipeOption, threadsOption } from '../command.js'
import { interruptible } from '../interrupt.js'
import { defaults } from './train.js'

interface OverfitFlags extends Omit<OverfitOptions, 'data' | 'weights'> {
  readonly weights?: string
  readonly json?: boolean
}

/** Steps between two lines, as in the notebook. */
const EVERY = 10
const DESCRIPTION = [
  'Trains a new copy of a model on one batch of DATA, over and over: the notebook’s sanity check. Nothing is written.',
  'Says whether the model learned the batch (exit code 0), or what may keep it from that (exit code 1).',
].join(' ')

export function overfitCommand(streams: Streams, exit: (code: number) => void): Command {
  return new Command('overfit')
    .summary('one batch, many steps: does a model learn at all?')
    .description(DESCRIPTION)
    .argument('<data>', 'folder of images')
    .option('--steps <n>', 'training steps on the one batch (default 100)', number)
    .addOption(recipeOption())
    .option('--model <name>', `RegNet variant (${defaults('model')})`)
    .option('--weights <weights>', 'a name, a file, or none')
    .option('--batch-size <n>', `images in the batch (${defaults('batchSize')}; fewer where there are fewer)`, number)
    .option('--lr <x>', 'learning rate of Adam (default 0.0003)', number)
    .option('--size <px>', `height and width of the images (${defaults('size')})`, number)
    .option('--val <fraction|folder>', `images that are kept out, as train does (${defaults('val')})`, fractionOrFolder)
    .option('--seed <n>', `of split, order, augmentation and head (${defaults('seed')})`, number)
    .option('--freeze <what>', `trunk trains the head alone (${defaults('freeze')})`)
    .option('--mean-std <which>', 'notebook recipe: data, notebook, imagenet or r,g,b/r,g,b', meanStd)
    .addOption(deviceOption())
    .addOption(precisionOption('fp32'))
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action(async (data: string, flags: OverfitFlags) => exit(await runOverfit(data, flags, streams)))
}

async function runOverfit(data: string, flags: OverfitFlags, { stdout, stderr }: Streams): Promise<number> {
  const { json = false, weights, ...rest } = flags
  const work = (signal: AbortSignal): Promise<OverfitResult> => overfit({
    data,
    ...given({ ...rest, weights: weights === 'none' ? null : weights }),
    signal,
    onStart: (start) => void stderr.write(startText(start, stderr)),
    onStep: (step) => {
      if ((step.step - 1) % EVERY === 0) stderr.write(stepLine(step))
    },
  })
  const result = await interruptible(work, () => stderr.write('\nStopping when this step is finished.\n')).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined
    throw error
  })
  if (!result) return EXIT.interrupted
  stdout.write(json ? `${JSON.stringify(result)}\n` : text(result, stdout))
  return result.learned ? EXIT.done : EXIT.failed
}

function startText({ model, images, classes, device, precision, notes }: OverfitStart, stream: Width): string {
  const batch = `${model}, ${plural(images, 'image')} of ${plural(classes, 'class', 'classes')}, on ${device} in ${precision}.`
  return [
    ...[...notes, batch].map((line) => prose(printable(line), stream)),
    '',
    ' step        loss   correct',
    '',
  ].join('\n')
}

function stepLine({ step, loss, correct }: OverfitStep): string {
  return `${String(step).padStart(5)}${loss.toFixed(5).padStart(12)}${String(correct).padStart(10)}\n`
}

function text({ learned, reasons }: OverfitResult, stream: Width): string {
  return `\n${learned ? 'The model learns.' : 'The model does not learn this batch.'}\n${reasons.map((reason) => `${prose(printable(reason), stream)}\n`).join('')}`
}
