export interface Libtorch {
  readonly folder: string
  /** The library file to open. */
  readonly library: string
  readonly version: string
  readonly cuda: boolean
  readonly source: Source
}

export type Source = 'LIBTORCH' | 'LIBTORCH_USE_PYTORCH' | 'set-up'

export interface Attempt {
  readonly source: Source
  readonly result: string
}

export function hasNvidiaDriver(): boolean
export function fetchedFolder(root: string, env: NodeJS.ProcessEnv, build: 'cpu' | 'cuda'): string
export function locateLibtorch(options: { readonly root: string; readonly env?: NodeJS.ProcessEnv }): { readonly found?: Libtorch; readonly tried: readonly Attempt[] }
