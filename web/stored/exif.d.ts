export function readOrientation(tiff: Uint8Array): { readonly orientation: number; readonly isPlain: boolean }
