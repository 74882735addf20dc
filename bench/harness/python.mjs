// The peers' Python where nothing is installed for them: what it has, and what it lacks.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** @typedef {import('../types.d.mts').Python} Python */

const PARITY = fileURLToPath(new URL('../../test/parity', import.meta.url))

/** What the peers are made of, imported as they import it; the last line is for us, as modules may print, too. */
const FACTS = `
import importlib, json, platform, sys
sys.path.insert(0, sys.argv[1])
versions, missing = {"python": platform.python_version()}, {}
for name in ("torch", "numpy", "PIL", "torchvision", "triton", "onnx", "onnxruntime"):
    try:
        if name == "torchvision":
            importlib.import_module("generator.torchvision_without_cuda")
        module = importlib.import_module(name)
        versions[name] = module.__version__
    except Exception as error:
        missing[name] = f"{type(error).__name__}: {error}"[:300]
if "torch" in versions:
    import torch
    versions.update({"cuda": torch.version.cuda} if torch.version.cuda else {})
    versions.update({"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {})
print(json.dumps({"versions": versions, "missing": missing}))
`

/** @param {NodeJS.ProcessEnv} env @returns {Python} */
export function askPython(env) {
  const command = env['TORCHGRAFT_PYTHON'] || 'python3'
  const { status, stdout, stderr, error } = spawnSync(command, ['-c', FACTS, PARITY], { env, encoding: 'utf8', timeout: 120_000 })
  const last = stdout?.trim().split('\n').at(-1) ?? ''
  if (status === 0 && last.startsWith('{')) return { command, .../** @type {Omit<Python, 'command'>} */ (JSON.parse(last)) }
  const why = error?.message ?? stderr.trim().split('\n').at(-1) ?? `code ${status}`
  return { command, versions: {}, missing: { torch: why, torchvision: why } }
}

/** What of Python's is missing for `names`, in words; empty where nothing is. @param {Python} python @param {readonly string[]} names */
export function whatIsMissing({ command, missing }, names) {
  return names.flatMap((name) => (missing[name] === undefined ? [] : [`${command} has no ${name} (${missing[name]})`])).join('; ')
}
