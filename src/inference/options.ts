import { type Fields, list, text, integerField } from '../options/fields.js'

export interface ForeignOptions {
  /** Names of the outputs, in their order, of a file that tells none: a .pth file, or weights that others wrote. */
  readonly classes?: readonly string[]
  /** Of such a file: height and width of what its model sees. @default 224 */
  readonly size?: number
}

/** What each option of a file that tells no classes takes. */
export const FOREIGN_FIELDS: Fields<ForeignOptions> = { classes: list(text('a name')), size: integerField({ min: 32, max: 2048 }) }
