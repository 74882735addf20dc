import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TorchgraftError } from './errors.js'

const NAME = 'torchgraft'

let found: { readonly root: string; readonly version: string } | undefined

/**
 * torchgraft's own folder, where its addon, weights and page lie beside its code.
 *
 * @throws ERR_BUNDLED where a bundler has taken the code away from them
 */
export function packageRoot(): string {
  return ownPackage().root
}

/** torchgraft's own version. @throws ERR_BUNDLED */
export function packageVersion(): string {
  return ownPackage().version
}

function ownPackage(): { readonly root: string; readonly version: string } {
  return (found ??= find(import.meta.url))
}

/** @param url of this module; a bundle of CommonJS has none */
export function find(url: string | undefined): { readonly root: string; readonly version: string } {
  if (url?.startsWith('file:')) {
    const root = join(dirname(fileURLToPath(url)), '..', '/')
    const file = join(root, 'package.json')
    const { name, version } = (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}) as { readonly name?: string; readonly version?: string }
    if (name === NAME && version !== undefined) return { root, version }
  }
  throw bundledError(url)
}

export function bundledError(url: string | undefined): TorchgraftError {
  return new TorchgraftError('ERR_BUNDLED', `The code of ${NAME} was bundled${url === undefined ? '' : ` (${url})`}, and its addon, weights and page cannot be had from there. Leave the package out of the bundle, and install it where the bundle runs: esbuild --external:${NAME}, external: ['${NAME}'] in Rollup and Vite's ssr, externals in webpack, serverExternalPackages: ['${NAME}'] in next.config.js`)
}
