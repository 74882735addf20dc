import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { TorchgraftError } from '../errors.js'
import type { SkippedFile } from './image-folder.js'

/** What is taken for a picture, by the file's name. */
export const IMAGE_EXTENSIONS: ReadonlySet<string> = new Set(['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.gif', '.avif'])
/** Pictures too, but of formats that cannot be read. */
const UNREADABLE_EXTENSIONS: ReadonlySet<string> = new Set(['.heic', '.heif', '.bmp', '.ppm', '.pgm', '.pnm', '.jxl', '.jp2', '.svg', '.psd', '.raw', '.cr2', '.nef', '.arw', '.dng'])
/** What systems and tools leave behind. */
const LEFTOVERS: ReadonlySet<string> = new Set(['__MACOSX', 'Thumbs.db', 'desktop.ini'])

export interface ClassFolder {
  readonly label: string
  readonly path: string
}

export interface ListedPicture {
  readonly path: string
  readonly label: string
}

/** The folders in a folder, sorted by code point. */
export async function listClasses(folder: string): Promise<ClassFolder[]> {
  const entries = await list(folder)
  const folders = await Promise.all(entries.map(async (entry) => {
    const path = join(folder, entry.name)
    const isFolder = entry.isSymbolicLink() ? await stat(path).then((info) => info.isDirectory(), () => false) : entry.isDirectory()
    return isFolder ? [{ label: entry.name, path }] : []
  }))
  return folders.flat()
}

/**
 * All pictures in the class folders, in a fixed order. Links within the root are followed, each folder once; links that
 * lead out of it only where asked for.
 */
export async function listPictures(classes: readonly ClassFolder[], { root, followLinks }: { readonly root: string; readonly followLinks: boolean }): Promise<{ readonly pictures: ListedPicture[]; readonly skipped: SkippedFile[] }> {
  const inside = await realpath(root)
  const pictures: ListedPicture[] = []
  const skipped: SkippedFile[] = []
  const skip = (path: string, message: string): void => void skipped.push({ path, code: 'ERR_IMAGE_DECODE', message })

  const visit = async (path: string, label: string, seen: ReadonlySet<string>): Promise<void> => {
    const real = await realpath(path).catch(() => undefined)
    if (real === undefined) return skip(path, 'a link to nothing')
    if (!followLinks && real !== inside && !real.startsWith(inside + sep)) return skip(path, 'a link that leads out of the folder (--follow-links follows it)')
    const info = await stat(real)
    if (info.isDirectory()) {
      if (seen.has(real)) return skip(path, 'a link back to a folder that it lies in')
      for (const entry of await list(path)) await visit(join(path, entry.name), label, new Set([...seen, real]))
      return
    }
    const extension = extname(path).toLowerCase()
    if (UNREADABLE_EXTENSIONS.has(extension)) return skip(path, `${extension} pictures cannot be read: convert it to JPEG or PNG`)
    if (!IMAGE_EXTENSIONS.has(extension)) return
    if (info.isFile()) pictures.push({ path, label })
    else skip(path, 'not a file')
  }
  for (const { path, label } of classes) await visit(path, label, new Set())
  return { pictures, skipped }
}

async function list(folder: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.filter(({ name }) => !name.startsWith('.') && !LEFTOVERS.has(name)).sort((a, b) => compareCodePoints(a.name, b.name))
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? 'there is no such folder' : code === 'ENOTDIR' ? 'it is not a folder' : message
    throw new TorchgraftError('ERR_DATA_EMPTY', `Could not list ${folder}: ${reason}`, { path: folder, cause })
  }
}

/** Python's order of strings; JavaScript's own compares UTF-16 units, and differs beyond U+FFFF. */
export function compareCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'))
}
