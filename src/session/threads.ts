import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Threads to compute with: libtorch's own choice (one a core, or what OMP_NUM_THREADS says), but no more than a
 * container may keep busy, which libtorch does not look at.
 */
export function defaultThreads(libtorch: number, env: NodeJS.ProcessEnv = process.env, quota = cpuQuota()): number {
  const asked = env['OMP_NUM_THREADS'] ?? env['MKL_NUM_THREADS']
  if (asked !== undefined && asked !== '') return libtorch
  return Math.max(1, Math.min(libtorch, Math.ceil(quota)))
}

/**
 * How many cores' time the control groups of this process allow it; Infinity where they set no limit. A group is
 * limited by those above it too.
 *
 * Sources: Linux, Documentation/admin-guide/cgroup-v2.rst (`cpu.max`) and scheduler/sched-bwc.rst (`cpu.cfs_quota_us`).
 */
export function cpuQuota(read: (file: string) => string | undefined = readIfThere): number {
  const groups = (read('/proc/self/cgroup') ?? '').split('\n').map((line) => line.split(':'))
  const limits = groups.flatMap(([id, controllers = '', ...rest]) => {
    const path = rest.join(':')
    if (id === '0' && controllers === '') return withParents(path).map((group) => unified(read, group))
    if (!controllers.split(',').includes('cpu')) return []
    return withParents(path).map((group) => legacy(read, controllers, group))
  })
  return Math.min(Infinity, ...limits)
}

/** `/a/b` and `/a` and `/`: in a container the upper ones may be what is mounted. */
function withParents(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '')
  return [...parts.keys()].map((i) => `/${parts.slice(0, i + 1).join('/')}`).concat('/')
}

/** "200000 100000": microseconds of every so many; or "max 100000". */
function unified(read: (file: string) => string | undefined, group: string): number {
  const [quota, period] = (read(join('/sys/fs/cgroup', group, 'cpu.max')) ?? 'max').trim().split(' ')
  return share(Number(quota), Number(period))
}

function legacy(read: (file: string) => string | undefined, controllers: string, group: string): number {
  const number = (name: string): number => Number(read(join('/sys/fs/cgroup', controllers, group, name)) ?? Number.NaN)
  return share(number('cpu.cfs_quota_us'), number('cpu.cfs_period_us'))
}

/** No number, or −1, is no limit. */
function share(quota: number, period: number): number {
  return quota > 0 && period > 0 ? quota / period : Infinity
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
