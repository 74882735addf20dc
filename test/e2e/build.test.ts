import { existsSync } from 'node:fs'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { firstError } from '../../scripts/setup/build-errors.mjs'
import { buildByCMake } from '../../scripts/setup/cmake.mjs'
import { ROOT } from '../helpers/processes/child.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

/** A small project, and how often its one file was compiled. */
async function project(source: string) {
  const folder = await temporaryFolder()
  const { path: root } = folder
  await mkdir(join(root, 'bin'))
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  await writeFile(join(root, 'package.json'), JSON.stringify({ binary: { napi_versions: [8] } }))
  await writeFile(join(root, 'CMakeLists.txt'), 'cmake_minimum_required(VERSION 3.18)\nproject(small LANGUAGES CXX)\nadd_library(small SHARED small.cc)\ntarget_compile_definitions(small PRIVATE VALUE=${VALUE})\n')
  await writeFile(join(root, 'small.cc'), source)
  // Stands in front of the compiler, and counts.
  await writeFile(join(root, 'bin', 'counting-c++'), `#!/bin/sh\ncase "$*" in *" -c "*small.cc*) echo once >> '${root}/compiled';; esac\nexec c++ "$@"\n`, { mode: 0o755 })
  const env = { ...process.env, CXX: join(root, 'bin', 'counting-c++') }
  const build = (defines = { VALUE: '1' }): Promise<void> => buildByCMake({ root, build: join(root, 'build'), env, log: join(root, 'log'), defines, failed: 'It could not be built' })
  const compiled = async (): Promise<number> => (existsSync(join(root, 'compiled')) ? (await readFile(join(root, 'compiled'), 'utf8')).split('\n').length - 1 : 0)
  return { root, build, compiled, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}

describe('a build', () => {
  test('that fails is tried once, and its first error is what is read', async () => {
    await using small = await project('#include <vector>\nint Answer() { return nothing; }\n')
    const message = await small.build().then(() => '', (error: unknown) => (error as Error).message)
    expect(await small.compiled()).toBe(1)
    expect(message.split('\n')[0]).toMatch(/^It could not be built \(code \d+\)\. It takes a compiler of C\+\+20/)
    expect(message).toMatch(/small\.cc:2:\d+: error: .*nothing/)
    expect(message).not.toMatch(/OMG|FAILED|ninja|gmake/)
    expect(message.split('\n').at(-1)).toBe(`The whole log: ${join(small.root, 'log')}`)
  }, 60_000)

  test('goes on from there once the fault is mended', async () => {
    await using small = await project('int Answer() { return nothing; }\n')
    await expect(small.build()).rejects.toThrow('nothing')
    await writeFile(join(small.root, 'small.cc'), 'int Answer() { return VALUE; }\n')
    await small.build()
    await small.build()
    expect(await small.compiled()).toBe(2)
  }, 60_000)

  test.each([
    ['from another place', (cache: string) => cache.replace(/^(CMAKE_HOME_DIRECTORY:INTERNAL=).*$/m, '$1/elsewhere')],
    ['by another compiler', (cache: string) => cache.replace(/^(CMAKE_CXX_COMPILER:\w+=).*$/m, '$1/usr/bin/another-c++')],
    ['by a compiler that is gone', (cache: string) => cache.replace(/^(CMAKE_CXX_COMPILER:\w+=).*$/m, '$1/nowhere/counting-c++')],
    ['for another generator', (cache: string) => cache.replace(/^(CMAKE_GENERATOR:INTERNAL=).*$/m, '$1Watcom WMake')],
  ])('in a folder that was made %s is made anew', async (_, change) => {
    await using small = await project('int Answer() { return VALUE; }\n')
    await small.build()
    const cache = join(small.root, 'build', 'CMakeCache.txt')
    await writeFile(cache, change(await readFile(cache, 'utf8')))
    await small.build()
    expect(await small.compiled()).toBe(2)
  }, 60_000)
})

test.each([
  ['of g++, after what includes it', `[3/73] Building CXX object a.o
FAILED: a.o
/usr/bin/c++ -Werror -DX="error" -c a.cc
In file included from /x/b.h:1,
                 from /x/a.cc:2:
/usr/include/c++/13/bits/stl_bvector.h:5:7: fatal error: napi.h: No such file or directory
    5 | #include <napi.h>
compilation terminated.
[4/73] Building CXX object b.o
/x/other.cc:1:1: error: another
ninja: build stopped: subcommand failed.
ERROR OMG Process terminated: 1`, `In file included from /x/b.h:1,
                 from /x/a.cc:2:
/usr/include/c++/13/bits/stl_bvector.h:5:7: fatal error: napi.h: No such file or directory
    5 | #include <napi.h>
compilation terminated.`],
  ['of a compiler that ran out of memory', '[3/73] Building\nFAILED: a.o\nc++ -c a.cc\nc++: fatal error: Killed signal terminated program cc1plus\ncompilation terminated.\n[4/73] Building\n', 'c++: fatal error: Killed signal terminated program cc1plus\ncompilation terminated.'],
  ['of CMake', '-- The CXX compiler identification is GNU 12\nCMake Error at CMakeLists.txt:6 (message):\n  There is no libtorch\n\n-- Configuring incomplete, errors occurred!\nERROR OMG Process terminated: 1\n', 'CMake Error at CMakeLists.txt:6 (message):\n  There is no libtorch'],
  ['of the linker', '[9/9] Linking\nFAILED: a.so\nc++ -o a.so\n/usr/bin/ld: a.o: in function `F\':\na.cc:(.text+0x5): undefined reference to `G\'\ncollect2: error: ld returned 1 exit status\nninja: build stopped', 'a.cc:(.text+0x5): undefined reference to `G\'\ncollect2: error: ld returned 1 exit status'],
  ['of make, among what runs beside', 'a.cc:1:1: error: one\n    1 | x\n[ 50%] Building CXX object b.o\ngmake[2]: *** [x] Error 1\ngmake: *** [all] Error 2', 'a.cc:1:1: error: one\n    1 | x'],
  ['of something else, not at all', 'Segmentation fault', undefined],
])('the first error %s', (_, log, expected) => {
  expect(firstError(log)).toBe(expected)
})
