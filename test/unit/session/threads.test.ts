import { cpuQuota, defaultThreads } from '../../../src/session/threads.js'

const files = (content: Readonly<Record<string, string>>) => (file: string): string | undefined => content[file]

describe('the cores that a container really has', () => {
  test.each<[string, Record<string, string>, number]>([
    ['no control groups', {}, Infinity],
    ['a second version without limit', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' }, Infinity],
    ['a second version with one', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '150000 100000\n' }, 1.5],
    ['a limit on the group above', { '/proc/self/cgroup': '0::/a/b:c\n', '/sys/fs/cgroup/a/b:c/cpu.max': 'max 100000\n', '/sys/fs/cgroup/a/cpu.max': '400000 100000\n' }, 4],
    ['the lowest of several', { '/proc/self/cgroup': '0::/a\n', '/sys/fs/cgroup/a/cpu.max': '300000 100000\n', '/sys/fs/cgroup/cpu.max': '200000 100000\n' }, 2],
    ['a first version', { '/proc/self/cgroup': '5:cpu,cpuacct:/docker/1\n0::/\n', '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '50000\n', '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n' }, 0.5],
    ['a first version without limit', { '/proc/self/cgroup': '5:cpu:/\n', '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n', '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n' }, Infinity],
    ['what makes no sense', { '/proc/self/cgroup': 'x\n0::/\n', '/sys/fs/cgroup/cpu.max': 'many\n' }, Infinity],
  ])('%s', (_, content, expected) => {
    expect(cpuQuota(files(content))).toBe(expected)
  })

  test.each<[number, Record<string, string>, number, number]>([
    [8, {}, Infinity, 8], [8, {}, 2, 2], [8, {}, 1.5, 2], [8, {}, 0.2, 1], [2, {}, 64, 2],
    [8, { OMP_NUM_THREADS: '8' }, 2, 8], [8, { OMP_NUM_THREADS: '' }, 2, 2],
  ])('libtorch would take %d, with %j and a quota of %d: %d', (libtorch, env, quota, expected) => {
    expect(defaultThreads(libtorch, env, quota)).toBe(expected)
  })
})
