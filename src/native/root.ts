import { fileURLToPath } from 'node:url'

/** torchgraft's own folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
