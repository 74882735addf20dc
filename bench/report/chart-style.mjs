const LINE = '.line { fill: none; stroke: #0d7d74; stroke-width: 2 }'

/** What the charts share: readable in light and dark. */
export const STYLE = `
  svg { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; background: #ffffff }
  text { fill: #1f2328 } .quiet { fill: #59636e; font-size: 12px } .title { font-size: 16px; font-weight: 600 }
  .grid { stroke: #d1d9e0 } .one { stroke: #59636e; stroke-width: 1.5 } .notebook { fill: #0d7d74 } .best { fill: #b45309 } ${LINE}
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117 } text { fill: #f0f6fc } .quiet { fill: #9198a1 } .grid { stroke: #30363d } .one { stroke: #9198a1 }
    .notebook { fill: #2dd4bf } .best { fill: #fbbf24 } .line { stroke: #2dd4bf }
  }`

/** @param {string} text */
export function escape(text) {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)
}
