import type { Position } from './model-metadata.js'

/** The position of the state in a file: finished epochs, and steps of the next. */
export interface SavedPosition extends Pick<Position, 'epoch' | 'step'> {
  readonly file: string
}

/** In words, as events count: from 1. */
export function describePosition({ epoch, step }: Pick<Position, 'epoch' | 'step'>): string {
  return step === 0 ? `the end of epoch ${epoch}` : `epoch ${epoch + 1}, step ${step}`
}

export function describeLastGood(saved: SavedPosition | undefined): string {
  return saved ? `The last good state is ${saved.file}, from ${describePosition(saved)}.` : 'Nothing had been saved yet.'
}
