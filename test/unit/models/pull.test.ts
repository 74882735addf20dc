import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, createServer as createTcp } from 'node:net'
import { dirname, join } from 'node:path'
import { MODEL_NAMES } from '../../../src/models/catalogue.js'
import { catalogue, type CatalogueEntry, fileOf, hubFolder, onDisk } from '../../../src/models/weights/catalogue.js'
import { checkWeights, knownHash } from '../../../src/models/weights/check-weights.js'
import { pullWeights } from '../../../src/models/weights/pull.js'
import { runNode } from '../../helpers/processes/child.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const CATALOGUE = catalogue()
const CONTENT = Buffer.from('weights '.repeat(4000))
const ENTRY: CatalogueEntry = { ...CATALOGUE[0]!, sha256Prefix: createHash('sha256').update(CONTENT).digest('hex').slice(0, 8) }
const SHA256 = createHash('sha256').update(CONTENT).digest('hex')
const NAME = ENTRY.url.slice(ENTRY.url.lastIndexOf('/') + 1)

/** Of a test's own: its weights, and what is kept of them. */
const environment = (path: string): NodeJS.ProcessEnv => ({ TORCH_HOME: path, TORCHGRAFT_HOME: join(path, 'home') })

async function serve(listener: RequestListener): Promise<{ readonly url: string; readonly port: number } & AsyncDisposable> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, [Symbol.asyncDispose]: async () => void (server.closeAllConnections(), server.close(), await once(server, 'close')) }
}

describe('the catalogue', () => {
  test('has torchvision’s weights of every variant, each with what is needed to fetch and to judge it', () => {
    expect(new Set(CATALOGUE.map(({ model }) => model))).toEqual(new Set(MODEL_NAMES))
    expect(new Set(CATALOGUE.map(({ name }) => name)).size).toBe(34)
    for (const { name, url, sha256Prefix, megabytes, top1, top5, licence } of CATALOGUE) {
      expect([name, url]).toEqual([name, expect.stringMatching(new RegExp(`^https://\\S+-${sha256Prefix}\\.pth$`))])
      expect([name, megabytes > 16, top1 > 0.7 && top1 < top5 && top5 < 1, licence.length > 5]).toEqual([name, true, true, true])
      expect([name, licence.startsWith('CC-BY-NC')]).toEqual([name, name.includes('swag')])
    }
    expect(CATALOGUE.find(({ name }) => name === 'regnet_y_400mf-imagenet1k_v2')).toMatchObject({ sha256Prefix: 'e6988f5f', top1: 0.75804, crop: 224, resize: 232 })
  })

  test.each([[{ TORCH_HOME: '/a' }, '/a/hub/checkpoints'], [{ XDG_CACHE_HOME: '/c' }, '/c/torch/hub/checkpoints'], [{ TORCH_HOME: '', XDG_CACHE_HOME: '/c' }, '/c/torch/hub/checkpoints']])('is kept where PyTorch keeps it: %j', (env, expected) => {
    expect(hubFolder(env)).toBe(expected)
  })

  test('of what lies on this disk the newer is taken, and none that asks for a choice', async () => {
    await using folder = await temporaryFolder()
    const env = { TORCH_HOME: folder.path }
    const put = async (name: string): Promise<void> => {
      const file = fileOf(CATALOGUE.find((entry) => entry.name === name)!, env)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, '')
    }
    await put('regnet_y_16gf-imagenet1k_swag_e2e_v1')
    expect(onDisk('regnet_y_16gf', env)).toBeUndefined()
    await put('regnet_y_16gf-imagenet1k_v1')
    expect(onDisk('regnet_y_16gf', env)?.name).toBe('regnet_y_16gf-imagenet1k_v1')
    await put('regnet_y_16gf-imagenet1k_v2')
    expect(onDisk('regnet_y_16gf', env)?.name).toBe('regnet_y_16gf-imagenet1k_v2')
  })
})

describe('pulling weights', () => {
  test('fetches, checks, tells how far it is, and does not fetch twice', async () => {
    await using folder = await temporaryFolder()
    const asked: string[] = []
    await using server = await serve((request, response) => (asked.push(request.url ?? ''), response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT)))
    const env = { ...environment(folder.path), TORCHGRAFT_WEIGHTS_MIRROR: server.url }
    const told: [number, number | undefined][] = []
    const first = await pullWeights(ENTRY, { env, onProgress: (...progress) => told.push(progress) })
    expect(first).toEqual({ file: join(folder.path, 'hub/checkpoints', NAME), fetched: true, sha256: SHA256, known: false })
    expect(await readFile(first.file)).toEqual(CONTENT)
    expect(told.at(-1)).toEqual([CONTENT.length, CONTENT.length])
    expect(await pullWeights(ENTRY, { env })).toEqual({ ...first, fetched: false, known: true })
    expect(asked).toEqual([`/${NAME}`])
    expect(await readdir(dirname(first.file))).toEqual([NAME])
  })

  test('goes on where a connection broke off', async () => {
    await using folder = await temporaryFolder()
    const ranges: (string | undefined)[] = []
    await using server = await serve((request, response) => {
      ranges.push(request.headers.range)
      if (ranges.length === 1) {
        response.writeHead(200, { 'content-length': CONTENT.length })
        response.write(CONTENT.subarray(0, 1000), () => setTimeout(() => response.destroy(), 50))
      } else {
        const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1])
        response.writeHead(206, { 'content-range': `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}` }).end(CONTENT.subarray(from))
      }
    })
    const env = { ...environment(folder.path), TORCHGRAFT_WEIGHTS_MIRROR: `${server.url}/` }
    await expect(pullWeights(ENTRY, { env })).rejects.toMatchObject({ code: 'ERR_WEIGHTS_MISSING', message: expect.stringMatching(/broke off after 1000 bytes.*goes on from there/) })
    expect(existsSync(fileOf(ENTRY, env))).toBe(false)
    await pullWeights(ENTRY, { env })
    expect(ranges).toEqual([undefined, 'bytes=1000-'])
    expect(await readFile(fileOf(ENTRY, env))).toEqual(CONTENT)
  })

  test('a server that knows no ranges sends all of it again', async () => {
    await using folder = await temporaryFolder()
    await using server = await serve((_, response) => response.end(CONTENT))
    const env = { ...environment(folder.path), TORCHGRAFT_WEIGHTS_MIRROR: server.url }
    await mkdir(hubFolder(env), { recursive: true })
    await writeFile(`${fileOf(ENTRY, env)}.part`, 'half of something')
    await pullWeights(ENTRY, { env })
    expect(await readFile(fileOf(ENTRY, env))).toEqual(CONTENT)
  })

  test.each([
    ['another part of it', 206, `bytes 0-999/${CONTENT.length}`], ['a part without saying which', 206, undefined], ['the rest of it, which ends beyond it', 206, `bytes 17-${CONTENT.length}/${CONTENT.length}`],
    ['that there is no such part', 416, `bytes */${CONTENT.length}`],
  ])('where the rest is asked for and a server sends %s, all of it is asked for', async (_, status, range) => {
    await using folder = await temporaryFolder()
    const env = environment(folder.path)
    await mkdir(hubFolder(env), { recursive: true })
    await writeFile(`${fileOf(ENTRY, env)}.part`, 'half of something')
    const ranges: (string | undefined)[] = []
    await using server = await serve((request, response) => {
      ranges.push(request.headers.range)
      if (request.headers.range === undefined) response.end(CONTENT)
      else response.writeHead(status, range === undefined ? {} : { 'content-range': range }).end('wrong')
    })
    await pullWeights(ENTRY, { env: { ...env, TORCHGRAFT_WEIGHTS_MIRROR: server.url } })
    expect(ranges).toEqual(['bytes=17-', undefined])
    expect(await readFile(fileOf(ENTRY, env))).toEqual(CONTENT)
  })

  test('where all of it had come, nothing is fetched; where a server sends less than the rest, what came is kept', async () => {
    await using folder = await temporaryFolder()
    await using server = await serve((request, response) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1])
      if (from === CONTENT.length) response.writeHead(416, { 'content-range': `bytes */${CONTENT.length}` }).end()
      else response.writeHead(206, { 'content-range': `bytes ${from}-${from + 999}/${CONTENT.length}` }).end(CONTENT.subarray(from, from + 1000))
    })
    const env = { ...environment(folder.path), TORCHGRAFT_WEIGHTS_MIRROR: server.url }
    await mkdir(hubFolder(env), { recursive: true })
    await writeFile(`${fileOf(ENTRY, env)}.part`, CONTENT.subarray(0, 500))
    await expect(pullWeights(ENTRY, { env })).rejects.toThrow(`broke off after 1500 bytes of ${CONTENT.length}. Run it again: it goes on from there`)
    expect(await readFile(`${fileOf(ENTRY, env)}.part`)).toEqual(CONTENT.subarray(0, 1500))
    await writeFile(`${fileOf(ENTRY, env)}.part`, CONTENT)
    expect(await pullWeights(ENTRY, { env })).toMatchObject({ fetched: true })
  })

  test('a file with the right first digits and other ones after them is refused once the whole hash is known', async () => {
    await using folder = await temporaryFolder()
    const env = environment(folder.path)
    await mkdir(hubFolder(env), { recursive: true })
    const forged = { ...ENTRY, sha256Prefix: '' } // any file will do: what a forger reaches with the digits that are published
    await writeFile(fileOf(forged, env), 'the first')
    expect(knownHash(forged, env)).toBeUndefined()
    const { sha256 } = await checkWeights(forged, fileOf(forged, env), env)
    expect(knownHash(forged, env)).toBe(sha256)
    await writeFile(fileOf(forged, env), 'another')
    const kept = join(folder.path, 'home', 'weights', `${NAME}.sha256`)
    await expect(pullWeights(forged, { env })).rejects.toMatchObject({ code: 'ERR_WEIGHTS_HASH', message: expect.stringMatching(new RegExp(`is [0-9a-f]{64}, not ${sha256}\\. .*may be a forgery: .*remove ${kept}$`)) })
    expect(await readFile(kept, 'utf8')).toBe(`${sha256}  ${NAME}\n`)
  })

  test('a whole hash of the catalogue is asked for from the first time on', async () => {
    await using folder = await temporaryFolder()
    const env = environment(folder.path)
    await mkdir(hubFolder(env), { recursive: true })
    await writeFile(fileOf(ENTRY, env), CONTENT)
    expect(await checkWeights({ ...ENTRY, sha256: SHA256 }, fileOf(ENTRY, env), env)).toEqual({ sha256: SHA256, known: true })
    const other = `${SHA256.slice(0, 8)}${'0'.repeat(56)}`
    await expect(checkWeights({ ...ENTRY, sha256: other }, fileOf(ENTRY, env), env)).rejects.toMatchObject({ code: 'ERR_WEIGHTS_HASH', message: expect.stringContaining(`is ${SHA256}, not ${other}`) })
  })

  test('another file is refused and not kept; one that lies there already is told of', async () => {
    await using folder = await temporaryFolder()
    await using server = await serve((_, response) => response.end('something else'))
    const env = { ...environment(folder.path), TORCHGRAFT_WEIGHTS_MIRROR: server.url }
    await expect(pullWeights(ENTRY, { env })).rejects.toMatchObject({ code: 'ERR_WEIGHTS_HASH', message: expect.stringMatching(/SHA-256 begins with [0-9a-f]{8}, not/) })
    expect(await readdir(hubFolder(env))).toEqual([])
    await writeFile(fileOf(ENTRY, env), 'damaged')
    await expect(pullWeights(ENTRY, { env })).rejects.toMatchObject({ code: 'ERR_WEIGHTS_HASH', message: expect.stringContaining('Remove it') })
    expect(await readdir(hubFolder(env))).toEqual([NAME])
  })

  test.each([['no server', undefined, /could not be reached/], ['a server without it', 404, /answered 404/]])('%s: the file to place by hand is named', async (_, status, message) => {
    await using folder = await temporaryFolder()
    await using server = await serve((__, response) => response.writeHead(status ?? 200).end())
    const env = { ...environment(folder.path), TORCHGRAFT_WEIGHTS_MIRROR: status === undefined ? 'http://127.0.0.1:9' : server.url }
    const error: unknown = await pullWeights(ENTRY, { env }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ERR_WEIGHTS_MISSING', message: expect.stringMatching(message), path: fileOf(ENTRY, env) })
    expect((error as Error).message).toContain(`place it as ${fileOf(ENTRY, env)}`)
  })

  test('an abort rejects with its reason, and what has come is kept for the next time', async () => {
    await using folder = await temporaryFolder()
    const abort = new AbortController()
    await using server = await serve((_, response) => response.writeHead(200, { 'content-length': CONTENT.length }).write(CONTENT.subarray(0, 500)))
    const env = { ...environment(folder.path), TORCHGRAFT_WEIGHTS_MIRROR: server.url }
    const reason = new Error('enough')
    await expect(pullWeights(ENTRY, { env, signal: abort.signal, onProgress: () => abort.abort(reason) })).rejects.toBe(reason)
    expect(await readdir(hubFolder(env))).not.toContain(NAME)
  })

  test('a proxy is asked where the environment names one', async () => {
    await using folder = await temporaryFolder()
    await using server = await serve((_, response) => response.end(CONTENT))
    const tunnels: string[] = []
    const proxy = createTcp((client) => {
      client.once('data', (data) => {
        const [, host = '', port = ''] = /^CONNECT ([^:\s]+):(\d+)/.exec(data.toString()) ?? []
        tunnels.push(host)
        const upstream = connect(Number(port), '127.0.0.1', () => {
          client.write('HTTP/1.1 200 OK\r\n\r\n')
          client.pipe(upstream).pipe(client)
        })
      })
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    try {
      const code = `
        import { pullWeights } from './dist/models/weights/pull.js'
        await pullWeights(${JSON.stringify(ENTRY)})
      `
      const env = { ...process.env, ...environment(folder.path), TORCHGRAFT_WEIGHTS_MIRROR: `http://weights.example:${server.port}`, HTTP_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, NO_PROXY: '' }
      const end = await runNode(['--input-type=module', '--eval', code], { env })
      expect(end).toMatchObject({ code: 0, stderr: '' })
      expect(tunnels).toEqual(['weights.example'])
      expect(await readFile(fileOf(ENTRY, env))).toEqual(CONTENT)
    } finally {
      proxy.close()
    }
  })
})
