// The camera: a viewfinder in the page, and a photo of what it sees.

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id))
const open = /** @type {HTMLButtonElement} */ (element('camera'))
const video = /** @type {HTMLVideoElement} */ (element('video'))
const viewfinder = element('viewfinder')

/**
 * @param {{ readonly onPhoto: (photo: Blob) => void, readonly onError: (message: string) => void }} handlers
 */
export function offerCamera({ onPhoto, onError }) {
  if (!navigator.mediaDevices) return // browsers lend it to https and localhost only
  open.hidden = false
  open.addEventListener('click', () => void start().catch((error) => onError(`The camera cannot be used (${error instanceof Error ? error.message : error}). Allow it for this page, or choose a photo instead.`)))
  element('close').addEventListener('click', stop)
  element('shoot').addEventListener('click', () => void shoot().then((photo) => photo && onPhoto(photo)))
}

async function start() {
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1280 } } })
  viewfinder.hidden = false
  open.hidden = true
  await video.play()
  element('shoot').focus()
}

function stop() {
  if (video.srcObject instanceof MediaStream) for (const track of video.srcObject.getTracks()) track.stop()
  video.srcObject = null
  viewfinder.hidden = true
  open.hidden = false
  open.focus()
}

/** @returns {Promise<Blob | null>} */
function shoot() {
  const canvas = document.createElement('canvas')
  canvas.width = video.videoWidth
  canvas.height = video.videoHeight
  canvas.getContext('2d')?.drawImage(video, 0, 0)
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'))
}
