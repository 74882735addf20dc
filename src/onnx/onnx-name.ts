/** Whether a file is ONNX: by its name alone, so that nothing is loaded to tell. */
export function isOnnx(path: string): boolean {
  return path.endsWith('.onnx')
}
