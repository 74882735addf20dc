/** A process, told so that another which got its number later is not taken for it. */
export interface ProcessIdentity {
  readonly pid: number
  readonly host?: string
  /** The system's start and the process namespace (a container's), where they can be told: numbers mean something within them only. */
  readonly system?: string
  /** When it began, in ticks since the system's start, where that can be told. */
  readonly started?: string
}

export function ownIdentity(): ProcessIdentity
export function processState(identity: ProcessIdentity): 'alive' | 'dead' | 'unknown'
