export interface ProseOptions {
  readonly hang?: number
  readonly columnsOf?: (text: string) => number
}

export interface Width {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

export function prose(text: string, stream: Width, options?: ProseOptions): string
export function wrap(text: string, width: number, options?: ProseOptions): string
