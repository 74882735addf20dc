import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cpuArchive } from '../../../scripts/libtorch/archives.mjs'
import { download } from '../../../scripts/libtorch/download.mjs'
import { fetchLibtorch } from '../../../scripts/libtorch/fetch.mjs'
import { locateLibtorch } from '../../../scripts/libtorch/locate.mjs'
import { makeZip } from '../../helpers/files/make-zip.mjs'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'
import { serve } from '../../helpers/processes/server.js'
import { archiveTree, lay, remote, context, fetched } from '../../helpers/set-up.js'

describe('fetching libtorch by its archive', () => {
  const zip = makeZip(archiveTree(), { deflate: true })

  test('downloads, checks, unpacks, and is found afterwards', async () => {
    await using folder = await temporaryFolder()
    await using server = await serve((_, response) => response.end(zip))
    const setting = context(folder.path)
    await fetchLibtorch(setting, remote(`${server.url}/libtorch.zip`, zip))
    expect(setting.said).toContain('Fetching libtorch 2.13.0, CPU build, 0 MB')
    expect(await readdir(join(folder.path, '.torchgraft'))).toEqual(['libtorch-2.13.0-cpu'])
    expect(locateLibtorch({ root: folder.path, env: {} }).found).toMatchObject({ folder: fetched(folder.path), version: '2.13.0+cpu', cuda: false, source: 'set-up' })
  })

  test('goes on where a connection was cut', async () => {
    await using folder = await temporaryFolder()
    const ranges: (string | undefined)[] = []
    const cut = Math.floor(zip.length / 2)
    await using server = await serve((request, response) => {
      ranges.push(request.headers.range)
      if (ranges.length === 1) {
        response.writeHead(200, { 'Content-Length': zip.length })
        response.write(zip.subarray(0, cut), () => setTimeout(() => response.destroy(), 50))
      } else {
        const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1])
        response.writeHead(206, { 'Content-Range': `bytes ${from}-${zip.length - 1}/${zip.length}` }).end(zip.subarray(from))
      }
    })
    const archive = remote(`${server.url}/libtorch.zip`, zip)
    await expect(fetchLibtorch(context(folder.path), archive)).rejects.toThrow(/broke off after \d+ of \d+ bytes.*Run it again: it goes on from there/)
    expect(existsSync(fetched(folder.path))).toBe(false)
    await fetchLibtorch(context(folder.path), archive)
    expect(ranges).toEqual([undefined, `bytes=${cut}-`])
    expect(existsSync(fetched(folder.path))).toBe(true)
  })

  test('a server that knows no ranges sends all of it again', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, { '.torchgraft/fetching/libtorch.zip.part': 'half of something' })
    await using server = await serve((_, response) => response.end(zip))
    await fetchLibtorch(context(folder.path), remote(`${server.url}/a.zip`, zip))
    expect(existsSync(fetched(folder.path))).toBe(true)
  })

  test.each([
    ['another part of it', 206, (size: number) => `bytes 0-4/${size}`], ['a part without saying which', 206, undefined], ['the rest of a file of another size', 206, (size: number) => `bytes 6-${size}/${size + 1}`],
    ['that there is no such part', 416, (size: number) => `bytes */${size}`],
  ])('where the rest is asked for and a server sends %s, all of it is asked for', async (_, status, range) => {
    await using folder = await temporaryFolder()
    await lay(folder.path, { '.torchgraft/fetching/libtorch.zip.part': 'before' })
    const ranges: (string | undefined)[] = []
    await using server = await serve((request, response) => {
      ranges.push(request.headers.range)
      if (request.headers.range === undefined) response.end(zip)
      else response.writeHead(status, range && { 'Content-Range': range(zip.length) }).end('wrong')
    })
    await fetchLibtorch(context(folder.path), remote(`${server.url}/a.zip`, zip))
    expect(ranges).toEqual(['bytes=6-', undefined])
    expect(existsSync(fetched(folder.path))).toBe(true)
  })

  test('a part of it in place of all of it is refused', async () => {
    await using folder = await temporaryFolder()
    await using server = await serve((_, response) => response.writeHead(206, { 'Content-Range': `bytes 0-${zip.length - 1}/${zip.length}` }).end(zip))
    await expect(download(remote(server.url, zip), join(folder.path, 'a.zip'))).rejects.toThrow(/sent another part than was asked for \(bytes 0-\d+\/\d+, not bytes 0-\)/)
    expect(await readdir(folder.path)).toEqual([])
  })

  test('follows a redirect', async () => {
    await using folder = await temporaryFolder()
    await using server = await serve((request, response) => (request.url === '/real' ? response.end(zip) : response.writeHead(302, { Location: '/real' }).end()))
    await fetchLibtorch(context(folder.path), remote(`${server.url}/a.zip`, zip))
    expect(existsSync(fetched(folder.path))).toBe(true)
  })

  test('another file in its place is refused, and not kept', async () => {
    await using folder = await temporaryFolder()
    const other = Buffer.from(zip)
    other[100]! ^= 1
    await using server = await serve((_, response) => response.end(other))
    await expect(fetchLibtorch(context(folder.path), remote(`${server.url}/a.zip`, zip))).rejects.toThrow('is not the file that was expected')
    expect(await readdir(join(folder.path, '.torchgraft/fetching'))).toEqual(['unpacked'])
  })

  test('what is unpacked but is no libtorch is refused', async () => {
    await using folder = await temporaryFolder()
    const empty = makeZip({ 'libtorch/readme.txt': 'nothing' })
    await using server = await serve((_, response) => response.end(empty))
    await expect(fetchLibtorch(context(folder.path), remote(`${server.url}/a.zip`, empty))).rejects.toThrow(/cannot be used: there is no .*libtorch\.(so|dylib)/)
  })

  test('each platform’s archive is pinned; a mirror may have it', () => {
    expect(cpuArchive({}, 'linux-x64')).toMatchObject({ url: expect.stringMatching(/^https:.*2\.13\.0%2Bcpu\.zip$/), bytes: 126_385_248 })
    expect(cpuArchive({ TORCHGRAFT_LIBTORCH_MIRROR: 'http://localhost:1/' }, 'darwin-arm64')?.url).toMatch(/^http:\/\/localhost:1\/libtorch\/cpu\//)
    expect(cpuArchive({}, 'linux-arm64')).toBeUndefined()
  })
})
