/** Larger files are no images: reading one to its end would take minutes. */
export const MAX_FILE_BYTES = 2 ** 30

/** Where whoever is told of a HEIC image can go from there. */
export const HEIC = 'HEIC images cannot be read: convert it to JPEG, on macOS by "sips -s format jpeg IN --out OUT", on Linux by "heif-convert IN OUT"'

/** Of one that has frames alone, and no still image, which is what can be read. */
export const ANIMATED_AVIF = 'it is an animated AVIF without a still image: save its first frame as AVIF, PNG or JPEG'

/** Why files of a size that no image has are left alone. */
export const TOO_LARGE_A_FILE = `it is a file of more than ${MAX_FILE_BYTES / 2 ** 30} GiB, which no image takes`

/** libvips' own limit, 16383 × 16383: larger is a mistake, or meant to exhaust the memory. */
export const MAX_PIXELS = 0x3fff * 0x3fff
