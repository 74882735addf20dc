import { InvalidArgumentError, Option } from 'commander'
import type { Rgb } from '../augment/plan.js'
import { PRECISIONS } from '../session/options.js'
import type { Terminal } from '../text/safe-terminal.js'
import { type MeanStd, RECIPES } from '../recipes/options.js'

/** Where a command writes: the process's own streams, or a test's. */
export interface Streams {
  readonly stdout: Terminal
  readonly stderr: Terminal
  /** What the operand `-` reads. @default the process's own */
  readonly stdin?: NodeJS.ReadableStream & { readonly isTTY?: boolean }
}

export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const

/** Parses an option or argument that is a number. Its range is checked by the library. */
export function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('Expected a number.')
  return value
}

/** Parses a fraction or a folder's name. */
export function fractionOrFolder(text: string): number | string {
  const value = Number(text)
  return text.trim() === '' || Number.isNaN(value) ? text : value
}

export function numberOrNone(text: string): number | 'none' {
  return text === 'none' ? text : number(text)
}

/** A name, or a mean and a standard deviation: `.44,.43,.43/.25,.26,.29`. */
export function meanStd(text: string): string | MeanStd {
  if (!text.includes('/')) return text
  const parts = text.split('/').map((part) => part.split(',').map(number))
  const [mean, std] = parts
  if (parts.length !== 2 || mean?.length !== 3 || std?.length !== 3) throw new InvalidArgumentError('Expected data, notebook, imagenet or six numbers: r,g,b/r,g,b.')
  return { mean: mean as unknown as Rgb, std: std as unknown as Rgb }
}

export const recipeOption = (): Option => new Option('--recipe <recipe>', 'default, or notebook: a PyTorch notebook of 2022, with the same numbers').choices(RECIPES)
export const deviceOption = (): Option => new Option('--device <device>', 'auto, cpu, cuda or cuda:N (default auto)')
export function precisionOption(standard = 'auto'): Option {
  const auto = 'auto is bf16 where the processor or GPU computes in it, else fp16 on a GPU and fp32 on a CPU; fp16 needs a GPU'
  return new Option('--precision <precision>', `${auto} (default ${standard})`).choices(PRECISIONS)
}
export const threadsOption = (): Option => new Option('--threads <n>', 'threads that share each operation (default: one for each core, within a container\'s CPU limit)').argParser(number)
export const jsonOption = (): Option => new Option('--json', 'write one JSON value to stdout, and nothing else')

/** An options object without the ones that were not given. */
export function given<T extends object>(options: T): Given<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Given<T>
}

type Given<T> = { [Name in keyof T]: Exclude<T[Name], undefined> }
