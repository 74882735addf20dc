import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server on localhost, at a port that is free. */
export async function serve(listener: RequestListener): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => void (server.closeAllConnections(), server.close(), await once(server, 'close'))
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close }
}

/** The address of a server that is gone: nothing listens there. */
export async function deadUrl(): Promise<string> {
  await using server = await serve(() => {})
  return server.url
}
