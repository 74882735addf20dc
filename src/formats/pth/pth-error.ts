import { fileError } from '../file-error.js'

/** Of a file that is no `.pth`, or holds what is not read. */
export const pthError = fileError('cannot be read as a .pth file')

/** Of a `.pth` file that contradicts itself. */
export const damagedPth = fileError('is not a file that PyTorch has written')
