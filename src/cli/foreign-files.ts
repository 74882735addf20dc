import { readFile } from 'node:fs/promises'
import { Option } from 'commander'
import { argumentError } from '../errors.js'
import { systemReason } from '../text/system-reason.js'
import { number } from './command.js'

// Options of commands that take a model file which does not name its classes, such as PyTorch's .pth files.

export const classesOption = (): Option => new Option('--classes <file>', 'for a .pth file: a text file with the names of its classes, one on each line, in order')
export const sizeOption = (): Option => new Option('--size <px>', 'for a .pth file: height and width of the images that its model takes (default 224)').argParser(number)

/** The names in the file of `--classes`, a line each; empty lines at the end do not count. @throws ERR_ARGUMENT where it cannot be read */
export async function readClasses(file: string | undefined): Promise<string[] | undefined> {
  if (file === undefined) return undefined
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw argumentError('a file with a class on each line', 'classes', `${file} (${systemReason(cause)})`)
  })
  return text.trimEnd().split(/\r?\n/)
}
