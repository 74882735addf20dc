import { createHash } from 'node:crypto'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Remote } from '../../scripts/libtorch/download.mjs'

export const BIG = 'x'.repeat(2000)

/** The files of a libtorch, as far as they are looked at. */
export const tree = (root: string, version = '2.13.0+cpu'): Record<string, string> => ({
  [`${root}/lib/libtorch.so`]: BIG, [`${root}/lib/libtorch_cpu.so`]: BIG, [`${root}/lib/libc10.so`]: BIG,
  [`${root}/lib/libtorch.dylib`]: BIG, [`${root}/lib/libtorch_cpu.dylib`]: BIG,
  [`${root}/include/torch/torch.h`]: '//', [`${root}/version.py`]: `__version__ = '${version}'\n`,
})

/** The same, as the official archive holds it. */
export const archiveTree = (): Record<string, string> => {
  const { 'libtorch/version.py': _, ...files } = tree('libtorch')
  return { ...files, 'libtorch/build-version': '2.13.0+cpu\n' }
}

/** Writes files below `root`, scripts as executable. */
export async function lay(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
    if (content.startsWith('#!')) await chmod(join(root, path), 0o755)
  }
}

/** The lines of a false python3 that keep what it was asked, and which requirements. */
export const ASKED = (root: string): string =>
  `echo "$@" >> ${root}/asked; case "$*" in *requirements.txt) cat requirements.txt >> ${root}/asked; esac`

export const remote = (url: string, zip: Buffer): Remote => ({ url, bytes: zip.length, sha256: createHash('sha256').update(zip).digest('hex') })

/** What set-up's steps take, with what they said. */
export function context(root: string, env: NodeJS.ProcessEnv = { TORCHGRAFT_LIBTORCH: 'cpu', PATH: '/nonexistent' }) {
  const said: string[] = []
  const progress = async <T>(title: string, work: (tell: (detail: string) => void) => Promise<T>): Promise<T> => {
    said.push(title)
    return work((detail) => said.push(detail))
  }
  return { root, env, progress, said }
}

/** Where set-up keeps the CPU build of libtorch. */
export const fetched = (root: string): string => join(root, '.torchgraft/libtorch-2.13.0-cpu/torch')
