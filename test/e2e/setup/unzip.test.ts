import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fetchHeaders } from '../../../scripts/libtorch/headers.mjs'
import { unzip } from '../../../scripts/libtorch/unzip.mjs'
import { makeZip } from '../../helpers/files/make-zip.mjs'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'
import { serve } from '../../helpers/processes/server.js'

test('headers come out of a wheel of which a part is fetched', async () => {
  await using folder = await temporaryFolder()
  const wheel = makeZip({ 'torch/lib/libtorch.so': 'x'.repeat(9 << 20), 'torch/include/torch/headeronly/version.h': '#define A', 'torch/include/pybind11/pybind11.h': '//', 'torch/include/b.h': '#define B' })
  let sent = 0
  await using server = await serve((request, response) => {
    const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '') ?? []
    const start = from === '' ? Math.max(0, wheel.length - Number(to)) : Number(from)
    const part = wheel.subarray(start, from === '' ? wheel.length : Number(to) + 1)
    sent += part.length
    response.writeHead(206, { 'Content-Range': `bytes ${start}-${start + part.length - 1}/${wheel.length}` }).end(part)
  })
  const place = join(folder.path, 'headers')
  await fetchHeaders(`${server.url}/torch.whl`, place)
  expect(await readFile(join(place, 'torch/include/b.h'), 'utf8')).toBe('#define B')
  expect((await readdir(place, { recursive: true })).filter((name) => /\.(h|so|whl)$/.test(name)).sort()).toEqual(['torch/include/b.h', 'torch/include/torch/headeronly/version.h'])
  expect(sent).toBeLessThan(wheel.length)
})

describe('unzip', () => {
  test.each([[true], [false]])('unpacks what was put in, deflated %s', async (deflate) => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'a.zip'), makeZip({ 'a/b.txt': 'hello', 'empty': '', 'skip/c': 'x' }, { deflate }))
    await unzip(join(folder.path, 'a.zip'), join(folder.path, 'out'), { filter: (name) => !name.startsWith('skip') })
    expect(await readFile(join(folder.path, 'out/a/b.txt'), 'utf8')).toBe('hello')
    expect((await readdir(join(folder.path, 'out'))).sort()).toEqual(['a', 'empty'])
  })

  test.each(['../evil', 'a/../../evil', '/evil', 'a\\..\\evil', 'C:/evil'])('refuses an entry named %s before anything is written', async (name) => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'a.zip'), makeZip({ good: 'x', [name]: 'x' }))
    await expect(unzip(join(folder.path, 'a.zip'), join(folder.path, 'out'))).rejects.toThrow('lead out of the folder')
    expect(await readdir(folder.path)).toEqual(['a.zip'])
  })

  test('refuses damage, and files that are cut short', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'a.zip')
    await writeFile(path, makeZip({ a: 'hello' }, { damage: true }))
    await expect(unzip(path, folder.path)).rejects.toThrow('a is damaged')
    await writeFile(path, makeZip({ a: 'hello' }).subarray(0, 40))
    await expect(unzip(path, folder.path)).rejects.toThrow('cut short')
  })
})
