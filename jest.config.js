// As the library does (src/addon/load.ts), which cannot do it here: tests see a copy of the environment. Several
// of them compute at once, and libtorch's threads would spin while they wait for each other.
process.env.GOMP_SPINCOUNT ??= '10000'

// For `npm run coverage`: the Node programs that tests start write what they ran; jest measures its own process itself.
if (process.env.TORCHGRAFT_COVERAGE) process.env.NODE_V8_COVERAGE = process.env.TORCHGRAFT_COVERAGE

export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  globalSetup: './test/helpers/processes/build-engine-check.mjs',
  reporters: ['default', './test/helpers/skip-reporter.mjs'],
  setupFiles: ['./test/helpers/disposable.cjs'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }] },
  testTimeout: 60_000,
}
