// Why a browser may see an image otherwise than torchgraft predict does: told with the result.

export const NOTES = {
  cmyk: 'It is in CMYK, made for print: a browser turns that into other colours than torchgraft predict does.'
    + ' Save it as RGB for the same probabilities.',
  profile: 'Its colour profile is of a kind that browsers apply otherwise than torchgraft predict does, or not at all.',
  format: 'It is no JPEG, PNG, WebP, GIF or AVIF: the browser reads it by its own rules, and torchgraft predict may not read it.',
  transparent: 'This browser does not tell the colours of its transparent parts, which torchgraft predict takes.',
}
