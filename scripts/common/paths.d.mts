interface Libtorch {
  readonly folder: string
  readonly version: string
  readonly cuda: boolean
}

export interface AddonFiles {
  readonly loader: string
  readonly images: string
  readonly main: string
  readonly built: string
}

export function isInstalled(root: string): boolean
export function userCache(env?: NodeJS.ProcessEnv): string
export function cacheFolder(env?: NodeJS.ProcessEnv): string
export function stateFolder(root: string, env: NodeJS.ProcessEnv): string
export function buildFolder(root: string, env: NodeJS.ProcessEnv, libtorch: Libtorch): string
export function addonFiles(build: string): AddonFiles
export function addonHash(root: string, libtorch: Libtorch, env?: NodeJS.ProcessEnv): string
export function setUpCommand(root: string): string
