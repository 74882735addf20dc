import { readFile } from 'node:fs/promises'
import { Command, Option } from 'commander'
import { type Inspection, inspectFile } from '../../inference/inspect.js'
import { argumentError } from '../../errors.js'
import { describeTensor, elements } from '../../formats/tensor.js'
import { plural } from '../../text/plural.js'
import { EXPORT_FORMATS, exportModel, type ExportOptions } from '../../inference/export-model.js'
import { printable } from '../../text/format.js'
import { prose, proseRows, type Width } from '../../text/prose.js'
import { systemReason } from '../../text/system-reason.js'
import { type RunStatus, runStatus } from '../../train/resume/status.js'
import { EXIT, given, jsonOption, number, type Streams } from '../command.js'
import { shellWord } from '../../text/shell-word.js'
import { standingRows } from '../status.js'

/** For commands that take a .pth file, which does not tell its classes. */
export const classesOption = (): Option => new Option('--classes <file>', 'for a .pth file: a text file with the names of its classes, one on each line, in order')
export const sizeOption = (): Option => new Option('--size <px>', 'for a .pth file: height and width of the images that its model takes (default 224)').argParser(number)

/** A line each; empty ones at the end do not count. */
export async function readClasses(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw argumentError('a file with a class on each line', 'classes', `${file} (${systemReason(cause)})`)
  })
  return text.trimEnd().split(/\r?\n/)
}

export function inspectCommand({ stdout }: Streams, exit: (code: number) => void): Command {
  return new Command('inspect')
    .summary('what is in a model file or a run folder')
    .description('Tells what is in a .safetensors, .pth or .onnx file, or in a run folder: how far the run has come, and what --resume would do.')
    .argument('<file>', 'file or run folder')
    .addOption(jsonOption())
    .action(async (file: string, { json = false }: { readonly json?: boolean }) => {
      const found = await inspectFile(file)
      const standing = found.kind === 'run' ? await runStatus(file) : undefined
      stdout.write(json ? `${JSON.stringify({ ...found, ...(standing && { standing }) })}\n` : inspectionText(found, standing, stdout))
      exit(EXIT.done)
    })
}

interface ExportFlags extends Omit<ExportOptions, 'model' | 'classes'> {
  readonly classes?: string
  readonly json?: boolean
}

export function exportCommand({ stdout, stderr }: Streams, exit: (code: number) => void): Command {
  return new Command('export')
    .summary('write a model as .pth, .safetensors, ONNX or a web page')
    .description(EXPORT_TEXT)
    .argument('<model>', 'model file, such as runs/NAME/best.safetensors, or a run folder')
    .addOption(new Option('--format <format>', 'format to write').choices(EXPORT_FORMATS).makeOptionMandatory())
    .option('--output <path>', 'file to write, or folder for web (default: the name of MODEL with the new ending)')
    .option('--fp16', 'write weights in half precision, for half the size')
    .addOption(classesOption())
    .addOption(sizeOption())
    .addOption(jsonOption())
    .action(async (model: string, { json = false, classes, ...options }: ExportFlags) => {
      const result = await exportModel({ model, ...given({ ...options, classes: classes === undefined ? undefined : await readClasses(classes) }) })
      for (const note of result.notes) stderr.write(`${prose(printable(note), stderr)}\n`)
      stdout.write(json ? `${JSON.stringify(result)}\n` : `${printable(result.file)}  ${sizeOf(result.bytes)}${result.optimizer ? ', with the optimizer' : ''}\n${options.format === 'web' ? lookAt(result.file) : ''}`)
      exit(EXIT.done)
    })
}

const lookAt = (folder: string): string => `Put it on any static host, or try it here: npx http-server ${shellWord(folder)}\n`

const EXPORT_TEXT = `Writes MODEL for other programs.
  pth          a state_dict as torchvision has it; of a last.safetensors file
               { state_dict, optimizer }, to continue training in PyTorch
  safetensors  the same weights
  onnx         pixels in, probabilities out, for onnxruntime and others
  web          a folder for any static host: a page that runs the model`

function inspectionText({ kind, model, metadata, tensors, fits, nearest, bytes, files = [] }: Inspection, standing: RunStatus | undefined, stream: Width): string {
  const rows = Object.entries(metadata).filter(([key]) => key !== 'model').map(([key, value]) => [printable(key), printable(short(value))] as const)
  const misfit = `Fits no RegNet of torchvision${nearest === null ? ', as far as can be told here' : `: ${printable(nearest)}`}.`
  const fit = fits ? `Fits ${fits.variant} with ${plural(fits.classes, 'class', 'classes')}.` : misfit
  return [
    `${kind}, ${sizeOf(bytes)}${model === null ? '' : `, ${printable(model)}`}`,
    ...(standing ? [...proseRows(standingRows(standing), 14, stream), ''] : []),
    ...proseRows(rows, 14, stream),
    ...files.map((file) => `${printable(file.name).padEnd(28)} ${sizeOf(file.bytes)}`),
    ...(tensors.length > 0 ? ['', ...(kind === 'onnx' ? [] : [prose(fit, stream)]), `${plural(tensors.length, 'tensor')}, ${plural(tensors.reduce((sum, { shape }) => sum + elements(shape), 0), 'element')}:`, ...tensors.map((tensor) => prose(`  ${printable(tensor.name)}  ${describeTensor(tensor)}`, stream, 2))] : []),
    '',
  ].join('\n')
}

function short(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 64 ? `${text.slice(0, 63)}…` : text
}

function sizeOf(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}
