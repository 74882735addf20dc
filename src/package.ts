import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TorchgraftError } from './errors.js'

const NAME = 'torchgraft'

let found: { readonly root: string; readonly version: string } | undefined

/**
 * The folder of the package, where its addon, weights and page lie beside its code.
 *
 * @throws ERR_BUNDLED where the code was bundled into a file elsewhere
 */
export function packageRoot(): string {
  return ownPackage().root
}

/** The version in package.json. @throws ERR_BUNDLED */
export function packageVersion(): string {
  return ownPackage().version
}

function ownPackage(): { readonly root: string; readonly version: string } {
  return (found ??= find(import.meta.url))
}

/** The package around a module. @param url of the module; a bundle of CommonJS has none @throws ERR_BUNDLED */
export function find(url: string | undefined): { readonly root: string; readonly version: string } {
  if (url?.startsWith('file:')) {
    const root = join(dirname(fileURLToPath(url)), '..', '/')
    const file = join(root, 'package.json')
    const manifest: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
    const { name, version } = manifest as { readonly name?: string; readonly version?: string }
    if (name === NAME && version !== undefined) return { root, version }
  }
  throw bundledError(url)
}

export function bundledError(url: string | undefined): TorchgraftError {
  const where = url === undefined ? '' : ` (${url})`
  return new TorchgraftError('ERR_BUNDLED', [
    `The code of ${NAME} was bundled${where}, and its addon, weights and page cannot be had from there.`,
    'Leave the package out of the bundle, and install it where the bundle runs:',
    `esbuild --external:${NAME}, external: ['${NAME}'] in Rollup and Vite's ssr, externals in webpack,`,
    `serverExternalPackages: ['${NAME}'] in next.config.js`,
  ].join(' '))
}
