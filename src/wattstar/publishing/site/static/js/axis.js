// Axes: where a value stands between two others. axis.py does alike.

/**
 * @typedef {object} Axis
 * @property {number} low
 * @property {number} high
 * @property {(value: number) => number} at 0 … 1; beyond the ends is at the end
 * @property {number[]} ticks
 */

/** @param {number} low @param {number} high @returns {Axis} */
export function logAxis(low, high) {
  const at = (/** @type {number} */ value) =>
    Math.min(1, Math.max(0, Math.log(value / low) / Math.log(high / low)))
  const holds = (/** @type {number} */ value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)
  const powers = []
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) powers.push(10 ** power)
  /** @type {number[]} */
  let ticks = []
  for (const steps of [[1], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 7]]) {
    ticks = powers.flatMap((power) => steps.map((step) => Number((step * power).toPrecision(12)))).filter(holds)
    if (ticks.length > 2) break
  }
  return { low, high, at, ticks }
}

/** The ticks that are far enough apart to be written above a column. @param {Axis} axis */
export function fewTicks(axis) {
  /** @type {number[]} */
  const found = []
  for (const value of axis.ticks) if (!found.length || axis.at(value) - axis.at(found[found.length - 1]) >= 0.22) found.push(value)
  return found
}

/** With a little air around the values, which are over 0. @param {number[]} values @returns {Axis} */
export function logAround(values) {
  const found = values.filter((value) => value > 0 && Number.isFinite(value))
  if (!found.length) return logAxis(0.1, 1)
  const low = found.reduce((a, b) => Math.min(a, b))
  const high = found.reduce((a, b) => Math.max(a, b))
  const air = Math.max(1.06, (high / low) ** 0.03)
  return logAxis(low / air, high * air)
}

/** Even steps, for values that may be 0 or less. @param {number[]} values @returns {Axis} */
export function evenAround(values) {
  let low = values.reduce((a, b) => Math.min(a, b), Infinity)
  let high = values.reduce((a, b) => Math.max(a, b), -Infinity)
  if (!Number.isFinite(low)) [low, high] = [0, 1]
  const air = (high - low || Math.abs(high) || 1) * 0.06
  ;[low, high] = [low - air, high + air]
  const rough = (high - low) / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((size) => size * power).find((size) => size >= rough) ?? rough
  const ticks = []
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) ticks.push(Number(value.toPrecision(12)))
  return { low, high, at: (value) => Math.min(1, Math.max(0, (value - low) / (high - low))), ticks }
}
