import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { TorchgraftError } from '../errors.js'
import { systemReason } from '../text/system-reason.js'
import { FirstRank } from './first-rank.js'
import { type Message, MessageSocket } from './messages.js'
import { OtherRank } from './other-rank.js'
import { ownProcess, type Peer } from './peers.js'

/** Where rank 0 listens, and the word that lets a rank in. */
export interface Rendezvous {
  readonly port: number
  readonly token: string
  /** Rank 0's own. */
  readonly process: string
}

/** All ranks know where to go by now: whoever is not there after so long does not come. */
const JOIN_TIMEOUT_MS = 20_000
const LOOPBACK = /^(?:localhost|127\.|::1$)/

/** Rank 0's side of the rendezvous: a server that is there while the others connect. */
export class RendezvousServer {
  readonly rendezvous: Rendezvous
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.rendezvous = { port: (server.address() as AddressInfo).port, token: randomBytes(16).toString('hex'), process: ownProcess() }
  }

  /** @param address by which the others know this machine: from a loopback address only this machine is let in */
  static async open(address: string): Promise<RendezvousServer> {
    const server = createServer()
    server.listen(0, ...(LOOPBACK.test(address) ? [address] : []))
    await once(server, 'listening')
    return new RendezvousServer(server)
  }

  /** Waits for all others, and closes. @throws ERR_DISTRIBUTED, naming those that did not come */
  async all(worldSize: number, withinMs = JOIN_TIMEOUT_MS): Promise<FirstRank> {
    const peers = new Map<number, Peer>()
    const sockets = new Set<Socket>()
    let timer: NodeJS.Timeout | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => reject(absent(worldSize, peers)), withinMs)
        this.#server.on('connection', (raw) => {
          sockets.add(raw)
          void this.#greet(raw, worldSize).then((peer) => {
            if (!peer || peers.has(peer.rank)) return void raw.destroy()
            peers.set(peer.rank, peer)
            if (peers.size === worldSize - 1) resolve()
          })
        })
      })
      return new FirstRank([...peers.values()])
    } catch (error) {
      for (const socket of sockets) socket.destroy()
      throw error
    } finally {
      clearTimeout(timer)
      this.#server.close()
    }
  }

  /** Reads who it is; nothing of a stranger. */
  #greet(raw: Socket, worldSize: number): Promise<Peer | undefined> {
    return new Promise((resolve) => {
      const socket = new MessageSocket(raw)
      socket.onEnd(() => resolve(undefined))
      socket.onFirst((hello) => resolve(this.#peerOf(hello, worldSize, socket)))
    })
  }

  #peerOf(hello: Message, worldSize: number, socket: MessageSocket): Peer | undefined {
    if (hello.type !== 'hello' || hello.token !== this.rendezvous.token) return undefined
    if (!Number.isSafeInteger(hello.rank) || hello.rank < 1 || hello.rank >= worldSize) return undefined
    socket.trust()
    return { rank: hello.rank, process: String(hello.process).slice(0, 200), socket }
  }
}

/** Another rank's side. @throws ERR_DISTRIBUTED where rank 0 cannot be reached */
export async function joinRendezvous(
  rank: number, worldSize: number, address: string, { port, token, process }: Rendezvous,
): Promise<OtherRank> {
  const raw = connect({ host: address, port })
  const timer = setTimeout(() => raw.destroy(new Error(`it did not answer for ${JOIN_TIMEOUT_MS / 1000} s`)), JOIN_TIMEOUT_MS)
  try {
    await once(raw, 'connect')
  } catch (cause) {
    throw new TorchgraftError('ERR_DISTRIBUTED', `Rank ${rank} could not reach rank 0 at ${address}:${port}: ${systemReason(cause)}. A firewall must let the machines of a run connect to each other`, { cause })
  } finally {
    clearTimeout(timer)
  }
  const socket = new MessageSocket(raw)
  socket.trust()
  socket.send({ type: 'hello', token, rank, process: ownProcess() })
  return new OtherRank(rank, worldSize, { rank: 0, process, socket })
}

function absent(worldSize: number, peers: ReadonlyMap<number, Peer>): TorchgraftError {
  const missing = Array.from({ length: worldSize - 1 }, (_, i) => i + 1).filter((rank) => !peers.has(rank))
  return new TorchgraftError('ERR_DISTRIBUTED', `Rank ${missing.join(', rank ')} did not connect to rank 0 within ${JOIN_TIMEOUT_MS / 1000} s. A firewall must let the machines of a run connect to each other`)
}
