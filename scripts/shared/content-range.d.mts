export function answeredRange(
  status: number, contentRange: string | null | undefined, asked?: { readonly from?: number; readonly total?: number },
): { readonly start: number; readonly total?: number } | { readonly problem: string }
