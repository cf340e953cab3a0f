// How many times the energy, and whether that is more than chance: as rating/comparisons.py has it. Nothing here
// touches the page.

const Z_975 = 1.96
/** By so much, as a standard deviation, one model differs from sitting to sitting on one machine. */
export const BETWEEN_SITTINGS = 0.01
/** The same on another card or machine. */
export const BETWEEN_MACHINES = 0.08
const LEVEL = 0.05
const ALIKE = 0.02
/** Two-sided 95 % quantiles of Student's t for 1 … 30 degrees of freedom. */
const STUDENT_T_975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101,
  2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
]

/**
 * @typedef {object} Energy
 * @property {number} mid
 * @property {number | null} high
 * @property {string | null} machine
 * @property {number | null} pilot
 *
 * @typedef {object} Ratio
 * @property {number} mid
 * @property {number | null} low
 * @property {number | null} high
 * @property {number | null} chance That equals would differ so much, or more; null: it cannot be told.
 * @property {boolean} machines Whether two machines are compared.
 * @property {number} pairs Of passes in turns; 0: two sittings.
 *
 * @typedef {"different" | "equal" | "not shown" | "unknown"} Verdict
 */

/** Of two sittings: both half widths and √2 times what sittings differ by, added in squares on ln. @param {Energy} less @param {Energy} more @returns {Ratio} */
export function ratioOf(less, more) {
  const mid = more.mid / less.mid
  const machines = less.machine === null || less.machine !== more.machine
  if (less.high === null || more.high === null) return { mid, low: null, high: null, chance: null, machines, pairs: 0 }
  const shares = [less, more].map((energy) => (/** @type {number} */ (energy.high) - energy.mid) / energy.mid)
  const between = machines ? BETWEEN_MACHINES : BETWEEN_SITTINGS
  const half = Math.hypot(...shares, Z_975 * Math.SQRT2 * between)
  const freedoms = [less, more].map((energy) => Math.max((energy.pilot ?? 2) - 1, 1))
  const inverse = shares.reduce((sum, share, index) => sum + (share / half) ** 4 / freedoms[index], 0)
  const most = STUDENT_T_975.length
  const freedom = inverse ? Math.min(Math.max(Math.floor(1 / inverse), 1), most) : most
  const chance = twoSided(Math.log(mid) / (half / STUDENT_T_975[freedom - 1]), freedom)
  return { mid, low: mid * Math.exp(-half), high: mid * Math.exp(half), chance, machines, pairs: 0 }
}

/** Of passes in turns, worked out already; how likely it is to be chance follows from its interval. @param {number[]} ends low, mid, high @param {number} pairs @returns {Ratio} */
export function pairedRatio([low, mid, high], pairs) {
  const freedom = pairs - 1
  const error = Math.log(high / low) / 2 / STUDENT_T_975[Math.min(freedom, STUDENT_T_975.length) - 1]
  return { mid, low, high, chance: error ? twoSided(Math.log(mid) / error, freedom) : Number(mid === 1), machines: false, pairs }
}

/** How likely Student's t is to be so far from 0 or farther: Abramowitz & Stegun (1964), 26.7.3 and 26.7.4. @param {number} statistic @param {number} freedom */
export function twoSided(statistic, freedom) {
  const angle = Math.atan(Math.abs(statistic) / Math.sqrt(freedom))
  const odd = freedom % 2
  let term = odd ? Math.cos(angle) : 1
  let sum = freedom > 1 ? term : 0
  for (let number = 2 + odd; number < freedom - 1; number += 2) sum += term *= ((number - 1) / number) * Math.cos(angle) ** 2
  const inside = Math.sin(angle) * sum
  return Math.max(0, 1 - (odd ? (2 / Math.PI) * (angle + inside) : inside))
}

/** Which differences are shown, at 5 % for all of them together: Holm (1979). @param {(number | null)[]} chances */
export function holm(chances) {
  const shown = chances.map(() => false)
  const order = chances.map((chance, place) => ({ chance, place })).filter(({ chance }) => chance !== null)
  order.sort((a, b) => Number(a.chance) - Number(b.chance))
  for (const [number, { chance, place }] of order.entries()) {
    if (Number(chance) > LEVEL / (chances.length - number)) break
    shown[place] = true
  }
  return shown
}

/** @param {Ratio} ratio @param {boolean} shown @returns {Verdict} */
export function verdictOf(ratio, shown) {
  if (shown) return "different"
  if (ratio.low === null || ratio.high === null) return "unknown"
  return ratio.low >= 1 - ALIKE && ratio.high <= 1 + ALIKE ? "equal" : "not shown"
}
