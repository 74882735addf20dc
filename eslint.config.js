import js from '@eslint/js'
import stylistic from '@stylistic/eslint-plugin'
import tseslint from 'typescript-eslint'

// A promise that is returned out of a block with `await using` is settled after the block has disposed of what it works on.
const PROMISES = {
  '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
  '@typescript-eslint/no-floating-promises': 'error',
}

/** @param {readonly string[]} names of globals */
const readonly = (names) => Object.fromEntries(names.map((name) => [name, 'readonly']))

const LONG_TEXT = String.raw`(['"\x60])(?:(?!\1).){60,}\1`

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'prebuilt/', 'node_modules/', '.torchgraft/', 'runs/', 'coverage/', '**/*.d.mts'] },
  js.configs.recommended,
  {
    plugins: { '@stylistic': stylistic },
    // A message that is shown to people is not broken, so that it can be found: a line may hold a text of 60 characters or more.
    rules: { '@stylistic/max-len': ['error', { code: 140, ignoreRegExpLiterals: true, ignorePattern: LONG_TEXT }] },
  },
  {
    // Tables of values.
    files: ['test/**'],
    rules: {
      '@stylistic/max-len': ['error', { code: 140, ignoreRegExpLiterals: true, ignoreStrings: true, ignoreTemplateLiterals: true }],
    },
  },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.check.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      ...PROMISES,
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { project: ['./tsconfig.lint.json', './web/tsconfig.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: PROMISES,
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
  {
    files: ['web/**/*.js'],
    languageOptions: {
      globals: readonly([
        'self', 'document', 'navigator', 'Worker', 'OffscreenCanvas', 'createImageBitmap', 'addEventListener',
        'crossOriginIsolated', 'fetch', 'URL', 'Blob', 'MediaStream', 'performance', 'Response', 'DecompressionStream',
        'TextEncoder',
      ]),
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    ignores: ['web/**/*.js'],
    languageOptions: {
      globals: readonly([
        'process', 'console', 'Buffer', 'URL', 'fetch', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval',
        'AbortController', 'AbortSignal', 'performance', 'module', 'require', 'setImmediate',
      ]),
    },
  },
)
