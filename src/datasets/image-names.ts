import { extname } from 'node:path'
import { HEIC } from '../images/image-errors.js'

/** JPEGs under all the endings that systems, browsers and cameras give them. */
export const JPEG_ENDINGS: ReadonlySet<string> = new Set(['.jpg', '.jpeg', '.jpe', '.jfif', '.jfi', '.jif', '.pjpeg', '.pjp', '.mpo'])
/** What is taken for an image by the file's name. */
const IMAGE_ENDINGS: ReadonlySet<string> = new Set([...JPEG_ENDINGS, '.png', '.apng', '.webp', '.tif', '.tiff', '.gif', '.avif'])
/** Images too, but of formats that cannot be read. */
const UNREADABLE_ENDINGS: ReadonlySet<string> = new Set([
  '.bmp', '.dib', '.ppm', '.pgm', '.pbm', '.pnm', '.pam', '.pfm', '.jxl', '.jp2', '.j2k', '.jpx', '.jpf', '.j2c', '.jxr', '.svg', '.svgz', '.psd', '.psb', '.xcf', '.ai', '.eps',
  '.ico', '.tga', '.dds', '.exr', '.hdr', '.pcx', '.dcm', '.raw', '.cr2', '.cr3', '.nef', '.nrw', '.arw', '.srf', '.sr2', '.dng', '.orf', '.rw2', '.raf', '.pef', '.srw', '.x3f',
  '.3fr', '.iiq', '.rwl', '.kdc', '.dcr', '.mrw', '.erf',
])
const HEIC_ENDINGS: ReadonlySet<string> = new Set(['.heic', '.heif', '.heics', '.heifs', '.hif'])

export function isImageName(name: string): boolean {
  return IMAGE_ENDINGS.has(extname(name).toLowerCase())
}

/**
 * In small letters and with its dot; '' for none. What stands after the last dot is not always one: `2021.05.03`,
 * `photo.jpg?w=300`, `photo.jpg_large`, `Dr. Smith`.
 */
export function endingOf(name: string): string {
  const ending = extname(name).toLowerCase()
  return /^\.(?=.*[a-z])[a-z0-9]{1,12}$/.test(ending) ? ending : ''
}

/** Why an image of this ending cannot be read; nothing where it can, or where it is no image. */
export function whyUnreadable(ending: string): string | undefined {
  if (HEIC_ENDINGS.has(ending)) return HEIC
  return UNREADABLE_ENDINGS.has(ending) ? `${ending} images cannot be read: convert it to JPEG or PNG` : undefined
}

/** Folders that network storage, systems and programs make among a user's own, in small letters. */
const LEFTOVER_FOLDERS = byLowerCase([
  '__MACOSX', 'Network Trash Folder', 'Temporary Items', 'TheVolumeSettingsFolder', // macOS
  '$RECYCLE.BIN', 'System Volume Information', 'lost+found', 'LOST.DIR', // Windows, Linux, Android
  '@eaDir', '#recycle', '#snapshot', '@tmp', '@Recycle', '@Recently-Snapshot', '@__thumb', '~snapshot', // Synology, QNAP, NetApp
  '__pycache__', 'node_modules',
])
const LEFTOVER_FILES = byLowerCase(['Thumbs.db', 'ehthumbs.db', 'ehthumbs_vista.db', 'desktop.ini', 'Picasa.ini', 'ZbThumbnail.info', 'pspbrwse.jbf', 'Icon\r'])
const FOLDER_PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\.lrdata$/i, '*.lrdata'], [/\.photoslibrary$/i, '*.photoslibrary'], [/\.download$/i, '*.download'], [/^found\.\d{3}$/i, 'FOUND.000'],
]
/** Copies that editors and exiftool keep, and the streams of Windows that become files on other systems. */
const FILE_PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/~$/, '*~'], [/^#.*#$/, '#*#'], [/_original$/i, '*_original'], [/[:\uf03a]zone\.identifier$/i, '*:Zone.Identifier'],
]
/** Hidden names that are told of by themselves. */
const HIDDEN: ReadonlySet<string> = new Set(['.DS_Store', '.AppleDouble', '.Trashes', '.ipynb_checkpoints', '.thumbnails', '.@__thumb', '.git', '.svn', '.picasaoriginals', '.picasa.ini'])

/** What to call a file or folder that systems, network storage and editors leave among images; nothing for a user's own. */
export function leftoverName(name: string, isFile: boolean): string | undefined {
  if (name.startsWith('.')) return name.startsWith('._') ? '._*' : HIDDEN.has(name) ? name : '.*'
  if (isFile && isImageName(name)) return undefined // most are: the rest takes time
  const known = (isFile ? LEFTOVER_FILES : LEFTOVER_FOLDERS).get(name.toLowerCase())
  return known ?? (isFile ? FILE_PATTERNS : FOLDER_PATTERNS).find(([pattern]) => pattern.test(name))?.[1]
}

function byLowerCase(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [name.toLowerCase(), name]))
}
