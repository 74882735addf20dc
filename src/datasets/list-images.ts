import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { TorchgraftError } from '../errors.js'
import { systemReason } from '../text/system-reason.js'
import { type Recognized, recognizeFiles } from '../images/first-bytes.js'
import type { SkippedFile } from './image-folder.js'
import { PassedOverCounts } from './passed-over.js'
import { endingOf, isImageName, whyUnreadable } from '../images/image-endings.js'
import { leftoverName } from './leftover-names.js'
import { MAX_FILE_BYTES, TOO_LARGE_A_FILE } from '../images/image-errors.js'

/** Neutral of how the option is given, since it is kept in logs too. */
const LEADS_OUT = 'a link that leads out of the folder: not followed, unless you choose to follow links'

export interface ClassFolder {
  readonly label: string
  readonly path: string
}

export interface ListedImage {
  readonly path: string
  readonly label: string
}

/** The folders in a folder, sorted by code point, and those whose names cannot be labels. Files beside them are counted. */
export async function listClasses(folder: string, passedOver = new PassedOverCounts()): Promise<{ readonly classes: ClassFolder[]; readonly skipped: SkippedFile[] }> {
  const { entries, misnamed } = await list(folder, passedOver).catch((cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? 'there is no such folder' : code === 'ENOTDIR' ? 'it is not a folder' : (errnoReason(code) ?? systemReason(cause))
    throw new TorchgraftError('ERR_DATA_EMPTY', `Could not list ${folder}: ${reason}`, { path: folder, cause })
  })
  const classes: ClassFolder[] = []
  const unnamed = await recognizeUnnamed(folder, entries)
  for (const entry of entries) {
    const path = join(folder, entry.name)
    const isFolder = entry.isSymbolicLink() ? await stat(path).then((info) => info.isDirectory(), () => false) : entry.isDirectory()
    if (isFolder) classes.push({ label: entry.name, path })
    else if (isImageName(entry.name) || unnamed.get(entry.name) === 'image' || whyUnreadable(endingOf(entry.name)) !== undefined) passedOver.addUnclassed()
    else passedOver.addEnding(endingOf(entry.name))
  }
  return { classes, skipped: misnamed.map((name) => notUtf8(join(folder, name))) }
}

export interface ListOptions {
  readonly root: string
  readonly followLinks: boolean
  /** Whether each file is looked at, for its size: not where all are about to be read. @default true */
  readonly lookAt?: boolean
  /** What is kept of each image's path. @default the path */
  readonly keep?: (path: string) => string
  /** Counts what is passed over by its name. */
  readonly passedOver?: PassedOverCounts
  readonly signal?: AbortSignal | undefined
}

/**
 * All images in the class folders, in a fixed order. Links within the root are followed, each folder once; links that
 * lead out of it only where asked for.
 */
export async function listImages(classes: readonly ClassFolder[], { root, followLinks, lookAt = true, keep = (path) => path, passedOver = new PassedOverCounts(), signal }: ListOptions): Promise<{ readonly images: ListedImage[]; readonly skipped: SkippedFile[] }> {
  const inside = await realpath(root)
  const images: ListedImage[] = []
  const skipped: SkippedFile[] = []
  const skip = (path: string, message: string, code: SkippedFile['code'] = 'ERR_IMAGE_DECODE'): void => void skipped.push({ path, code, message })

  let listed = new Set<string>() // folders of the class, by their paths without links: links among them could go round for ever
  /** `real` is the folder's path without links; `seen` those of the folders that it lies in. */
  const visitFolder = async (path: string, real: string, label: string, seen: ReadonlySet<string>): Promise<void> => {
    signal?.throwIfAborted()
    if (seen.has(real)) return skip(path, 'a link back to a folder that it lies in')
    if (listed.has(real)) return skip(path, 'its folder is listed already, by way of a link')
    listed.add(real)
    const before = images.length + skipped.length
    const found = await list(path, passedOver).catch((cause: unknown) => {
      const { code } = cause as NodeJS.ErrnoException
      skip(path, `the folder cannot be listed: ${errnoReason(code) ?? systemReason(cause)}`)
      return undefined
    })
    if (!found) return
    for (const name of found.misnamed) skipped.push(notUtf8(join(path, name)))
    const above = new Set([...seen, real])
    const unnamed = await recognizeUnnamed(path, found.entries, signal)
    for (const entry of found.entries) {
      if (!lookAt && entry.isFile() && isImageName(entry.name)) images.push({ path: keep(join(path, entry.name)), label })
      else if (unnamed.has(entry.name)) await visitUnnamed(join(path, entry.name), label, unnamed.get(entry.name))
      else await visit(entry, join(path, entry.name), join(real, entry.name), label, above)
    }
    const named = isImageName(path) && seen.size > 0
    if (named && images.length + skipped.length === before) skip(path, 'it is a folder')
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
    const ending = endingOf(path)
    const reason = whyUnreadable(ending)
    if (reason !== undefined) return skip(path, reason)
    if (isImageName(path)) return take(path, label)
    if (ending !== '') return passedOver.addEnding(ending)
    return visitUnnamed(path, label, (await recognizeFiles([path], signal))[0])
  }

  const visitUnnamed = async (path: string, label: string, found: Recognized | Error): Promise<void> => {
    if (found === 'image') return take(path, label)
    if (found === undefined) return passedOver.addEnding('')
    skip(path, found instanceof Error ? (errnoReason((found as NodeJS.ErrnoException).code) ?? 'it is gone') : found.reason)
  }

  const take = async (path: string, label: string): Promise<void> => {
    const info = await stat(path).catch(() => undefined)
    if (!info) return skip(path, 'it is gone')
    if (!info.isFile()) return skip(path, 'not a file')
    if (info.size > MAX_FILE_BYTES) return skip(path, TOO_LARGE_A_FILE, 'ERR_IMAGE_TOO_LARGE')
    images.push({ path: keep(path), label })
  }

  for (const { path, label } of classes) {
    listed = new Set()
    const real = await realpath(path).catch(() => path)
    if (!followLinks && real !== inside && !real.startsWith(inside + sep)) skip(path, LEADS_OUT)
    else await visitFolder(path, real, label, new Set())
  }
  return { images, skipped }
}

/** What is in a folder, sorted by code point. Names that are not UTF-8 cannot be told as text, and so not be found again by it. */
async function list(folder: string, passedOver?: PassedOverCounts): Promise<{ readonly entries: Dirent[]; readonly misnamed: string[] }> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => {
    const leftover = leftoverName(entry.name, !entry.isDirectory()) ?? (entry.isSymbolicLink() ? leftoverName(entry.name, false) : undefined)
    if (leftover !== undefined) passedOver?.addLeftover(leftover)
    return leftover === undefined
  })
  const doubtful = entries.some(({ name }) => name.includes('\ufffd'))
  const misnamed = doubtful ? await misnamedIn(folder) : []
  const bad = new Set(misnamed)
  const named = entries.filter(({ name }) => !bad.has(name))
  const simple = named.every(({ name }) => !BEYOND_ORDER.test(name))
  return { entries: named.sort(simple ? (a, b) => (a.name < b.name ? -1 : 1) : (a, b) => compareCodePoints(a.name, b.name)), misnamed }
}

/** Where JavaScript's order of strings is no longer that of code points. */
const BEYOND_ORDER = /[\ud800-\uffff]/

/** What the files without an ending are, by name: these alone are opened to be listed. */
async function recognizeUnnamed(folder: string, entries: readonly Dirent[], signal?: AbortSignal): Promise<ReadonlyMap<string, Recognized | Error>> {
  const names = entries.filter((entry) => entry.isFile() && !isImageName(entry.name) && endingOf(entry.name) === '').map(({ name }) => name)
  const found = await recognizeFiles(names.map((name) => join(folder, name)), signal)
  return new Map(names.map((name, i) => [name, found[i]]))
}

async function misnamedIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, 'buffer')
  return names.filter((name) => !Buffer.from(name.toString()).equals(name)).map(String).sort(compareCodePoints)
}

function notUtf8(path: string): SkippedFile {
  return { path, code: 'ERR_IMAGE_DECODE', message: 'its name is not UTF-8 text: rename it' }
}

/** A system's code in words, where there are better ones than its own. */
export function errnoReason(code: string | undefined): string | undefined {
  return code === 'EACCES' || code === 'EPERM' ? 'you may not read it' : undefined
}

/** Python's order of strings; JavaScript's own compares UTF-16 units, and differs beyond U+FFFF. */
export function compareCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'))
}
