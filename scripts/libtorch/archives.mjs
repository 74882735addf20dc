/** The libtorch that torchgraft is built for and fetches. */
export const LIBTORCH_VERSION = '2.13.0'

/** The official prebuilt archives of CPU builds, by platform: pinned, so that nothing else can come in their place. */
const ARCHIVES = /** @type {Record<string, { readonly path: string, readonly bytes: number, readonly sha256: string }>} */ ({
  'linux-x64': {
    path: `libtorch/cpu/libtorch-shared-with-deps-${LIBTORCH_VERSION}%2Bcpu.zip`,
    bytes: 126_385_248,
    sha256: 'edbf4cbed78433d803e90a65f1752e57783d164bce66c95c0872b2ab8f5c159e',
  },
  'darwin-arm64': {
    path: `libtorch/cpu/libtorch-macos-arm64-${LIBTORCH_VERSION}.zip`,
    bytes: 88_779_559,
    sha256: '1e10c6c4dc2764150c9fb2ad28e1889191302734e7f939108e5d2f22f21a06f8',
  },
})

/** Where the archives lie; a mirror may have them too. @param {NodeJS.ProcessEnv} env */
function baseUrl(env) {
  return (env['TORCHGRAFT_LIBTORCH_MIRROR'] ?? 'https://download.pytorch.org').replace(/\/$/, '')
}

/** @param {NodeJS.ProcessEnv} env @param {string} [platform] */
export function cpuArchive(env, platform = `${process.platform}-${process.arch}`) {
  const archive = ARCHIVES[platform]
  return archive && { url: `${baseUrl(env)}/${archive.path}`, bytes: archive.bytes, sha256: archive.sha256 }
}
