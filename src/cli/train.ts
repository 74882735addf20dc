import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, Option } from 'commander'
import { CONFIG_FILE, SPLIT_FILE, type RunConfig, type RunSplit } from '../checkpoints/run-folder.js'
import { KERNELS, MEMORY_FORMATS } from '../native/session-options.js'
import { MONITORS } from '../metrics/metrics.js'
import { wilsonInterval } from '../metrics/wilson-interval.js'
import { consoleReport } from '../report/console.js'
import { progressReport } from '../report/progress.js'
import { duration, percent, printable } from '../report/format.js'
import { shellWord } from '../shell-word.js'
import type { StopEvent, TrainingEvent } from '../train/events.js'
import { DEFAULTS, type TrainOptions } from '../train/options.js'
import { train, type TrainResult } from '../train/train.js'
import { deviceOption, EXIT, fractionOrFolder, given, jsonOption, meanStd, number, numberOrNone, precisionOption, recipeOption, type Streams, threadsOption } from './command.js'
import { interruptible } from './interrupt.js'

/** What is trained on where no folder is named: small pictures, so a smaller size and fewer epochs will do. */
export const SAMPLES = { data: fileURLToPath(new URL('../../samples/campus', import.meta.url)), epochs: 8, size: 192 } as const

/** An option's default in each recipe. */
export function defaults(name: keyof typeof DEFAULTS.default): string {
  const [value, notebook] = [DEFAULTS.default[name], DEFAULTS.notebook[name]]
  return value === notebook ? `default ${value}` : `default ${value}; notebook ${notebook}`
}

const NOTEBOOK_HELP = `
The notebook recipe is that of W. Jarrard, "A Look at Transfer Learning in
Pytorch" (2022), number for number: train/ and val/ are merged and split by
position with numpy's seed 1999, whatever --seed is; --val FOLDER keeps a
validation side of its own. The order stays, a batch that is not full is left
out on both sides, EXIF and colour profiles are ignored. fp32 on a CPU, autocast
and GradScaler on a GPU. The best model is also written as best_model.pth. The
notebook's slips (loading another file than it saved, reading its data set
through a global) are left out.`

interface TrainFlags extends Omit<TrainOptions, 'data' | 'weights' | 'patience' | 'saveEveryMinutes'> {
  readonly patience?: number | 'none'
  readonly weights?: string
  readonly saveEvery?: number
  readonly json?: boolean
}

export function trainCommand(streams: Streams, exit: (code: number) => void): Command {
  return new Command('train')
    .summary('fine-tune a model on a folder of pictures')
    .description(`Fine-tunes a RegNet on DATA: a folder with a folder of pictures for each class,\nor one with train/ and val/ of those inside. Without DATA it learns the\nsample pictures, in ${SAMPLES.epochs} epochs at ${SAMPLES.size} px.`)
    .argument('[data]', 'folder of pictures')
    .addOption(recipeOption())
    .option('--output <folder>', 'run folder (default: runs/ and the name of DATA)')
    .option('--model <name>', `RegNet variant, one of torchvision's 15 (${defaults('model')})`)
    .option('--weights <weights>', 'a name of "torchgraft weights", a .safetensors or .pth file, or none (default: those that ship for the model, or lie on this disk)')
    .option('--epochs <n>', `times to go through the pictures (${defaults('epochs')})`, number)
    .option('--batch-size <n>', `pictures a step (${defaults('batchSize')})`, number)
    .option('--lr <x>', `highest learning rate; the new head has twice that (${defaults('lr')})`, number)
    .option('--size <px>', `height and width of pictures (${defaults('size')})`, number)
    .option('--progressive-resizing', 'smaller pictures in the first epochs (default without --patience)')
    .option('--no-progressive-resizing', 'the full size from the first epoch on')
    .option('--val <fraction|folder>', `validation side (${defaults('val')} of each class)`, fractionOrFolder)
    .option('--seed <n>', `of split, order, augmentation and head (${defaults('seed')})`, number)
    .option('--patience <n>', 'stop after so many epochs without improvement, or none (default none; notebook 3)', numberOrNone)
    .addOption(new Option('--monitor <metric>', `names the best epoch (${defaults('monitor')})`).choices(MONITORS))
    .addOption(new Option('--freeze <what>', `trunk trains the head alone (${defaults('freeze')})`).choices(['none', 'trunk']))
    .addOption(new Option('--class-weights <how>', `balanced helps rare classes (${defaults('classWeights')})`).choices(['none', 'balanced']))
    .option('--mean-std <which>', 'notebook recipe: data, notebook, imagenet or r,g,b/r,g,b (default data)', meanStd)
    .option('--sanity-steps <n>', 'notebook recipe: first train so many steps on one batch (default 0)', number)
    .addOption(deviceOption())
    .addOption(precisionOption('auto; notebook fp32 on a CPU, fp16 on a GPU'))
    .addOption(new Option('--memory-format <format>', 'of weights and activations; notebook on a CPU: contiguous, as PyTorch has it').choices(MEMORY_FORMATS))
    .addOption(new Option('--kernels <which>', `plain: libtorch as it comes (${defaults('kernels')})`).choices(KERNELS))
    .addOption(threadsOption())
    .option('--save-every <minutes>', `save the position this often (${defaults('saveEveryMinutes')})`, number)
    .option('--strict-images', 'a broken picture ends the run instead of being left out')
    .option('--follow-links', 'follow links that lead out of DATA (notebook: it does)')
    .option('--no-follow-links', 'leave them out')
    .option('--resume', 'go on with the run in --output')
    .addOption(jsonOption())
    .addHelpText('after', NOTEBOOK_HELP)
    .action(async (data: string | undefined, flags: TrainFlags) => exit(await runTrain(data, flags, streams)))
}

async function runTrain(data: string | undefined, flags: TrainFlags, { stdout, stderr }: Streams): Promise<number> {
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
    const result = await interruptible((signal) => {
      const options = { data, ...rest, ...(weights !== undefined && { weights: orNull(weights) }), ...(patience !== undefined && { patience: orNull(patience) }), saveEveryMinutes: saveEvery, signal, onEvent, onProgress }
      return train({ ...samples, ...given(options) })
    }, (line) => stderr.write(`\n${line}\n`))
    stdout.write(json ? `${JSON.stringify(toJson(result))}\n` : await summary(result))
    return EXIT.done
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError')) throw error
    if (json) stdout.write(`${JSON.stringify({ ...(output !== undefined && { output }), stop: 'aborted', epochs: stop?.epochs ?? 0 })}\n`)
    else if (output !== undefined) stderr.write(`Interrupted and saved. To go on: npx torchgraft train --resume --output ${shellWord(output)}\n`)
    else stderr.write('Interrupted before training began.\n')
    return EXIT.interrupted
  }
}

function orNull<T>(value: T | 'none'): T | null {
  return value === 'none' ? null : value
}

function toJson({ output, best, reloaded, stop, epochs, seconds, device, precision, skippedImages, passedOver, contradictions }: TrainResult) {
  const { epoch, metrics, file } = best
  return {
    output,
    best: { epoch, loss: metrics.loss, top1: metrics.top1, file },
    reloaded: { loss: reloaded.loss, top1: reloaded.top1 },
    stop, epochs, seconds, device, precision, skippedImages, passedOver, contradictions,
  }
}

async function summary({ output, best, seconds, skipped }: TrainResult): Promise<string> {
  const { top1, count, loss } = best.metrics
  const correct = Math.round(top1 * count)
  const [low, high] = wilsonInterval(correct, count)
  const model = join(output, best.file)
  return [
    '',
    `Best is epoch ${best.epoch}: top-1 ${percent(top1)} (${correct} of ${count}; 95 % interval ${percent(low)} to ${percent(high)}), loss ${loss.toFixed(4)}.`,
    'Its file was loaded again and scored the same.',
    ...leftOut(skipped),
    `${duration(seconds)} in all.`,
    '',
    `Model    ${printable(model)}`,
    `Predict  npx torchgraft predict ${shellWord(model)} ${shellWord(await somePicture(output))}`,
    '',
  ].join('\n')
}

/** Files that are named at the end; the run's log names all. */
const MOST_NAMED = 20

function leftOut(skipped: TrainResult['skipped']): string[] {
  if (skipped.length === 0) return []
  const more = skipped.length - MOST_NAMED
  return [
    `${skipped.length} ${skipped.length === 1 ? 'file was' : 'files were'} left out:`,
    ...skipped.slice(0, MOST_NAMED).map(({ path, message }) => `  ${printable(message.includes(path) ? message : `${path}: ${message}`)}`),
    ...(more > 0 ? [`  and ${more} more, which events.jsonl names.`] : []),
  ]
}

/** A picture that the model has not learned from. */
async function somePicture(output: string): Promise<string> {
  const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(join(output, file), 'utf8'))
  const { val } = (await read(SPLIT_FILE)) as RunSplit
  const { data } = (await read(CONFIG_FILE)) as RunConfig<unknown>
  return val[0] ? relative(process.cwd(), join(data, val[0].path)) : 'PHOTO.jpg'
}
