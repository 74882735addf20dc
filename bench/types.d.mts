/** What the processes of a bench tell each other, and what it writes. */

/** Which way a measure is good. */
export type Better = 'higher' | 'lower'

export interface Stats {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly repeats: number
}

/** One measure of one model, as the result file has it. */
export interface Row {
  readonly name: string
  readonly model: string | null
  readonly params: Readonly<Record<string, string | number | null>>
  readonly unit: string
  readonly better: Better
  readonly torchgraft: Stats
  readonly peers: Readonly<Record<string, Stats>>
  /** The best peer. */
  readonly best: string | null
  /** Above 1: torchgraft is better. */
  readonly ratioToBest: number | null
  readonly ratioToNotebook: number | null
  /** In another precision, or another way, than torchgraft takes by itself. */
  readonly extra?: true
  /** How each one did it: its precision, memory format, allocator. */
  readonly how?: Readonly<Record<string, string>>
  /** Peers that did not run, and why. */
  readonly leftOut?: Readonly<Record<string, string>>
  /** What was compared to be sure that all did the same work. */
  readonly same?: readonly string[]
  /** What else to know. */
  readonly note?: string
}

export interface Machine {
  readonly processor: string
  readonly features: readonly string[]
  /** What `ATEN_CPU_CAPABILITY` holds libtorch and torchgraft to, as if the processor had no more. */
  readonly heldTo?: string
  readonly cores: number
  /** Bytes. */
  readonly memory: number
  /** Of one minute, when the bench began, over the number of cores: of a quiet machine near 0. */
  readonly load: number
  /** What was measured on, where it was not the processor. */
  readonly gpu?: Gpu
}

export interface Gpu {
  readonly name: string
  readonly driver: string
  /** Bytes. */
  readonly memory: number
}

/** The peers' interpreter: versions of what it has, and why it has not the rest. */
export interface Python {
  readonly command: string
  readonly versions: Readonly<Record<string, string>>
  readonly missing: Readonly<Record<string, string>>
}

export interface Report {
  readonly date: string
  readonly quick: boolean
  readonly data: string
  readonly machine: Machine
  readonly versions: Readonly<Record<string, string>>
  readonly measures: readonly Row[]
}

export type Precision = 'fp32' | 'bf16' | 'fp16'

/** What a process says of its work before it is timed. */
export interface Facts {
  /** In words. */
  readonly how: string
  readonly precision: Precision
  /** Of the first steps. */
  readonly losses?: readonly number[]
  /** Seconds from its process's start to the end of its first step. */
  readonly firstStep?: number
  /** Why it could be faster, in its own words. */
  readonly notes?: readonly string[]
  readonly images?: number
  /** Images were rounded to bytes after they were resized, which moves a loss a little. */
  readonly rounded?: boolean
  readonly labels?: readonly number[]
  /** Of the preparing run. */
  readonly megabytes?: number
}

/** What one timed run gives. */
export type Sample = Readonly<Record<string, number>>

/** A process that takes requests: torchgraft's worker, or a peer's. */
export interface Runner {
  begin(task: string, params: object): Promise<Facts>
  run(params?: object): Promise<Sample>
  close(): Promise<void>
}

/** What torchgraft and its peers are to do, each in its process. */
export interface Task {
  readonly title: string
  /** Its name among a worker's tasks. */
  readonly task: string
  /** For all alike, or by the runner's name. */
  readonly params: object | ((name: string) => object)
  readonly peers: readonly string[]
  readonly repeats: number
  /** Told where they did not do the same work, and then they are timed all the same. @default the bench ends */
  readonly onMismatch?: (error: Error) => void
  /** @default a worker of torchgraft or of the peer */
  readonly start?: (name: string) => Runner
}

/** What interleaved runs gave, by the runner's name. */
export interface Outcome {
  readonly samples: Readonly<Record<string, readonly Sample[]>>
  readonly facts: Readonly<Record<string, Facts>>
  readonly how: Readonly<Record<string, string>>
  /** Why a peer has no samples. */
  readonly leftOut: Readonly<Record<string, string>>
  /** What was compared before anything was timed, in words. */
  readonly same: readonly string[]
}

export interface Context {
  /** The repository. */
  readonly root: string
  /** For what this run makes; gone afterwards. */
  readonly temporary: string
  /** What may be kept for the next run. */
  readonly kept: string
  /** Where torch.compile keeps what it made. */
  readonly compiled: string
  readonly data: string
  /** Where its class folders lie: itself, or its sets. */
  readonly folders: readonly string[]
  readonly quick: boolean
  readonly threads: number
  /** What all are measured on. */
  readonly device: 'cpu' | `cuda:${number}`
  /** What `auto` is on it. */
  readonly precision: Precision
  readonly python: string
  readonly jemalloc: string | undefined
  /** Asked for, or else what the measure takes. */
  repeats(usual: number): number
  /** Peers that this run has no time for, and why. */
  readonly skip: Readonly<Record<string, string>>
  /** Tells of what goes on. */
  tell(line: string): void
}

export interface Measure {
  /** Of its rows. */
  readonly names: readonly string[]
  /** Those that are measured on a GPU. @default all */
  readonly onGpu?: readonly string[]
  readonly quick: boolean
  /** Its rows, each as soon as it is measured. `wanted` are those of its names that were asked for. */
  run(context: Context, wanted: ReadonlySet<string>): AsyncIterable<Row>
}
