export type Format = 'jpeg' | 'png' | 'webp' | 'gif' | 'avif' | 'other'

export function formatOf(head: Uint8Array): Format
export function isHeic(head: Uint8Array): boolean
export function isTiff(head: Uint8Array): boolean
export function latin1(bytes: Uint8Array, from: number, length: number): string
