/** Images of 224 px that keep a large GPU busy. */
const ON_GPU = 128
const AT_LEAST = 32
/** Of such sizes none is padded to another by the session. */
const MULTIPLE = 8

/**
 * How many images are scored at once where nobody says. On a GPU many, since each batch takes the time of its launch, and of larger
 * images as many fewer as they have more pixels.
 *
 * @param size height and width of what the model sees
 */
export function defaultBatchSize(device: string, size: number): number {
  if (device === 'cpu') return AT_LEAST
  const fitting = Math.floor(ON_GPU * (224 / size) ** 2 / MULTIPLE) * MULTIPLE
  return Math.min(ON_GPU, Math.max(AT_LEAST, fitting))
}
