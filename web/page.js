// The page: takes images, asks the worker, and shows what it answers.
import { offerCamera } from './camera.js'

/** @typedef {import('./worker.js').Answer} Answer */
/** @typedef {import('./worker.js').Model} Model */

const SHOWN = 5

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id))
const files = /** @type {HTMLInputElement} */ (element('files'))
const camera = /** @type {HTMLButtonElement} */ (element('camera'))
const take = element('take')
const status = element('status')
const errors = element('errors')
const results = element('results')

const worker = new Worker(new URL('worker.js', import.meta.url), { type: 'module' })
/** What was asked and not answered, by number. @type {Map<number, { readonly file: Blob, readonly name: string }>} */
const asked = new Map()
let last = 0
/** @type {Model | undefined} */
let model

worker.addEventListener('message', ({ data }) => receive(data))
worker.addEventListener('error', () => receive({ type: 'broken', message: 'this browser may be too old for it' }))
files.addEventListener('change', () => {
  classify([...(files.files ?? [])])
  files.value = '' // so that the same file can be chosen again
})
for (const type of /** @type {const} */ (['dragenter', 'dragover', 'dragleave', 'drop'])) {
  addEventListener(type, (event) => {
    event.preventDefault() // else the browser shows the file in the page's place
    take.classList.toggle('over', type === 'dragenter' || type === 'dragover')
    if (type === 'drop' && event.dataTransfer) classify([...event.dataTransfer.files])
  })
}
addEventListener('paste', ({ clipboardData }) => classify([...(clipboardData?.files ?? [])]))
offerCamera({ onPhoto: (photo) => ask(photo, 'Photo'), onError: showError })
status.textContent = 'Loading the model …'

/** @param {readonly File[]} chosen */
function classify(chosen) {
  if (!model || chosen.length === 0) return
  errors.replaceChildren()
  for (const file of chosen) ask(file, file.name)
}

/** @param {Blob} file @param {string} name */
function ask(file, name) {
  asked.set(++last, { file, name })
  worker.postMessage({ id: last, file })
  tellAsked()
}

/** One image by its name, several by how many there are. */
function tellAsked() {
  const [only] = asked.values()
  status.textContent = asked.size === 1 ? `Looking at ${only?.name} …` : `Looking at ${asked.size} images …`
}

/** @param {Answer} answer */
function receive(answer) {
  if (answer.type === 'ready') return start(answer.model)
  if (answer.type === 'broken') {
    status.textContent = ''
    return showError(`The model could not be loaded: ${answer.message}. Reload the page, or check that all of its files are on the server.`)
  }
  const { file, name } = asked.get(answer.id) ?? { file: new Blob(), name: '' }
  asked.delete(answer.id)
  if (answer.type === 'error') showError(`${name} ${answer.message}.`)
  else showResult(file, name, answer)
  if (asked.size > 0) tellAsked()
  else if (answer.type === 'error') status.textContent = ''
}

/** @param {Model} opened */
function start(opened) {
  model = opened
  files.disabled = false
  camera.disabled = false
  status.textContent = 'Ready.'
  const { classes, licence } = opened
  element('about').textContent = `${opened.model}, ${classes.length === 1 ? '1 class' : `${classes.length} classes`}: ${classes.slice(0, 50).join(', ')}${classes.length > 50 ? ', …' : ''}.${licence ? ` Terms of the weights that its training started from: ${licence}.` : ''}`
}

/** @param {Blob} file @param {string} name @param {Extract<Answer, { type: 'result' }>} result */
function showResult(file, name, { probabilities, note, prepared, computed }) {
  const predictions = [...probabilities].map((probability, i) => ({ label: model?.classes[i] ?? String(i), probability }))
  const ranked = predictions.sort((a, b) => b.probability - a.probability)
  const card = /** @type {DocumentFragment} */ (/** @type {HTMLTemplateElement} */ (element('result')).content.cloneNode(true))
  const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (card.querySelector(selector))
  const image = /** @type {HTMLImageElement} */ (part('img'))
  image.src = URL.createObjectURL(file)
  image.addEventListener('load', () => URL.revokeObjectURL(image.src), { once: true })
  part('h2').textContent = name
  part('tbody').append(...ranked.slice(0, SHOWN).map(row))
  if (note === undefined) part('.note').remove()
  else part('.note').textContent = note
  part('.time').textContent = `${(prepared + computed).toFixed(0)} ms: ${prepared.toFixed(0)} to read and scale it, ${computed.toFixed(0)} in the model`
  results.prepend(card)
  const [top] = ranked
  if (top) status.textContent = `${name}: ${top.label}, ${percent(top.probability)}.${note === undefined ? '' : ` ${note}`}`
}

/** @param {{ readonly label: string, readonly probability: number }} prediction */
function row({ label, probability }) {
  const line = document.createElement('tr')
  const heading = Object.assign(document.createElement('th'), { scope: 'row', textContent: label })
  heading.style.setProperty('--share', String(probability))
  const cell = document.createElement('td')
  cell.append(Object.assign(document.createElement('data'), { value: String(probability), textContent: percent(probability) }))
  line.append(heading, cell)
  return line
}

/** @param {string} message */
function showError(message) {
  errors.append(Object.assign(document.createElement('li'), { textContent: message }))
}

/** @param {number} share */
function percent(share) {
  return `${(share * 100).toFixed(1)} %`
}
