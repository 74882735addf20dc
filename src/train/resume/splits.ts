import { join } from 'node:path'
import { readSplitIn, type RunSplit, SPLIT_FILE, type SplitItem } from '../../runs/run-folder.js'
import { hashFiles } from '../../datasets/content-hash.js'
import { describeSides, type Sides } from '../../datasets/describe-splits.js'
import { type ImageFolder, withItems } from '../../datasets/image-folder.js'
import { TorchgraftError } from '../../errors.js'

/** Which files are images and which folders are sides: raised with each change of it. Runs from before have none. */
const LISTING = 2

export function splitOf(seed: number, { classes, train, val }: Sides): RunSplit {
  const list = ({ items }: ImageFolder): SplitItem[] => items.map(({ path, label, hash }) => ({ path, label: classes[label] ?? String(label), hash }))
  return { formatVersion: 1, listing: LISTING, seed, classes, train: list(train), val: list(val) }
}

/** The first image that lies elsewhere in the order of its side. */
export function difference(before: RunSplit, now: RunSplit): string | undefined {
  for (const side of ['train', 'val'] as const) {
    for (let i = 0; i < Math.max(before[side].length, now[side].length); i++) {
      const [was, is] = [before[side][i], now[side][i]]
      if (was?.hash !== is?.hash || was?.label !== is?.label) return was ? `${was.path} of the ${side} side` : `${is?.path ?? ''}, new on the ${side} side`
    }
  }
  return undefined
}

/**
 * The sides of a resumed run. One that began when folders were listed otherwise goes on with the images that it began with,
 * as long as they are there unchanged.
 */
export async function sidesOfRun(run: string, data: string, open: () => Promise<Sides>, signal?: AbortSignal): Promise<Sides> {
  const before = await readSplitIn(run).catch(() => undefined) // whoever compares it tells that it is damaged
  if (!before || before.listing === LISTING) return open()
  const now = await open().catch((error: unknown) => {
    if (error instanceof TorchgraftError) return error
    throw error
  })
  if (!(now instanceof TorchgraftError) && difference(before, splitOf(before.seed, now)) === undefined) return now
  const [train, val] = [await listedThen(data, before, 'train', signal), await listedThen(data, before, 'val', signal)]
  if (train && val) return describeSides(data, train, val, [`Folders were listed otherwise when this run began: it goes on with the images that its ${SPLIT_FILE} names.`])
  if (now instanceof TorchgraftError) throw now
  return now
}

async function listedThen(data: string, { classes, ...sides }: RunSplit, side: 'train' | 'val', signal?: AbortSignal): Promise<ImageFolder | undefined> {
  const items = sides[side]
  const { hashes } = await hashFiles(items.map(({ path }) => join(data, path)), signal)
  const labels = new Map(classes.map((label, i) => [label, i]))
  const same = items.every(({ label, hash }, i) => hashes[i] === hash && labels.has(label))
  return same ? withItems(data, classes, items.map(({ path, label, hash }) => ({ path, label: labels.get(label) ?? 0, hash }))) : undefined
}
