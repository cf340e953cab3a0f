// Two to four rows beside each other: what they were measured under, how many times the energy, and all that is known.

import { logAround } from "./axis.js"
import { count, halfWidth, number, seconds, tickWords, UNKNOWN } from "./format.js"
import { drawn, element, to } from "./page.js"
import { BETWEEN_MACHINES, BETWEEN_SITTINGS, holm, pairedRatio, ratioOf, verdictOf } from "./ratios.js"
import { ENERGY } from "./rows.js"
import { modelWords, starsOf } from "./table.js"

/**
 * @typedef {import("./rows.js").Group} Group
 * @typedef {{group: Group, row: number, id: string}} Picked
 * @typedef {{less: Picked, more: Picked, ratio: import("./ratios.js").Ratio, verdict: import("./ratios.js").Verdict}} Pair
 * @typedef {{rows: string[], ratio: number[], pairs: number}} InTurns
 */

const CLOSE = 1.2
const CONDITIONS = { hardware: "Hardware", boundary: "What is counted", method: "How it was read", work: "The same work", procedure: "Procedure", class: "Size class" }

/** @param {Picked} one @param {string} name */
const valueOf = (one, name) => one.group.columns[name][one.row]

/** The last part of a model's name; with its place among the picked where two share it. @param {Picked} one @param {Picked[]} all */
export function shortName(one, all) {
  const name = (/** @type {Picked} */ each) => String(valueOf(each, "model")).split("/").pop() ?? ""
  const alike = all.filter((each) => name(each) === name(one))
  return alike.length > 1 ? `${name(one)} (${all.indexOf(one) + 1})` : name(one)
}

/** What of the conditions is not the same for all. @param {Picked[]} picked */
export function unlike(picked) {
  return Object.entries(CONDITIONS).filter(([name]) => new Set(picked.map((one) => one.group.conditions[name] ?? null)).size > 1)
}

/** Every two that may be compared, the thriftier one first. @param {Picked[]} picked @param {InTurns[]} inTurns @returns {Pair[]} */
export function pairsOf(picked, inTurns) {
  const order = [...picked].sort((a, b) => valueOf(a, ENERGY) - valueOf(b, ENERGY))
  const ratio = (/** @type {Picked} */ less, /** @type {Picked} */ more) => {
    const known = inTurns.find(({ rows }) => rows.includes(less.id) && rows.includes(more.id))
    if (!known) return ratioOf(energyOf(less), energyOf(more))
    const [low, mid, high] = known.ratio
    return pairedRatio(known.rows[0] === less.id ? known.ratio : [1 / high, 1 / mid, 1 / low], known.pairs)
  }
  const found = order.flatMap((less, index) => order.slice(index + 1).map((more) => ({ less, more })))
    .filter(({ less, more }) => less.group === more.group)
    .map(({ less, more }) => ({ less, more, ratio: ratio(less, more) }))
  const shown = holm(found.map(({ ratio }) => ratio.chance))
  return found.map((pair, index) => ({ ...pair, verdict: verdictOf(pair.ratio, shown[index]) }))
}

/** @param {Picked} one */
const energyOf = (one) => ({ mid: valueOf(one, ENERGY), high: valueOf(one, "wh_high"), machine: valueOf(one, "machine"), pilot: valueOf(one, "pilot_passes") })

/** @param {number} value @param {number} mid */
const ratioWords = (value, mid) => (mid < CLOSE ? value.toFixed(3) : number(value))

/** @param {Pair} pair @param {Picked[]} all */
export function sentence({ less, more, ratio, verdict }, all) {
  const [thrifty, greedy] = [shortName(less, all), shortName(more, all)]
  const mid = ratioWords(ratio.mid, ratio.mid)
  if (ratio.low === null || ratio.high === null) return `${greedy} takes ${mid} times the energy of ${thrifty}; how sure that is is not known: an interval is missing.`
  const span = `95 %: ${ratioWords(ratio.low, ratio.mid)} to ${ratioWords(ratio.high, ratio.mid)}, ${ratio.pairs ? `${ratio.pairs} pairs` : "unpaired"}`
  if (verdict === "different") return `${greedy} takes ${mid} times the energy of ${thrifty} (${span}).`
  if (verdict === "equal") return `${greedy} and ${thrifty} take equal energy within ± 2 %: ratio ${mid} (${span}).`
  return `No difference is shown between ${greedy} and ${thrifty}: ratio ${mid} (${span}).`
}

/** The answer in one line. @param {Pair[]} pairs @param {Picked[]} all */
export function headline(pairs, all) {
  if (!pairs.length) return "These cannot be compared."
  const [first] = pairs
  if (pairs.length === 1) return first.verdict === "not shown" || first.verdict === "equal" ? `${shortName(first.more, all)} and ${shortName(first.less, all)}: no difference is shown.` : `${shortName(first.more, all)} takes ${number(first.ratio.mid)} times the energy of ${shortName(first.less, all)}.`
  const against = pairs.filter((pair) => pair.less === first.less)
  return `${shortName(first.less, all)} takes the least: ${against.map((pair) => (pair.verdict === "not shown" || pair.verdict === "equal" ? `of ${shortName(pair.more, all)} no difference is shown` : `${shortName(pair.more, all)} ${number(pair.ratio.mid)} times as much`)).join(", ")}.`
}

/** Whether the conditions are the same; else what differs. @param {Picked[]} picked */
export function conditionsCheck(picked) {
  const differs = unlike(picked)
  if (!differs.length) {
    const { conditions } = picked[0].group
    const words = [conditions.hardware, conditions.boundary, conditions.work, conditions.procedure].join(" · ")
    return element("div", { class: "check same" }, element("p", {}, element("b", {}, "The same conditions. "), "All of them did the same work on the same hardware, read in the same way."), element("p", { class: "quiet" }, words))
  }
  const head = element("tr", {}, element("td", {}), ...picked.map((one) => element("th", { scope: "col" }, shortName(one, picked))))
  const lines = differs.map(([name, words]) => element("tr", {}, element("th", { scope: "row" }, words), ...picked.map((one) => element("td", { class: "words" }, String(one.group.conditions[name] ?? UNKNOWN)))))
  const table = element("table", { class: "sheet versus" }, element("caption", { class: "unseen" }, "Conditions that differ"), element("thead", {}, head), element("tbody", {}, ...lines))
  return element("div", { class: "check other" }, element("p", {}, element("b", {}, "Not the same conditions. "), `What differs (${differs.map(([, words]) => words.toLowerCase()).join(", ")}) changes the energy as much as the model may, so no ratio is given across it.`),
    element("div", { class: "sheet-box", role: "region", "aria-label": "Conditions that differ", tabindex: "0" }, table))
}

/** A bar for each, as many times as long as the least; whiskers are the ratio's interval. @param {Picked[]} picked @param {Pair[]} pairs */
export function ratioBars(picked, pairs) {
  const first = pairs[0].less
  const lines = [{ one: first, ratio: { mid: 1, low: null, high: null } }, ...pairs.filter((pair) => pair.less === first).map((pair) => ({ one: pair.more, ratio: pair.ratio }))]
  const axis = logAround([0.9, ...lines.flatMap(({ ratio }) => [ratio.mid, ratio.low, ratio.high]).filter((value) => value !== null)])
  const at = (/** @type {number} */ value) => Math.round(axis.at(value) * 10000) / 100
  const list = element("div", { class: "ratio-bars" })
  for (const { one, ratio } of lines) {
    const bar = drawn("svg", { class: "bar", viewBox: "0 0 100 16", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" },
      drawn("path", { class: "cut", d: axis.ticks.map((tick) => `M${at(tick)} 0V16`).join("") }),
      drawn("rect", { class: "length", x: at(1), y: 4, width: Math.max(0, at(ratio.mid) - at(1)), height: 8 }), drawn("path", { class: "tip", d: `M${at(ratio.mid)} 3V13` }))
    if (ratio.low && ratio.high) bar.append(drawn("path", { class: "whisker", d: `M${at(ratio.low)} 8H${at(ratio.high)}M${at(ratio.low)} 4V12M${at(ratio.high)} 4V12` }))
    list.append(element("p", { class: "ratio-name" }, shortName(one, picked)), element("p", { class: "ratio-figure" }, `${one === first ? "1" : ratioWords(ratio.mid, ratio.mid)}×`), element("div", { class: "ratio-bar" }, bar))
  }
  const ticks = drawn("svg", { class: "ratio-axis", "aria-hidden": "true", focusable: "false" }, ...axis.ticks.map((tick) => drawn("text", { x: `${at(tick)}%`, y: 13, "text-anchor": "middle" }, `${tickWords(tick)}×`)))
  list.append(element("div", { class: "ratio-scale" }, ticks))
  return list
}

/** What the intervals contain and do not. @param {Pair[]} pairs @param {Picked[]} picked */
export function notes(pairs, picked) {
  const found = []
  if (pairs.some(({ ratio }) => ratio.pairs)) found.push("Pairs: passes of one sitting, in turns. What both went through alike is in no interval.")
  if (pairs.some(({ ratio }) => ratio.low !== null && !ratio.machines && !ratio.pairs)) found.push(`Unpaired: an interval contains how alike the passes of both were, and √2 times the ${100 * BETWEEN_SITTINGS} % that two sittings differ by.`)
  if (pairs.some(({ ratio }) => ratio.low !== null && ratio.machines)) found.push(`Another card or machine: an interval contains √2 times the ${100 * BETWEEN_MACHINES} % that two of a kind differ by.`)
  if (pairs.length > 1) found.push(`Which differences are shown is adjusted for ${pairs.length} comparisons (Holm); each interval is 95 % by itself.`)
  if (picked.some((one) => valueOf(one, "method") === "estimated")) found.push("Estimated, not measured: what the estimate may be wrong by is in no interval.")
  if (picked.some((one) => valueOf(one, "weights") === "random")) found.push("Random weights: time and energy are those of the architecture; its answers are worth nothing.")
  return found
}

/** All that is known, a column each; what is not alike is marked. @param {Picked[]} picked @param {Record<string, string>} paths Of the pages of models. */
export function sideBySide(picked, paths) {
  const facts = /** @type {[string, string, (one: Picked) => string | Node][]} */ ([
    ["", "Wh per 1,000 queries", (one) => `${number(valueOf(one, ENERGY))} ${halfWidth(valueOf(one, ENERGY), valueOf(one, "wh_high"))}`],
    ["", "Plausible range", (one) => (valueOf(one, "plausible_low_wh") === null ? UNKNOWN : `${number(valueOf(one, "plausible_low_wh"))} to ${number(valueOf(one, "plausible_high_wh"))}`)],
    ["", "Stars", (one) => starsOf(one.group, one.row)],
    ["", "Quality", (one) => (valueOf(one, "quality") === null ? UNKNOWN : `${number(valueOf(one, "quality"))} ${one.group.qualityName ?? ""}`)],
    ["", "Parameters", (one) => count(valueOf(one, "parameters"))],
    ["", "Time per query", (one) => seconds(valueOf(one, "seconds_per_query"))],
    ...["precision", "engine", "batch", "approach", "weights", "method", "passes", "status", "hardware", "date"].map((name) => [name, picked[0].group.shape.find((column) => column.name === name)?.label ?? name, (/** @type {Picked} */ one) => String(valueOf(one, name) ?? UNKNOWN)]),
  ])
  const lines = []
  for (const [name, words, write] of facts) {
    const values = picked.map(write)
    if (values.every((value) => value === UNKNOWN)) continue
    const differs = name && name !== "date" && new Set(values).size > 1
    lines.push(element("tr", { class: differs ? "differs" : null }, element("th", { scope: "row" }, words, differs ? element("span", { class: "tag" }, "not alike") : ""), ...values.map((value) => element("td", {}, value))))
  }
  const head = picked.map((one) => {
    const name = valueOf(one, "model")
    const path = one.group.models[name] ?? paths[name]
    return element("th", { scope: "col" }, path ? element("a", { href: to(path) }, modelWords(name)) : modelWords(name))
  })
  const table = element("table", { class: "sheet versus" }, element("caption", { class: "unseen" }, "The models beside each other"), element("thead", {}, element("tr", {}, element("td", {}), ...head)), element("tbody", {}, ...lines))
  return element("div", { class: "sheet-box", role: "region", "aria-label": "The models beside each other", tabindex: "0" }, table)
}
