import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { TorchgraftError } from '../errors.js'
import { type Recognized, recognizeFiles } from '../images/first-bytes.js'
import { endingOf, isImageName, whyUnreadable } from '../images/image-endings.js'
import { compareCodePoints } from '../text/code-points.js'
import { permissionReason, systemReason } from '../text/system-reason.js'
import { leftoverName } from './leftover-names.js'
import { PassedOverCounts } from './passed-over.js'
import type { SkippedFile } from './skipped-file.js'

export interface ClassFolder {
  readonly label: string
  readonly path: string
}

export interface FolderListing {
  /** Sorted by code point, without leftovers of systems and editors. */
  readonly entries: Dirent[]
  /** Entries whose names are not UTF-8: JavaScript's text of such a name does not lead to its file. */
  readonly misnamed: readonly SkippedFile[]
}

/** The folders in a folder, sorted by code point, and those whose names cannot be labels. Files beside them are counted. */
export async function listClasses(
  folder: string,
  passedOver = new PassedOverCounts(),
): Promise<{ readonly classes: ClassFolder[]; readonly skipped: SkippedFile[] }> {
  const { entries, misnamed } = await listFolder(folder, passedOver).catch((cause: unknown) => {
    throw new TorchgraftError('ERR_DATA_EMPTY', `Could not list ${folder}: ${whyNotListed(cause)}`, { path: folder, cause })
  })
  const classes: ClassFolder[] = []
  const unnamed = await recognizeUnnamed(folder, entries)
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (await isFolder(entry, path)) classes.push({ label: entry.name, path })
    else if (isImageName(entry.name) || unnamed.get(entry.name) === 'image') passedOver.addUnclassed()
    else if (whyUnreadable(endingOf(entry.name)) !== undefined) passedOver.addUnclassed()
    else passedOver.addEnding(endingOf(entry.name))
  }
  return { classes, skipped: [...misnamed] }
}

/** What lies in a folder itself. Leftovers of systems and editors are counted. */
export async function listFolder(folder: string, passedOver?: PassedOverCounts): Promise<FolderListing> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => {
    const leftover = leftoverOf(entry)
    if (leftover !== undefined) passedOver?.addLeftover(leftover)
    return leftover === undefined
  })
  const misnamed = entries.some(({ name }) => name.includes(REPLACEMENT)) ? await misnamedIn(folder) : []
  const bad = new Set(misnamed)
  const named = entries.filter(({ name }) => !bad.has(name))
  const simple = named.every(({ name }) => !BEYOND_ORDER.test(name))
  named.sort(simple ? (a, b) => (a.name < b.name ? -1 : 1) : (a, b) => compareCodePoints(a.name, b.name))
  return {
    entries: named,
    misnamed: misnamed.map((name) => {
      return { path: join(folder, name), code: 'ERR_IMAGE_DECODE', message: 'its name is not UTF-8 text: rename it' }
    }),
  }
}

/** U+FFFD, which decoding puts in place of bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd'
/** Where JavaScript's order of strings is no longer that of code points. */
const BEYOND_ORDER = /[\ud800-\uffff]/

function leftoverOf(entry: Dirent): string | undefined {
  const leftover = leftoverName(entry.name, !entry.isDirectory())
  return leftover ?? (entry.isSymbolicLink() ? leftoverName(entry.name, false) : undefined)
}

async function misnamedIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, 'buffer')
  return names.filter((name) => !Buffer.from(name.toString()).equals(name)).map(String).sort(compareCodePoints)
}

/** What the files without an ending are, by name: these alone are opened to be listed. */
export async function recognizeUnnamed(
  folder: string,
  entries: readonly Dirent[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Recognized | Error>> {
  const unnamed = entries.filter((entry) => entry.isFile() && !isImageName(entry.name) && endingOf(entry.name) === '')
  const names = unnamed.map(({ name }) => name)
  const found = await recognizeFiles(names.map((name) => join(folder, name)), signal)
  return new Map(names.map((name, i) => [name, found[i]]))
}

async function isFolder(entry: Dirent, path: string): Promise<boolean> {
  return entry.isSymbolicLink() ? stat(path).then((info) => info.isDirectory(), () => false) : entry.isDirectory()
}

function whyNotListed(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'there is no such folder'
  if (code === 'ENOTDIR') return 'it is not a folder'
  return permissionReason(cause) ?? systemReason(cause)
}
