/** torchgraft as built, with its types. */
export const torchgraft = /** @type {typeof import('../../src/index.js')} */ (await load('index.js'))

/** A part of it that has no public name. @param {string} path relative to dist/ @returns {Promise<any>} */
export function load(path) {
  return import(new URL(`../../dist/${path}`, import.meta.url).href)
}
