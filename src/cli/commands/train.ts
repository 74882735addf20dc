import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, Option } from 'commander'
import { wrap } from '../../../scripts/common/prose.mjs'
import { CONFIG_FILE, SPLIT_FILE, type RunConfig, type RunSplit } from '../../runs/run-folder.js'
import { KERNELS, MEMORY_FORMATS } from '../../session/options.js'
import { MONITORS } from '../../metrics/metrics.js'
import { wilsonInterval } from '../../metrics/wilson-interval.js'
import { plural } from '../../text/plural.js'
import { some } from '../../text/some.js'
import { consoleReport } from '../../report/console.js'
import { progressReport } from '../../report/progress.js'
import { duration, percent, printable } from '../../text/format.js'
import { prose, type Width } from '../../text/prose.js'
import type { StopEvent, TrainingEvent } from '../../runs/events.js'
import { RECIPE_OF } from '../../recipes/by-name.js'
import type { RecipeDefaults, TrainOptions } from '../../recipes/options.js'
import { train, type TrainResult } from '../../train/train.js'
import { EXIT, fractionOrFolder, given, meanStd, number, numberOrNone, type Streams } from '../command.js'
import { jsonOption, precisionOption, recipeOption, threadsOption } from '../command.js'
import { interruptible } from '../interrupt.js'
import { placeOrLaunch, reportedElsewhere } from '../ranks.js'
import { shellWord } from '../../text/shell-word.js'

/** The sample images, which are trained on where no folder is named: they are small, so a smaller size and fewer epochs will do. */
export const SAMPLES = { data: fileURLToPath(new URL('../../../samples/campus', import.meta.url)), epochs: 8, size: 192 } as const

/** An option's default in each recipe. */
export function defaults(name: keyof RecipeDefaults): string {
  const [value, notebook] = [RECIPE_OF.default, RECIPE_OF.notebook].map(({ defaults: { [name]: each } }) => {
    return typeof each === 'string' ? each : JSON.stringify(each)
  })
  return value === notebook ? `default ${value}` : `default ${value}; notebook ${notebook}`
}

const DESCRIPTION = [
  'Fine-tunes a RegNet on DATA: a folder with a folder of images for each class, or one with train/ and val/ (valid, validation) that',
  'each have those inside; val/ may be missing. Without DATA it trains on the sample images,',
  `for ${SAMPLES.epochs} epochs at ${SAMPLES.size} px.`,
].join(' ')

const NOTEBOOK_HELP = [
  '\nThe notebook recipe is that of W. Jarrard, "A Look at Transfer Learning in Pytorch" (2022), with the same numbers:',
  'train/ and val/ are merged, and split by position with numpy\'s seed 1999, whatever --seed is; --val FOLDER names validation images of its own.',
  'The images keep their order, a last batch that is not full is left out in training and in scoring, EXIF orientation and colour profiles are ignored.',
  'It computes in fp32 on a CPU, and with autocast and GradScaler on a GPU. The best model is also written as best_model.pth.',
  'Two mistakes of the notebook are not repeated: loading another file than it saved, and reading its data set through a global variable.',
].join(' ')

interface TrainFlags extends Omit<TrainOptions, 'data' | 'weights' | 'patience' | 'saveEveryMinutes'> {
  readonly patience?: number | 'none'
  readonly weights?: string
  readonly saveEvery?: number
  readonly json?: boolean
}

export function trainCommand(streams: Streams, exit: (code: number) => void): Command {
  return new Command('train')
    .summary('fine-tune a model on a folder of images')
    .description(DESCRIPTION)
    .argument('[data]', 'folder of images')
    .addOption(recipeOption())
    .option('--output <folder>', 'run folder (default: runs/ and the name of DATA)')
    .option('--model <name>', `RegNet variant, one of torchvision's 15 (${defaults('model')})`)
    .option('--weights <weights>', 'a name that "torchgraft weights" lists, a .safetensors or .pth file, a run folder, or none (default: those that ship for the model, or are on this disk)')
    .option('--epochs <n>', `number of times to go through the images (${defaults('epochs')})`, number)
    .option('--batch-size <n>', `images in each step (${defaults('batchSize')})`, number)
    .option('--lr <x>', `highest learning rate; the new head has twice that (${defaults('lr')})`, number)
    .option('--size <px>', `height and width of images (${defaults('size')})`, number)
    .option('--progressive-resizing', 'smaller images in the first epochs (default without --patience)')
    .option('--no-progressive-resizing', 'the full size from the first epoch on')
    .option('--val <fraction|folder>', `part of each class to score with, or a folder (${defaults('val')})`, fractionOrFolder)
    .option('--seed <n>', `random seed of split, order, augmentation and head (${defaults('seed')})`, number)
    .option('--patience <n>', 'stop after this many epochs without improvement, or none (default none; notebook 3)', numberOrNone)
    .addOption(new Option('--monitor <metric>', `what decides which epoch is the best (${defaults('monitor')})`).choices(MONITORS))
    .addOption(new Option('--freeze <what>', `trunk: train only the head, the last layer (${defaults('freeze')})`).choices(['none', 'trunk']))
    .addOption(new Option('--class-weights <how>', `balanced: rare classes count more in the loss (${defaults('classWeights')})`).choices(['none', 'balanced']))
    .option('--mean-std <which>', 'notebook recipe: data, notebook, imagenet or r,g,b/r,g,b (default data)', meanStd)
    .option('--sanity-steps <n>', 'notebook recipe: first train this many steps on one batch (default 0)', number)
    .option('--device <device>', 'auto, cpu, cuda or cuda:N; several with a process each: cuda:all, cuda:0,cuda:1 or cpu:2 (default auto)')
    .addOption(precisionOption('auto; notebook fp32 on a CPU, fp16 on a GPU'))
    .addOption(new Option('--memory-format <format>', 'how weights and activations are laid out (default channels_last; the faster one on a GPU with plain kernels or in fp32; notebook on a CPU contiguous)').choices(MEMORY_FORMATS))
    .addOption(new Option('--kernels <which>', `plain: compute with libtorch alone (${defaults('kernels')})`).choices(KERNELS))
    .option('--cudnn-benchmark', 'on a GPU cuDNN times its algorithms at the first batch of a size, and keeps the fastest')
    .addOption(threadsOption())
    .option('--sync-batch-norm', 'with several processes: batch norm over the whole batch, not over each part')
    .option('--save-every <minutes>', `save the position this often (${defaults('saveEveryMinutes')})`, number)
    .option('--strict-images', 'stop at a broken image, instead of leaving it out')
    .option('--follow-links', 'follow links that lead out of DATA (notebook: it does)')
    .option('--no-follow-links', 'leave such links out')
    .option('--resume', 'continue the run in --output')
    .addOption(jsonOption())
    .addHelpText('after', () => wrap(NOTEBOOK_HELP, Math.min(streams.stdout.columns || 80, 100)))
    .action(async (data: string | undefined, flags: TrainFlags) => exit(await runTrain(data, flags, streams)))
}

async function runTrain(data: string | undefined, flags: TrainFlags, streams: Streams): Promise<number> {
  const place = await placeOrLaunch(flags.device, streams)
  if (typeof place === 'number') return place
  try {
    return await trainHere(data, { ...flags, ...given({ device: place.device as TrainFlags['device'] }) }, place.streams)
  } catch (error) {
    const code = await reportedElsewhere(error)
    if (code === undefined) throw error
    return code
  }
}

async function trainHere(data: string | undefined, flags: TrainFlags, { stdout, stderr }: Streams): Promise<number> {
  const { json = false, weights, patience, saveEvery, ...rest } = flags
  const samples = data === undefined && rest.resume !== true ? SAMPLES : {}
  const report = consoleReport(stderr)
  const onProgress = progressReport(stderr)
  let output: string | undefined
  let stop: StopEvent | undefined
  const onEvent = (event: TrainingEvent): void => {
    report(event)
    if (event.type === 'start') output = event.output
    if (event.type === 'stop') stop = event
  }
  try {
    const chosen = { weights: orNull(weights), patience: orNull(patience), saveEveryMinutes: saveEvery }
    const options = { data, ...rest, ...chosen, onEvent, onProgress }
    const result = await interruptible(
      (signal) => train({ ...samples, ...given(options), signal }),
      (line) => stderr.write(`\n${prose(line, stderr)}\n`),
    )
    stdout.write(json ? `${JSON.stringify(toJson(result))}\n` : await summary(result, stdout))
    return EXIT.done
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError')) throw error
    if (json) stdout.write(`${JSON.stringify({ output, stop: 'aborted', epochs: stop?.epochs ?? 0 })}\n`)
    else if (output !== undefined) stderr.write(`Interrupted and saved. To continue: npx torchgraft train --resume --output ${shellWord(output)}\n`)
    else stderr.write('Interrupted before training began.\n')
    return EXIT.interrupted
  }
}

/** `none` is the library's null. */
function orNull<T>(value: T | 'none'): T | null {
  return value === 'none' ? null : value
}

function toJson(result: TrainResult) {
  const { output, best, reloaded, stop, epochs, seconds, device, precision, skippedImages, passedOver, contradictions } = result
  return {
    output,
    best: { epoch: best.epoch, loss: best.metrics.loss, top1: best.metrics.top1, file: best.file },
    reloaded: { loss: reloaded.loss, top1: reloaded.top1 },
    stop, epochs, seconds, device, precision, skippedImages, passedOver, contradictions,
  }
}

async function summary({ output, best, seconds, skipped }: TrainResult, stream: Width): Promise<string> {
  const { top1, count, loss } = best.metrics
  const correct = Math.round(top1 * count)
  const [low, high] = wilsonInterval(correct, count)
  const model = join(output, best.file)
  return [
    '',
    ...[
      `The best epoch is ${best.epoch}: top-1 ${percent(top1)} (${correct} of ${count}; 95 % interval ${percent(low)} to ${percent(high)}), loss ${loss.toFixed(4)}.`,
      'Its file was loaded again and scored the same.',
      ...leftOut(skipped),
      `Total time: ${duration(seconds)}.`,
    ].map((line) => prose(line, stream, 2)),
    '',
    `Model    ${printable(model)}`,
    `Predict  npx torchgraft predict ${shellWord(model)} ${shellWord(await someImage(output))}`,
    '',
  ].join('\n')
}

/** Files that are named at the end; the run's log names all. */
const MAX_NAMED = 20

function leftOut(skipped: TrainResult['skipped']): string[] {
  if (skipped.length === 0) return []
  const lines = skipped.map(({ path, message }) => `  ${printable(`${path}: ${message}`)}`)
  return [
    `${plural(skipped.length, 'file')} ${skipped.length === 1 ? 'was' : 'were'} left out:`,
    ...some(lines, MAX_NAMED, (rest) => `  and ${plural(rest, 'more file')}, which events.jsonl names.`),
  ]
}

/** An image that the model has not learned from. */
async function someImage(output: string): Promise<string> {
  const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(join(output, file), 'utf8'))
  const { val } = (await read(SPLIT_FILE)) as RunSplit
  const { data } = (await read(CONFIG_FILE)) as RunConfig<unknown>
  return val[0] ? relative(process.cwd(), join(data, val[0].path)) : 'PHOTO.jpg'
}
