// The house: the rooms of the code, what each is, and which others it may import. A room may import those that are named, all of
// which stand above it here: so no arrow leads back up, and there is no circle. `npm run check:imports` holds the code to it
// (.dependency-cruiser.js makes its rules of this table), and `npm run check:wall` the C++ (scripts/check-wall.mjs).
// A new folder is a new row. Where a row would need a room below it, the code that needs it lies in the wrong room.

/**
 * @typedef {object} Room
 * @property {string} is what lies in it
 * @property {string} may the rooms above that it may import, by name; types count as well
 * @property {string} [at] its folder or file, where that is not `src/` and its name
 * @property {readonly string[]} [shares] what it imports of `scripts/` and `web/`: what set-up or the page has in common with it
 * @property {readonly string[]} [packages] what it imports of npm
 */

/** @type {Readonly<Record<string, Room>>} */
export const ROOMS = {
  errors: { at: 'src/errors.ts', is: 'TorchgraftError, and the form of every complaint about an argument', may: '' },
  package: {
    at: 'src/package.ts', is: 'where this package lies, and its version', may: 'errors',
  },
  text: {
    is: 'words for people: plurals, lists, columns, what a terminal may be shown', may: '',
    shares: ['scripts/common/'],
  },
  options: { is: 'checks of what the library is given', may: 'errors' },
  random: { is: 'random numbers: our own, numpy\'s and PyTorch\'s', may: '' },
  formats: { is: 'files of tensors: .safetensors and .pth, and how files are read and written', may: 'errors text options', shares: ['scripts/common/'] },
  images: {
    is: 'one image: decoding, orientation, colour, resizing', may: 'errors package text options formats',
    shares: ['scripts/common/', 'scripts/libtorch/locate.mjs', 'web/resample/', 'web/stored/'], packages: ['sharp'],
  },
  datasets: { is: 'folders of images: classes, training and validation sets, equal images', may: 'errors text options formats images' },
  augment: { is: 'what is done to an image in training, as numbers: geometry and colour', may: 'errors options random images' },
  loader: {
    is: 'batches of images, decoded ahead of the step that takes them',
    may: 'errors text options random images datasets augment', shares: ['web/resample/'],
  },
  addon: {
    is: 'the C++ addon: its types, finding libtorch, loading both, and what to do where that fails', may: 'errors package',
    shares: ['scripts/common/', 'scripts/libtorch/locate.mjs', 'scripts/setup.mjs'],
  },
  models: { is: 'which models there are, their layers, and whose weights a file holds', may: 'errors package text options formats addon' },
  session: {
    is: 'a model and its optimizer on a device', may: 'errors text options formats augment loader addon models',
    shares: ['scripts/common/'],
  },
  distributed: {
    is: 'several processes that train together: their places, starting and watching them, what they tell each other',
    may: 'errors package text options formats addon session',
  },
  metrics: { is: 'what is measured of a model: means, top-1, intervals', may: 'options' },
  runs: {
    is: 'a run\'s folder: its lock, log, checkpoints and model files',
    may: 'errors text options formats images augment models session metrics', shares: ['scripts/common/'],
  },
  weights: {
    at: 'src/models/weights/', is: 'weights to begin from: the catalogue, fetching, loading them',
    may: 'errors package text formats addon models session runs', shares: ['scripts/common/'], packages: ['undici'],
  },
  recipes: {
    is: 'how to train: data, augmentation, optimizer and schedule, a folder for each recipe',
    may: 'errors text options random formats images datasets augment loader addon models session metrics runs weights',
  },
  train: {
    is: 'the loop, what it watches, and how a run is resumed',
    may: 'errors package text options random formats images datasets augment loader addon distributed models session metrics runs weights recipes',
    shares: ['scripts/libtorch/locate.mjs'],
  },
  inference: {
    is: 'trained models: predicting, scoring, inspecting, exporting',
    may: 'errors package text options formats images datasets augment loader addon models session runs train',
    shares: ['web/resample/'], packages: ['protobufjs'],
  },
  explore: {
    is: 'a look before training: statistics, a preview, overfitting one batch',
    may: 'errors text options formats images datasets augment loader addon models session metrics runs weights recipes train', packages: ['sharp'],
  },
  report: { is: 'results as text for people', may: 'text models runs recipes train inference explore', shares: ['scripts/common/'] },
  cli: {
    is: 'the commands: nothing imports it',
    may: 'errors package text options formats images datasets augment addon distributed models session metrics runs weights recipes train inference explore report',
    shares: ['scripts/common/'], packages: ['commander'],
  },
  api: {
    at: 'src/index.ts', is: 'what the package exports',
    may: 'errors options random formats images datasets augment loader models session metrics runs recipes train inference explore',
  },
}

/**
 * The C++ rooms in native/torch, in the same way: `of` names a folder's files, or some of them.
 *
 * @type {Readonly<Record<string, { readonly of: RegExp; readonly is: string; readonly may: string }>>}
 */
export const NATIVE_ROOMS = {
  base: { of: /^session\/(?:error|batch|transfer|named_tensor)\./, is: 'errors, a batch as it comes, tensors by name, and copies to a device', may: '' },
  kernels: { of: /^kernels\//, is: 'loops for a processor\'s instructions, on plain pointers: they know no libtorch', may: '' },
  memory: { of: /^memory\//, is: 'an allocator for large blocks', may: '' },
  distributed: { of: /^distributed\//, is: 'the processes that train together: where they meet, collectives, gradients', may: 'base' },
  sampling: { of: /^augment\/(?:sampling|resample)\./, is: 'how the pixels of a batch are sampled, on a CPU', may: 'base kernels' },
  cuda: { of: /^cuda\//, is: 'kernels that NVRTC compiles, and CUDA graphs', may: 'base kernels sampling' },
  ops: { of: /^ops\//, is: 'operators on tensors: convolution, batch norm, squeeze and excitation', may: 'base kernels cuda' },
  augment: { of: /^augment\//, is: 'rendering a batch from pixels and plans', may: 'base kernels sampling cuda ops' },
  models: { of: /^models\//, is: 'models as modules of operators, for training and folded for scoring', may: 'base kernels ops' },
  optim: { of: /^optim\//, is: 'Adam, the loss scale, autocast', may: 'base' },
  session: { of: /^session\//, is: 'a model, its optimizer and the thread they work on', may: 'base kernels memory distributed sampling cuda ops augment models optim' },
}

/**
 * Arrows that the table forbids and that are still there: a file, and the file or room that it imports all the same. Empty is the aim.
 *
 * @type {readonly (readonly [from: string, to: string])[]}
 */
export const KNOWN_ARROWS = []

/**
 * The same of C++: a file, and what it includes.
 *
 * @type {readonly (readonly [from: string, to: string])[]}
 */
export const KNOWN_INCLUDES = []

/**
 * Files that still import each other in a circle. Empty is the aim.
 *
 * @type {readonly string[]}
 */
export const KNOWN_CIRCLES = []

/** Where a room lies: a folder with a slash at its end, or a file. @param {string} name */
export function placeOf(name) {
  return ROOMS[name]?.at ?? `src/${name}/`
}
