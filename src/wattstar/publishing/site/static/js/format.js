// Numbers as the pages write them; text.py writes them alike.

export const UNKNOWN = "–"

/** Three significant digits, thousands apart: 0.0123, 12.3, 12,300. @param {number | null | undefined} value */
export function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNKNOWN
  if (value === 0) return "0"
  const rounded = Number(value.toPrecision(3))
  const places = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(rounded)) + 1e-12))
  return rounded.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places })
}

/** The halves of a column that is aligned at the point. @param {number} value */
export function parts(value) {
  const [whole, rest] = number(value).split(".")
  return [whole, rest === undefined ? "" : "." + rest]
}

/** Parameters: 22.7 M. @param {number | null} value */
export function count(value) {
  if (value === null) return UNKNOWN
  for (const [size, sign] of /** @type {[number, string][]} */ ([[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]])) {
    if (value >= size * 0.9995) return `${number(value / size)} ${sign}`
  }
  return number(value)
}

/** With the unit that suits. @param {number | null} value */
export function seconds(value) {
  if (value === null) return UNKNOWN
  return value >= 1 ? `${number(value)} s` : `${number(value * 1000)} ms`
}

/** ± 1.4 % of the middle. @param {number} middle @param {number | null} high */
export function halfWidth(middle, high) {
  if (high === null || middle <= 0) return "± ?"
  const share = ((high - middle) / middle) * 100
  return `± ${share.toFixed(share >= 9.95 ? 0 : 1)} %`
}

/** The half width, or the factor of an estimate's plausible range. @param {number} middle @param {number | null} high @param {number | null} plausible Its upper end. */
export const howSure = (middle, high, plausible) =>
  plausible === null ? halfWidth(middle, high) : `×/÷ ${Number((plausible / middle).toPrecision(3))}`

/** @param {number} many @param {string} word */
export const several = (many, word) => `${many.toLocaleString("en-US")} ${word}${many === 1 ? "" : "s"}`

/** A power of ten, or a small multiple, on an axis. @param {number} value */
export function tickWords(value) {
  if (value >= 1e12) return count(value).replace(/\.0+ /, " ")
  const places = Math.max(0, -Math.floor(Math.log10(Math.abs(value)) + 1e-12))
  return value.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places })
}
