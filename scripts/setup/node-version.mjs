// Understood by old versions of Node: it is what tells them.

var OLDEST = { major: 20, minor: 19 }

/**
 * What to say where Node is too old; undefined where it is not.
 *
 * @param {string} version as `process.versions.node`
 */
export function nodeProblem(version) {
  var parts = version.split('.').map(Number)
  var major = parts[0] || 0
  var minor = parts[1] || 0
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return undefined
  return 'torchgraft needs Node ' + OLDEST.major + '.' + OLDEST.minor + ' or newer, and this is ' + version + '. Install a newer one, from nodejs.org or with your version manager.'
}
