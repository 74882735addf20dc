import { join } from 'node:path'
import { readSplitIn, type RunSplit, SPLIT_FILE, type SplitItem } from '../../runs/run-folder.js'
import { hashFiles } from '../../datasets/content-hash.js'
import { describeTrainVal, type TrainVal } from '../../datasets/describe-splits.js'
import { type ImageFolder, withItems } from '../../datasets/image-folder.js'
import { TorchgraftError } from '../../errors.js'

/** The version of the rules by which files are images and folders are sets. Runs from before there were versions have none. */
const LISTING = 2

export function splitOf(seed: number, { classes, train, val }: TrainVal): RunSplit {
  const list = ({ items }: ImageFolder): SplitItem[] => {
    return items.map(({ path, label, hash }) => ({ path, label: classes[label] ?? String(label), hash }))
  }
  return { formatVersion: 1, listing: LISTING, seed, classes, train: list(train), val: list(val) }
}

/** The first image whose place in the order of its split differs. */
export function difference(before: RunSplit, now: RunSplit): string | undefined {
  for (const split of ['train', 'val'] as const) {
    for (let i = 0; i < Math.max(before[split].length, now[split].length); i++) {
      const [was, is] = [before[split][i], now[split][i]]
      if (was?.hash !== is?.hash || was?.label !== is?.label)
        return was ? `${was.path} of the ${split} split` : `${is?.path ?? ''}, new in the ${split} split`
    }
  }
  return undefined
}

/**
 * The sets of a resumed run. One that began when folders were listed otherwise goes on with the images that it began with,
 * as long as they are there unchanged.
 */
export async function trainValOfRun(run: string, data: string, open: () => Promise<TrainVal>, signal?: AbortSignal): Promise<TrainVal> {
  const before = await readSplitIn(run).catch(() => undefined) // the comparison with it reports that it is damaged
  if (!before || before.listing === LISTING) return open()
  const now = await open().catch((error: unknown) => {
    if (error instanceof TorchgraftError) return error
    throw error
  })
  if (!(now instanceof TorchgraftError) && difference(before, splitOf(before.seed, now)) === undefined) return now
  const [train, val] = [await listedThen(data, before, 'train', signal), await listedThen(data, before, 'val', signal)]
  if (train && val) return describeTrainVal(data, train, val, [`Folders were listed otherwise when this run began: it goes on with the images that its ${SPLIT_FILE} names.`])
  if (now instanceof TorchgraftError) throw now
  return now
}

async function listedThen(
  data: string,
  { classes, ...sets }: RunSplit,
  split: 'train' | 'val',
  signal?: AbortSignal,
): Promise<ImageFolder | undefined> {
  const items = sets[split]
  const { hashes } = await hashFiles(items.map(({ path }) => join(data, path)), signal)
  const labels = new Map(classes.map((label, i) => [label, i]))
  const same = items.every(({ label, hash }, i) => hashes[i] === hash && labels.has(label))
  return same ? withItems(data, classes, items.map(({ path, label, hash }) => ({ path, label: labels.get(label) ?? 0, hash }))) : undefined
}
