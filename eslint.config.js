import js from '@eslint/js'
import stylistic from '@stylistic/eslint-plugin'
import tseslint from 'typescript-eslint'

// A promise that is returned out of a block with `await using` is settled after the block has disposed of what it works on.
const PROMISES = {
  '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
  '@typescript-eslint/no-floating-promises': 'error',
}

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'prebuilt/', 'node_modules/', '.torchgraft/', 'runs/', 'coverage/', '**/*.d.mts'] },
  js.configs.recommended,
  {
    plugins: { '@stylistic': stylistic },
    // Text that is shown to people is not broken, so that it can be found.
    rules: { '@stylistic/max-len': ['error', { code: 140, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }] },
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
    languageOptions: { parser: tseslint.parser, parserOptions: { project: ['./tsconfig.lint.json', './web/tsconfig.json'], tsconfigRootDir: import.meta.dirname } },
    rules: PROMISES,
  },
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/require-await': 'off', '@typescript-eslint/no-unsafe-assignment': 'off', '@typescript-eslint/no-unsafe-argument': 'off' },
  },
  {
    files: ['web/**/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        ['self', 'document', 'navigator', 'Worker', 'OffscreenCanvas', 'createImageBitmap', 'addEventListener', 'crossOriginIsolated', 'fetch', 'URL', 'Blob', 'MediaStream', 'performance', 'Response', 'DecompressionStream', 'TextEncoder']
          .map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    ignores: ['web/**/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        ['process', 'console', 'Buffer', 'URL', 'fetch', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'AbortController', 'AbortSignal', 'performance', 'module', 'require', 'setImmediate']
          .map((name) => [name, 'readonly']),
      ),
    },
  },
)
