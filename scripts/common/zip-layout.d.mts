interface Layout {
  readonly signature: number
  /** Bytes of the record's fixed part. */
  readonly size: number
}

export const LOCAL: Layout
export const CENTRAL: Layout
export const END64: Layout
export const LOCATOR64: Layout
export const END: Layout
export const DESCRIPTOR: number
export const METHODS: { readonly stored: number; readonly deflated: number }
export const FLAGS: { readonly encrypted: number; readonly inDescriptor: number; readonly utf8: number }
export const WIDE: number
export const WIDE16: number
export const ZIP64_ID: number

interface EntryRecord {
  readonly flags: number
  readonly method: number
  /** CRC-32 of the entry's bytes. */
  readonly crc: number
  readonly packed: number
  readonly size: number
}

export interface LocalRecord extends EntryRecord {
  readonly nameLength: number
  readonly extraLength: number
}

export interface CentralRecord extends EntryRecord {
  /** Where the entry's local record begins. */
  readonly header: number
  /** External, as the system that made it has them. */
  readonly attributes: number
  readonly name: Uint8Array
  /** Numbers of the zip64 extra field that no field asked for. */
  readonly unused: number
  /** Where the next entry begins. */
  readonly next: number
}

export interface DirectoryPlace {
  /** Entries. */
  readonly count: number
  /** Bytes. */
  readonly size: number
  readonly begin: number
}

export interface EndRecord extends DirectoryPlace {
  readonly disk: number
  readonly commentLength: number
}

export function localRecord(view: DataView, at: number): LocalRecord | undefined
export function centralRecord(view: DataView, at: number): CentralRecord | undefined
export function endRecord(view: DataView, at: number): EndRecord | undefined
export function end64At(view: DataView, at: number): number | undefined
export function end64Record(view: DataView, at: number): DirectoryPlace | undefined
