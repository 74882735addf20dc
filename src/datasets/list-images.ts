import type { Dirent } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { type Recognized, recognizeFiles } from '../images/first-bytes.js'
import { endingOf, isImageName, whyUnreadable } from '../images/image-endings.js'
import { MAX_FILE_BYTES, TOO_LARGE_A_FILE } from '../images/image-errors.js'
import { permissionReason, systemReason } from '../text/system-reason.js'
import { type ClassFolder, type FolderListing, listFolder, recognizeUnnamed } from './list-folder.js'
import { PassedOverCounts } from './passed-over.js'
import type { SkippedFile } from './skipped-file.js'

/** Neutral of how the option is given, since it is kept in logs too. */
const LEADS_OUT = 'a link that leads out of the folder: not followed, unless you choose to follow links'

export interface ListedImage {
  readonly path: string
  readonly label: string
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
export async function listImages(
  classes: readonly ClassFolder[],
  options: ListOptions,
): Promise<{ readonly images: ListedImage[]; readonly skipped: SkippedFile[] }> {
  const walk = new FolderWalk(await realpath(options.root), options)
  for (const folder of classes) await walk.visitClass(folder)
  return walk
}

/** A folder or file on the way down from a class folder. */
interface Visited {
  readonly path: string
  readonly label: string
  /** The path with all links resolved. */
  readonly real: string
  /** The folders that it lies in, by their real paths. */
  readonly above: ReadonlySet<string>
}

/** Depth-first through class folders, one after another: what it finds is in the order of the paths. */
class FolderWalk {
  readonly images: ListedImage[] = []
  readonly skipped: SkippedFile[] = []
  readonly #root: string // without links
  readonly #options: ListOptions
  readonly #passedOver: PassedOverCounts
  readonly #keep: (path: string) => string
  /** Folders of the class under way, by their real paths: links among them could go round for ever. */
  #listed = new Set<string>()

  constructor(realRoot: string, options: ListOptions) {
    this.#root = realRoot
    this.#options = options
    this.#passedOver = options.passedOver ?? new PassedOverCounts()
    this.#keep = options.keep ?? ((path) => path)
  }

  async visitClass({ path, label }: ClassFolder): Promise<void> {
    this.#listed = new Set()
    const real = await realpath(path).catch(() => path)
    if (this.#leadsOut(real)) return this.#skip(path, LEADS_OUT)
    return this.#visitFolder({ path, label, real, above: new Set() })
  }

  async #visitFolder({ path, label, real, above }: Visited): Promise<void> {
    this.#options.signal?.throwIfAborted()
    if (above.has(real)) return this.#skip(path, 'a link back to a folder that it lies in')
    if (this.#listed.has(real)) return this.#skip(path, 'its folder is listed already, by way of a link')
    this.#listed.add(real)
    const before = this.#count
    const listing = await this.#list(path)
    if (!listing) return
    this.skipped.push(...listing.misnamed)
    await this.#visitEntries(listing.entries, { path, label, real, above: new Set([...above, real]) })
    const named = isImageName(path) && above.size > 0
    if (named && this.#count === before) this.#skip(path, 'it is a folder')
  }

  async #list(path: string): Promise<FolderListing | undefined> {
    try {
      return await listFolder(path, this.#passedOver)
    } catch (cause) {
      this.#skip(path, `the folder cannot be listed: ${permissionReason(cause) ?? systemReason(cause)}`)
      return undefined
    }
  }

  async #visitEntries(entries: readonly Dirent[], { path: folder, label, real, above }: Visited): Promise<void> {
    const { lookAt = true, signal } = this.#options
    const unnamed = await recognizeUnnamed(folder, entries, signal)
    for (const entry of entries) {
      const path = join(folder, entry.name)
      if (!lookAt && entry.isFile() && isImageName(entry.name)) this.images.push({ path: this.#keep(path), label })
      else if (unnamed.has(entry.name)) await this.#addRecognized(path, label, unnamed.get(entry.name))
      else await this.#visit(entry, { path, label, real: join(real, entry.name), above })
    }
  }

  async #visit(entry: Dirent, visited: Visited): Promise<void> {
    const { path, label } = visited
    if (entry.isDirectory()) return this.#visitFolder(visited)
    if (!entry.isSymbolicLink()) return this.#visitFile(path, label)
    const target = await realpath(path).catch(() => undefined)
    if (target === undefined) return this.#skip(path, 'a link to nothing')
    if (this.#leadsOut(target)) return this.#skip(path, LEADS_OUT)
    const info = await stat(target).catch(() => undefined)
    return info?.isDirectory() ? this.#visitFolder({ ...visited, real: target }) : this.#visitFile(path, label)
  }

  async #visitFile(path: string, label: string): Promise<void> {
    const ending = endingOf(path)
    const reason = whyUnreadable(ending)
    if (reason !== undefined) return this.#skip(path, reason)
    if (isImageName(path)) return this.#add(path, label)
    if (ending !== '') return this.#passedOver.addEnding(ending)
    const [found] = await recognizeFiles([path], this.#options.signal)
    return this.#addRecognized(path, label, found)
  }

  /** A file without an ending, by its first bytes. */
  async #addRecognized(path: string, label: string, found: Recognized | Error): Promise<void> {
    if (found === 'image') return this.#add(path, label)
    if (found === undefined) return this.#passedOver.addEnding('')
    this.#skip(path, found instanceof Error ? (permissionReason(found) ?? 'it is gone') : found.reason)
  }

  async #add(path: string, label: string): Promise<void> {
    const info = await stat(path).catch(() => undefined)
    if (!info) return this.#skip(path, 'it is gone')
    if (!info.isFile()) return this.#skip(path, 'not a file')
    if (info.size > MAX_FILE_BYTES) return this.#skip(path, TOO_LARGE_A_FILE, 'ERR_IMAGE_TOO_LARGE')
    this.images.push({ path: this.#keep(path), label })
  }

  #skip(path: string, message: string, code: SkippedFile['code'] = 'ERR_IMAGE_DECODE'): void {
    this.skipped.push({ path, code, message })
  }

  #leadsOut(real: string): boolean {
    return !this.#options.followLinks && real !== this.#root && !real.startsWith(this.#root + sep)
  }

  get #count(): number {
    return this.images.length + this.skipped.length
  }
}
