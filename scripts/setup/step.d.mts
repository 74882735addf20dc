export interface Context {
  readonly root: string
  readonly env: NodeJS.ProcessEnv
  readonly progress: <T>(title: string, work: (report: (detail: string) => void) => Promise<T>) => Promise<T>
}

/** Does nothing where its work is up to date. */
export type Step = (context: Context) => Promise<void>
