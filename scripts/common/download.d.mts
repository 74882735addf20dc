import type { Readable } from 'node:stream'

/** A server's answer, whichever client it came by. */
export interface Answer {
  readonly status: number
  readonly contentRange: string | null | undefined
  readonly contentLength: number | undefined
  readonly body: Readable
  /** Lets go of it unread. */
  cancel(): void | Promise<void>
}

export interface FetchOptions {
  /** The file's bytes, where they are known beforehand. */
  readonly total?: number | undefined
  /** Told of the bytes that have come, with those of earlier tries, and of all where the server says how many. */
  readonly onProgress?: (received: number, total: number | undefined) => void
  readonly signal?: AbortSignal | undefined
}

export class RefusedError extends Error {}

export class BrokenOffError extends Error {
  readonly received: number
  readonly total: number | undefined
}

export function fetchRest(part: string, ask: (from: number) => Promise<Answer>, options?: FetchOptions): Promise<void>
export function isDiskError(error: unknown): boolean
export function fileBytes(path: string): number
export function parseContentRange(
  text: string | null | undefined,
): { readonly start: number; readonly end: number; readonly size: number | undefined } | undefined
