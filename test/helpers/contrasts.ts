/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/** Texts whose colour stands out from what is behind them by less than WCAG's 4.5 to 1. Runs in the page. */
export function contrasts(): string[] {
  const luminance = (colour: string): number => {
    const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map((part) => Number(part) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = (element: Element | null): string => {
    const colour = element ? getComputedStyle(element).backgroundColor : 'rgb(255, 255, 255)'
    return element && colour === 'rgba(0, 0, 0, 0)' ? behind(element.parentElement) : colour
  }
  const texts = [...document.querySelectorAll('h1, h2, p, li, label, button, td, th, footer')].filter((element) => element.checkVisibility() && element.textContent?.trim())
  return texts.flatMap((element) => {
    const [light = 0, dark = 0] = [luminance(getComputedStyle(element).color), luminance(behind(element))].sort((a, b) => b - a)
    const ratio = (light + 0.05) / (dark + 0.05)
    return ratio < 4.5 ? [`${element.tagName} ${element.textContent?.trim()}: ${ratio.toFixed(1)}`] : []
  })
}
