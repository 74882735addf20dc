import { isImageName } from '../images/image-endings.js'

/** Folders that network storage, systems and programs make among a user's own, in small letters. */
const LEFTOVER_FOLDERS = byLowerCase([
  '__MACOSX', 'Network Trash Folder', 'Temporary Items', 'TheVolumeSettingsFolder', // macOS
  '$RECYCLE.BIN', 'System Volume Information', 'lost+found', 'LOST.DIR', // Windows, Linux, Android
  '@eaDir', '#recycle', '#snapshot', '@tmp', '@Recycle', '@Recently-Snapshot', '@__thumb', '~snapshot', // Synology, QNAP, NetApp
  '__pycache__', 'node_modules',
])
const LEFTOVER_FILES = byLowerCase([
  'Thumbs.db', 'ehthumbs.db', 'ehthumbs_vista.db', 'desktop.ini', 'Picasa.ini', 'ZbThumbnail.info', 'pspbrwse.jbf', 'Icon\r',
])
const FOLDER_PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\.lrdata$/i, '*.lrdata'], [/\.photoslibrary$/i, '*.photoslibrary'], [/\.download$/i, '*.download'], [/^found\.\d{3}$/i, 'FOUND.000'],
]
/** Copies that editors and exiftool keep, and the streams of Windows that become files on other systems. */
const FILE_PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/~$/, '*~'], [/^#.*#$/, '#*#'], [/_original$/i, '*_original'], [/[:\uf03a]zone\.identifier$/i, '*:Zone.Identifier'],
]
/** Hidden names that notes name; others are "hidden". */
const HIDDEN: ReadonlySet<string> = new Set([
  '.DS_Store', '.AppleDouble', '.Trashes', '.ipynb_checkpoints', '.thumbnails', '.@__thumb', '.git', '.svn', '.picasaoriginals',
  '.picasa.ini',
])

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
