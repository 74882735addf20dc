import { mkdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { hashFile } from '../../../scripts/common/hashes.mjs'
import { cacheFolder } from '../../../scripts/common/paths.mjs'
import { TorchgraftError } from '../../errors.js'
import { writeFileWhole } from '../../formats/files/write-file.js'
import { type CatalogueEntry, fileOf } from './catalogue.js'

export interface CheckedWeights {
  /** Of the file, in hex. */
  readonly sha256: string
  /** Whether all of it was known before, by the catalogue or from an earlier time; else its first digits are all that was checked. */
  readonly known: boolean
}

/**
 * Checks a file of weights by its SHA-256: by all of it where it is known, else by the digits that PyTorch publishes. Those
 * rule out damage and not a forgery, so all of it is kept in the user's cache, and asked for from then on.
 *
 * @throws ERR_WEIGHTS_HASH where the file is another, which is removed where it is a part
 */
export async function checkWeights(entry: CatalogueEntry, file: string, env: NodeJS.ProcessEnv = process.env): Promise<CheckedWeights> {
  const sha256 = await hashFile(file)
  const expected = knownHash(entry, env)
  if (expected === undefined && sha256.startsWith(entry.sha256Prefix)) await keepHash(entry, sha256, env)
  else if (expected !== sha256) throw await refuse(entry, file, { found: sha256, expected, env })
  return { sha256, known: expected !== undefined }
}

/** The whole SHA-256 of an entry's file, where the catalogue has it or the file was checked before. */
export function knownHash(entry: CatalogueEntry, env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (entry.sha256 !== undefined) return entry.sha256
  try {
    const [kept] = /^[0-9a-f]{64}(?= )/.exec(readFileSync(keptIn(entry, env), 'utf8')) ?? []
    return kept?.startsWith(entry.sha256Prefix) ? kept : undefined
  } catch {
    return undefined
  }
}

/** As `sha256sum` writes it. */
async function keepHash(entry: CatalogueEntry, sha256: string, env: NodeJS.ProcessEnv): Promise<void> {
  const path = keptIn(entry, env)
  try {
    mkdirSync(dirname(path), { recursive: true })
    await writeFileWhole(path, [Buffer.from(`${sha256}  ${basename(fileOf(entry, env))}\n`)])
  } catch {
    // Not kept, so checked by its first digits again next time: no worse than this time.
  }
}

function keptIn(entry: CatalogueEntry, env: NodeJS.ProcessEnv): string {
  return join(cacheFolder(env), 'weights', `${basename(fileOf(entry, env))}.sha256`)
}

type Refused = { readonly found: string; readonly expected: string | undefined; readonly env: NodeJS.ProcessEnv }

async function refuse(entry: CatalogueEntry, file: string, { found, expected, env }: Refused): Promise<TorchgraftError> {
  const part = file.endsWith('.part')
  if (part) await rm(file, { force: true })
  const earlier = entry.sha256 === undefined && found.startsWith(entry.sha256Prefix)
  const digits = expected === undefined ? `begins with ${found.slice(0, 8)}, not ${entry.sha256Prefix}` : `is ${found}, not ${expected}`
  const advice = part ? 'It was removed; try again' : 'Remove it, and pull it again'
  const forged = earlier ? `. The first digits are right and the others are not, so it may be a forgery: the file that was checked here at first had the others. If you know better, remove ${keptIn(entry, env)}` : ''
  return new TorchgraftError('ERR_WEIGHTS_HASH', `${file} is not ${entry.name}: its SHA-256 ${digits}. ${advice}${forged}`, { path: file })
}
