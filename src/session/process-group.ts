import type { NativeGroup, NativeGroupOptions } from '../addon/binding.js'
import { setUpAtFirstUse } from '../addon/first-use.js'
import { loadAddon } from '../addon/load.js'
import { fromNative } from './to-native.js'

/** Who trains a session's model together with this process. */
export interface Processes {
  readonly group: ProcessGroup
  /** Batch norm by the statistics of all ranks' images: `torch.nn.SyncBatchNorm`; else by those of this rank's share. */
  readonly syncBatchNorm: boolean
}

/**
 * The processes that train one model together: torch.distributed's default process group, by c10d.
 *
 * Its calls are collectives: every rank makes the same ones in the same order, those of its sessions among them. Where a rank fails or
 * does not come, they reject with ERR_DISTRIBUTED, which names the rank where that can be known; after that the group is of no more use.
 */
export class ProcessGroup {
  readonly #native: NativeGroup

  private constructor(native: NativeGroup) {
    this.#native = native
  }

  /** Meets the other ranks and connects to them. @throws ERR_DISTRIBUTED */
  static async join(options: NativeGroupOptions): Promise<ProcessGroup> {
    await setUpAtFirstUse()
    const addon = loadAddon()
    // Else libtorch tells of each try to connect, with a stack, where the errors of joining tell all of it in a line.
    process.env['TORCH_CPP_LOG_LEVEL'] ??= 'FATAL'
    return new ProcessGroup(await fromNative(() => addon.joinGroup(options)))
  }

  get rank(): number {
    return this.#native.rank
  }

  get worldSize(): number {
    return this.#native.worldSize
  }

  /** What a session's options take. */
  get native(): NativeGroup {
    return this.#native
  }

  /** Waits until all ranks have come here. */
  barrier(): Promise<void> {
    return fromNative(() => this.#native.barrier())
  }

  /** The bytes of the rank `root`; the other ranks' own do not count. */
  broadcast(bytes: Uint8Array, root = 0): Promise<Uint8Array> {
    return fromNative(() => this.#native.broadcast(bytes, root))
  }

  /** The bytes of each rank, in their order; they may be of any lengths. */
  allGather(bytes: Uint8Array): Promise<readonly Uint8Array[]> {
    return fromNative(() => this.#native.allGather(bytes))
  }

  /** Sums over all ranks, of as many numbers on each. */
  allReduce(numbers: Float64Array): Promise<Float64Array> {
    return fromNative(() => this.#native.allReduce(numbers))
  }

  /** The normal end, after the sessions' disposal. Where this process hosts the store, it waits some seconds for the others. */
  leave(): Promise<void> {
    return fromNative(() => this.#native.leave())
  }

  /** What this rank has begun to send by gloo: bytes of its tensors. A ring of n ranks sends 2 (n − 1) / n times as many. */
  get traffic(): { readonly collectives: number; readonly bytes: number } {
    return this.#native.traffic()
  }

  /** This rank has failed: what waits here for other ranks rejects at once, and they are told why. */
  abort(reason: string): void {
    this.#native.abort(reason)
  }
}
