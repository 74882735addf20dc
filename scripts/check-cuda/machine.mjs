import { spawnSync } from 'node:child_process'
import { availableParallelism, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { locateLibtorch } from '../libtorch/locate.mjs'
import { SetupError } from '../setup/errors.mjs'

/** @typedef {import('./types.d.mts').Python} Python */

const PARITY = fileURLToPath(new URL('../../test/parity', import.meta.url))

/** What the peers are made of, imported as they import it; the last line is for us, as modules may print, too. */
const PYTHON_FACTS = `
import importlib, json, platform, sys
sys.path.insert(0, sys.argv[1])
versions, missing = {"python": platform.python_version()}, {}
for name in ("torch", "numpy", "PIL", "torchvision"):
    try:
        if name == "torchvision":
            importlib.import_module("generator.torchvision_without_cuda")
        module = importlib.import_module(name)
        versions[name] = module.__version__
    except Exception as error:
        missing[name] = f"{type(error).__name__}: {error}"[:300]
if "torch" in versions:
    import torch
    versions["cuda"] = str(torch.version.cuda)
    versions["gpu"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
print(json.dumps({"versions": versions, "missing": missing}))
`

/**
 * libtorch and the environment that children find it by: what the variables name, then what set-up fetched, then python3's
 * torch. On a GPU it must be a CUDA build.
 *
 * @param {{ readonly root: string, readonly env: NodeJS.ProcessEnv, readonly device: string }} options
 */
export function findLibtorch({ root, env, device }) {
  /** @type {string[]} */
  const said = []
  for (const more of [{}, ...(env['LIBTORCH'] ? [] : [{ LIBTORCH_USE_PYTORCH: '1' }])]) {
    const { found, tried } = locateLibtorch({ root, env: { ...env, ...more } })
    said.push(...tried.filter(({ result }) => result !== 'not set').map(({ source, result }) => `${source}: ${result}`))
    if (!found) continue
    if (device === 'cpu' || found.cuda) return { found, env: { ...env, LIBTORCH: found.folder, LIBTORCH_USE_PYTORCH: '' } }
    said.push(`${found.folder} is a build for the CPU alone`)
  }
  const tried = said.join('; ') || 'nothing is set'
  throw new SetupError(`There is no libtorch for ${device}. Set LIBTORCH, or install torch into python3. Tried: ${tried}`)
}

/** @param {NodeJS.ProcessEnv} env @returns {Python} */
export function askPython(env) {
  const command = env['TORCHGRAFT_PYTHON'] || 'python3'
  const { status, stdout, stderr, error } = spawnSync(command, ['-c', PYTHON_FACTS, PARITY], { env, encoding: 'utf8', timeout: 120_000 })
  const last = stdout?.trim().split('\n').at(-1) ?? ''
  if (status === 0 && last.startsWith('{')) return { command, .../** @type {Omit<Python, 'command'>} */ (JSON.parse(last)) }
  const why = error?.message ?? stderr.trim().split('\n').at(-1) ?? `code ${status}`
  return { command, versions: {}, missing: { torch: why, torchvision: why } }
}

/** What of Python's is missing for `names`, in words; empty where nothing is. @param {Python} python @param {readonly string[]} names */
export function whatIsMissing({ command, missing }, names) {
  return names.flatMap((name) => (missing[name] === undefined ? [] : [`${command} has no ${name} (${missing[name]})`])).join('; ')
}

/** The machine, a fact a line. @param {NodeJS.ProcessEnv} env @returns {readonly (readonly [string, string])[]} */
export function machineFacts(env) {
  const first = (/** @type {string} */ command, /** @type {readonly string[]} */ args) => {
    const { status, stdout, error } = spawnSync(command, args, { env, encoding: 'utf8', timeout: 20_000 })
    return status === 0 ? (stdout.trim().split('\n')[0] ?? '') : `none (${error?.message ?? `code ${status}`})`
  }
  return [
    ['GPU', first('nvidia-smi', ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'])],
    ['cores', `${availableParallelism()}, ${Math.round(totalmem() / 2 ** 30)} GiB of memory`],
    ['node', process.version],
    ['compiler', first(env['CXX']?.split(' ')[0] || 'c++', ['--version'])],
    ['cmake', first('cmake', ['--version'])],
    ['nvcc', first('sh', ['-c', 'nvcc --version | grep release || ls -d /usr/local/cuda*/bin/nvcc'])],
  ]
}
