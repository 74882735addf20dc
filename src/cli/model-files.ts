import { readFile } from 'node:fs/promises'
import { Command, Option } from 'commander'
import { type Inspection, inspectFile } from '../checkpoints/inspect.js'
import { argumentError } from '../errors.js'
import { describeTensor, elements } from '../formats/tensor.js'
import { EXPORT_FORMATS, exportModel, type ExportOptions } from '../predict/export-model.js'
import { printable } from '../report/format.js'
import { type RunStanding, runStanding } from '../train/run-standing.js'
import { EXIT, given, jsonOption, number, type Streams } from './command.js'
import { standingText } from './standing.js'

/** For commands that take a .pth file, which does not tell its classes. */
export const classesOption = (): Option => new Option('--classes <file>', 'of a .pth file: names of its classes, a line each, in order')
export const sizeOption = (): Option => new Option('--size <px>', 'of a .pth file: height and width of what it sees (default 224)').argParser(number)

/** A line each; empty ones at the end do not count. */
export async function readClasses(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw argumentError('a file with a class on each line', 'classes', `${file} (${(cause as Error).message})`)
  })
  return text.trimEnd().split(/\r?\n/)
}

export function inspectCommand({ stdout }: Streams, exit: (code: number) => void): Command {
  return new Command('inspect')
    .summary('what is in a model file or a run folder')
    .description('Tells what is in a .safetensors, .pth or .onnx file, or in a run folder: where the\nrun stands, and what --resume would do.')
    .argument('<file>', 'file or run folder')
    .addOption(jsonOption())
    .action(async (file: string, { json = false }: { readonly json?: boolean }) => {
      const found = await inspectFile(file)
      const standing = found.kind === 'run' ? await runStanding(file) : undefined
      stdout.write(json ? `${JSON.stringify({ ...found, ...(standing && { standing }) })}\n` : inspectionText(found, standing))
      exit(EXIT.done)
    })
}

interface ExportFlags extends Omit<ExportOptions, 'model' | 'classes'> {
  readonly classes?: string
  readonly json?: boolean
}

export function exportCommand({ stdout, stderr }: Streams, exit: (code: number) => void): Command {
  return new Command('export')
    .summary('write a model for PyTorch, for ONNX, or as a page for the browser')
    .description(EXPORT_TEXT)
    .argument('<model>', 'model file, such as runs/NAME/best.safetensors')
    .addOption(new Option('--format <format>', 'of the file').choices(EXPORT_FORMATS).makeOptionMandatory())
    .option('--output <path>', 'file to write, of web a folder (default: the name of MODEL with the new ending)')
    .option('--fp16', 'weights in half precision: half the size')
    .addOption(classesOption())
    .addOption(sizeOption())
    .addOption(jsonOption())
    .action(async (model: string, { json = false, classes, ...options }: ExportFlags) => {
      const result = await exportModel({ model, ...given({ ...options, classes: classes === undefined ? undefined : await readClasses(classes) }) })
      for (const note of result.notes) stderr.write(`${printable(note)}\n`)
      stdout.write(json ? `${JSON.stringify(result)}\n` : `${printable(result.file)}  ${megabytes(result.bytes)}${result.optimizer ? ', with the optimizer' : ''}\n${options.format === 'web' ? lookAt(result.file) : ''}`)
      exit(EXIT.done)
    })
}

const lookAt = (folder: string): string => `Put it on any static host, or look at it here: npx http-server ${printable(folder)}\n`

const EXPORT_TEXT = `Writes MODEL for others.
  pth          a plain state_dict, as torchvision’s are; of a last.safetensors it is
               { state_dict, optimizer }, for training to go on in PyTorch
  safetensors  the same weights
  onnx         for onnxruntime and whatever else reads ONNX: pixels in, probabilities out
  web          a folder for any static host: a page that runs the model in the browser`

function inspectionText({ kind, model, metadata, tensors, fits, nearest, bytes, files = [] }: Inspection, standing: RunStanding | undefined): string {
  const rows = Object.entries(metadata).filter(([key]) => key !== 'model').map(([key, value]) => `${key.padEnd(14)} ${printable(short(value))}`)
  return [
    `${kind}, ${megabytes(bytes)}${model === null ? '' : `, ${model}`}`,
    ...(standing ? [...standingText(standing), ''] : []),
    ...rows,
    ...files.map((file) => `${file.name.padEnd(28)} ${megabytes(file.bytes)}`),
    ...(tensors.length > 0 ? ['', ...(kind === 'onnx' ? [] : [fits ? `Fits ${fits.variant} with ${fits.classes} classes.` : `Fits no RegNet of torchvision${nearest === null ? ', as far as can be told here' : `: ${printable(nearest)}`}.`]), `${tensors.length} tensors, ${tensors.reduce((sum, { shape }) => sum + elements(shape), 0)} numbers:`, ...tensors.map((tensor) => `  ${printable(tensor.name)}  ${describeTensor(tensor)}`)] : []),
    '',
  ].join('\n')
}

function short(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 64 ? `${text.slice(0, 63)}…` : text
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
