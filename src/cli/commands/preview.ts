import { Command } from 'commander'
import { type Preview, preview, type PreviewOptions } from '../../explore/preview.js'
import { plural } from '../../text/plural.js'
import { printable } from '../../text/format.js'
import { prose } from '../../text/prose.js'
import { some } from '../../text/some.js'
import { EXIT, fractionOrFolder, given, jsonOption, number, recipeOption, type Streams } from '../command.js'
import { defaults } from './train.js'

type PreviewFlags = Omit<PreviewOptions, 'data' | 'signal'> & { readonly json?: boolean }

/** Broken images that are named one by one. */
const MAX_NAMED = 5
const DESCRIPTION = [
  'Draws the first training images of an epoch on one PNG, in their order, with their labels, and augmented as "torchgraft train" does',
  'with the same options.',
].join(' ')

export function previewCommand({ stdout, stderr }: Streams, exit: (code: number) => void): Command {
  return new Command('preview')
    .summary('what training will see: a contact sheet')
    .description(DESCRIPTION)
    .argument('<data>', 'folder of images')
    .option('--output <file>', 'PNG file to write, where there is none yet (default: preview.png)')
    .addOption(recipeOption())
    .option('--count <n>', 'images on the sheet (default 24)', number)
    .option('--epoch <n>', 'epoch to draw: each augments its images anew (default 1)', number)
    .option('--seed <n>', `of split, order and augmentation (${defaults('seed')})`, number)
    .option('--size <px>', `height and width of training images (${defaults('size')})`, number)
    .option('--val <fraction|folder>', `validation set (${defaults('val')} of each class)`, fractionOrFolder)
    .option('--follow-links', 'follow links that lead out of DATA (notebook: it does)')
    .option('--no-follow-links', 'leave them out')
    .addOption(jsonOption())
    .action(async (data: string, { json = false, ...flags }: PreviewFlags) => {
      const found = await preview({ data, ...given(flags) })
      const { file, images } = found
      stderr.write(prose(notesText(found, json), stderr))
      stdout.write(json ? `${JSON.stringify({ file, images })}\n` : `${printable(file)}\n`)
      exit(EXIT.done)
    })
}

function notesText({ skipped, labelled, notes, ...sheet }: Preview, json: boolean): string {
  const leftOut = skipped.map(({ path, message }) => `Left out ${printable(path)}: ${printable(message)}`)
  const noFont = 'The sheet has no labels, since this system has no font.'
  const lines = [
    ...notes.map(printable),
    ...some(leftOut, MAX_NAMED, (rest) => `and ${plural(rest, 'more image')}: "torchgraft stats" names them all.`),
    ...(labelled ? [] : json ? [noFont] : [`${noFont} They are, row by row:`, ...legend(sheet)]),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function legend({ images, columns }: Pick<Preview, 'images' | 'columns'>): string[] {
  const rows = Array.from({ length: Math.ceil(images.length / columns) }, (_, i) => images.slice(i * columns, (i + 1) * columns))
  return rows.map((row, i) => `${String(i + 1).padStart(3)}  ${row.map(({ label }) => printable(label)).join(', ')}`)
}
