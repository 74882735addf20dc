// Makes dependency-cruiser's rules of the table in rooms.js.
import { KNOWN_ARROWS, KNOWN_CIRCLES, placeOf, ROOMS } from './rooms.js'

/** @param {string} text */
const escape = (text) => text.replace(/[.[\]()+*?^$|\\]/g, '\\$&')
/** A file, or all in a folder. @param {string} place */
const pattern = (place) => `^${escape(place)}${place.endsWith('/') ? '' : '$'}`
/** Rooms that lie within a room's folder, which are rooms of their own. @param {string} name */
const within = (name) => Object.keys(ROOMS).map(placeOf).filter((place) => place !== placeOf(name) && place.startsWith(placeOf(name)))
/** A room's files, for `path` and `pathNot`, as one regular expression. @param {string} name */
const filesOf = (name) => within(name).reduce((rest, inner) => `(?!${pattern(inner)})${rest}`, pattern(placeOf(name)))

const names = Object.keys(ROOMS)

/** @param {string} name */
function rulesOf(name) {
  const { is, may, shares = [], packages = [] } = /** @type {import('./rooms.js').Room} */ (ROOMS[name])
  const allowed = may.split(' ').filter((room) => room !== '')
  const below = allowed.filter((room) => names.indexOf(room) >= names.indexOf(name) || !names.includes(room))
  if (below.length > 0) throw new Error(`rooms.js: ${name} may import ${below.join(', ')}, which do not stand above it`)
  const known = KNOWN_ARROWS.filter(([from]) => new RegExp(filesOf(name)).test(from))
  const knownOf = (/** @type {string} */ file) =>
    known.filter(([from]) => from === file).map(([, to]) => (names.includes(to) ? filesOf(to) : pattern(to)))
  const inside = [filesOf(name), ...allowed.map(filesOf)]
  const comment = `${name}: ${is}. It may import ${allowed.join(', ') || 'no other room'}. See rooms.js`
  return [
    {
      name: `${name}-arrows`,
      comment,
      from: { path: filesOf(name), pathNot: known.map(([from]) => pattern(from)) },
      to: { path: '^src/', pathNot: inside },
    },
    ...[...new Set(known.map(([from]) => from))].map((file) => ({
      name: `${name}-arrows`,
      comment,
      from: { path: pattern(file) },
      to: { path: '^src/', pathNot: [...inside, ...knownOf(file)] },
    })),
    {
      name: `${name}-shares`,
      comment,
      from: { path: filesOf(name) },
      to: { path: '^(?:scripts|web|bench|test|examples|dist)/', pathNot: shares.map(pattern) },
    },
    { name: `${name}-packages`, comment, from: { path: filesOf(name) }, to: { path: 'node_modules/', pathNot: packages.map((each) => `node_modules/${each}/`) } },
  ]
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...names.flatMap(rulesOf),
    { name: 'no-room', comment: 'This folder has no row in rooms.js', from: { path: '^src/', pathNot: names.map(filesOf) }, to: {} },
    {
      name: 'no-circle',
      comment: 'Files import each other in a circle',
      from: { path: '^src/', pathNot: KNOWN_CIRCLES.map(pattern) },
      to: { circular: true },
    },
    { name: 'shared-arrows', comment: 'What is shared with set-up and the page knows nothing of the library', from: { path: '^(?:scripts|web)/' }, to: { path: '^src/' } },
    { name: 'not-there', comment: 'Nothing lies there', from: { path: '^src/' }, to: { couldNotResolve: true } },
  ].map((rule) => ({ severity: /** @type {const} */ ('error'), ...rule })),
  options: { tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' }, doNotFollow: { path: 'node_modules' } },
}
