import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { TorchgraftError } from '../errors.js'
import { systemReason } from '../system-reason.js'
import type { SkippedFile } from './image-folder.js'
import { HEIC, MAX_FILE_BYTES, TOO_LARGE_A_FILE } from './picture-reasons.js'

/** What is taken for a picture, by the file's name. */
export const IMAGE_EXTENSIONS: ReadonlySet<string> = new Set(['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.gif', '.avif'])
/** Pictures too, but of formats that cannot be read. */
const UNREADABLE_EXTENSIONS: ReadonlySet<string> = new Set(['.heic', '.heif', '.bmp', '.ppm', '.pgm', '.pnm', '.jxl', '.jp2', '.svg', '.psd', '.raw', '.cr2', '.nef', '.arw', '.dng'])
/** What systems and tools leave behind. */
const LEFTOVERS: ReadonlySet<string> = new Set(['__MACOSX', 'Thumbs.db', 'desktop.ini'])

/** Neutral of how the option is given, since it is kept in logs too. */
const LEADS_OUT = 'a link that leads out of the folder: not followed, unless you choose to follow links'

export interface ClassFolder {
  readonly label: string
  readonly path: string
}

export interface ListedPicture {
  readonly path: string
  readonly label: string
}

/** The folders in a folder, sorted by code point, and those whose names cannot be labels. */
export async function listClasses(folder: string): Promise<{ readonly classes: ClassFolder[]; readonly skipped: SkippedFile[] }> {
  const { entries, misnamed } = await list(folder).catch((cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? 'there is no such folder' : code === 'ENOTDIR' ? 'it is not a folder' : (why(code) ?? systemReason(cause))
    throw new TorchgraftError('ERR_DATA_EMPTY', `Could not list ${folder}: ${reason}`, { path: folder, cause })
  })
  const classes: ClassFolder[] = []
  for (const entry of entries) {
    const path = join(folder, entry.name)
    const isFolder = entry.isSymbolicLink() ? await stat(path).then((info) => info.isDirectory(), () => false) : entry.isDirectory()
    if (isFolder) classes.push({ label: entry.name, path })
  }
  return { classes, skipped: misnamed.map((name) => notUtf8(join(folder, name))) }
}

export interface ListOptions {
  readonly root: string
  readonly followLinks: boolean
  /** Whether each file is looked at, for its size: not where all are about to be read. @default true */
  readonly lookAt?: boolean
  /** What is kept of each picture's path. @default the path */
  readonly keep?: (path: string) => string
  readonly signal?: AbortSignal | undefined
}

/**
 * All pictures in the class folders, in a fixed order. Links within the root are followed, each folder once; links that
 * lead out of it only where asked for.
 */
export async function listPictures(classes: readonly ClassFolder[], { root, followLinks, lookAt = true, keep = (path) => path, signal }: ListOptions): Promise<{ readonly pictures: ListedPicture[]; readonly skipped: SkippedFile[] }> {
  const inside = await realpath(root)
  const pictures: ListedPicture[] = []
  const skipped: SkippedFile[] = []
  const skip = (path: string, message: string, code: SkippedFile['code'] = 'ERR_IMAGE_DECODE'): void => void skipped.push({ path, code, message })

  let listed = new Set<string>() // folders of the class, by their paths without links: links among them could go round for ever
  /** `real` is the folder's path without links; `seen` those of the folders that it lies in. */
  const visitFolder = async (path: string, real: string, label: string, seen: ReadonlySet<string>): Promise<void> => {
    signal?.throwIfAborted()
    if (seen.has(real)) return skip(path, 'a link back to a folder that it lies in')
    if (listed.has(real)) return skip(path, 'its folder is listed already, by way of a link')
    listed.add(real)
    const before = pictures.length + skipped.length
    const found = await list(path).catch((cause: unknown) => {
      const { code } = cause as NodeJS.ErrnoException
      skip(path, `the folder cannot be listed: ${why(code) ?? systemReason(cause)}`)
      return undefined
    })
    if (!found) return
    for (const name of found.misnamed) skipped.push(notUtf8(join(path, name)))
    const above = new Set([...seen, real])
    for (const entry of found.entries) {
      if (!lookAt && entry.isFile() && isPicture(entry.name)) pictures.push({ path: keep(join(path, entry.name)), label })
      else await visit(entry, join(path, entry.name), join(real, entry.name), label, above)
    }
    const named = IMAGE_EXTENSIONS.has(extname(path).toLowerCase()) && seen.size > 0
    if (named && pictures.length + skipped.length === before) skip(path, 'it is a folder')
  }

  const visit = async (entry: Dirent, path: string, real: string, label: string, seen: ReadonlySet<string>): Promise<void> => {
    if (entry.isDirectory()) return visitFolder(path, real, label, seen)
    if (!entry.isSymbolicLink()) return visitFile(path, label)
    const target = await realpath(path).catch(() => undefined)
    if (target === undefined) return skip(path, 'a link to nothing')
    if (!followLinks && target !== inside && !target.startsWith(inside + sep)) return skip(path, LEADS_OUT)
    const info = await stat(target).catch(() => undefined)
    return info?.isDirectory() ? visitFolder(path, target, label, seen) : visitFile(path, label)
  }

  const visitFile = async (path: string, label: string): Promise<void> => {
    const extension = extname(path).toLowerCase()
    if (extension === '.heic' || extension === '.heif') return skip(path, HEIC)
    if (UNREADABLE_EXTENSIONS.has(extension)) return skip(path, `${extension} pictures cannot be read: convert it to JPEG or PNG`)
    if (!IMAGE_EXTENSIONS.has(extension)) return
    const info = await stat(path).catch(() => undefined)
    if (!info) return skip(path, 'it is gone')
    if (!info.isFile()) return skip(path, 'not a file')
    if (info.size > MAX_FILE_BYTES) return skip(path, TOO_LARGE_A_FILE, 'ERR_IMAGE_TOO_LARGE')
    pictures.push({ path: keep(path), label })
  }

  for (const { path, label } of classes) {
    listed = new Set()
    const real = await realpath(path).catch(() => path)
    if (!followLinks && real !== inside && !real.startsWith(inside + sep)) skip(path, LEADS_OUT)
    else await visitFolder(path, real, label, new Set())
  }
  return { pictures, skipped }
}

/** What is in a folder, sorted by code point. Names that are not UTF-8 cannot be told as text, and so not be found again by it. */
async function list(folder: string): Promise<{ readonly entries: Dirent[]; readonly misnamed: string[] }> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.') && !LEFTOVERS.has(name))
  const doubtful = entries.some(({ name }) => name.includes('\ufffd'))
  const misnamed = doubtful ? await misnamedIn(folder) : []
  const bad = new Set(misnamed)
  const named = entries.filter(({ name }) => !bad.has(name))
  const simple = named.every(({ name }) => !BEYOND_ORDER.test(name))
  return { entries: named.sort(simple ? (a, b) => (a.name < b.name ? -1 : 1) : (a, b) => compareCodePoints(a.name, b.name)), misnamed }
}

/** Where JavaScript's order of strings is no longer that of code points. */
const BEYOND_ORDER = /[\ud800-\uffff]/

function isPicture(name: string): boolean {
  return IMAGE_EXTENSIONS.has(extname(name).toLowerCase())
}

async function misnamedIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, 'buffer')
  return names.filter((name) => !Buffer.from(name.toString()).equals(name)).map(String).sort(compareCodePoints)
}

function notUtf8(path: string): SkippedFile {
  return { path, code: 'ERR_IMAGE_DECODE', message: 'its name is not UTF-8 text: rename it' }
}

/** A system's code in words, where there are better ones than its own. */
export function why(code: string | undefined): string | undefined {
  return code === 'EACCES' || code === 'EPERM' ? 'you may not read it' : undefined
}

/** Python's order of strings; JavaScript's own compares UTF-16 units, and differs beyond U+FFFF. */
export function compareCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'))
}
