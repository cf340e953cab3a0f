// Energy against what one gets for it: a drawing of the rows that are shown, on logarithmic axes.

import { evenAround, logAround } from "./axis.js"
import { count, howSure, number, seconds, tickWords } from "./format.js"
import { drawn, element } from "./page.js"
import { ENERGY } from "./rows.js"

/**
 * @typedef {import("./rows.js").Group} Group
 *
 * @typedef {object} Choice What stands on the upright axis.
 * @property {string} name
 * @property {string} words
 * @property {boolean} more Whether more of it is better.
 * @property {boolean} even Whether its axis has even steps instead of powers of ten.
 * @property {(value: number) => string} write
 *
 * @typedef {{row: number, x: number, y: number}} Point
 */

/** @param {Group} group @returns {Choice[]} */
export function scatterChoices(group) {
  const all = [
    { name: "quality", words: group.qualityName ?? "quality", more: group.higherIsBetter, even: true, write: number },
    { name: "parameters", words: "parameters", more: true, even: false, write: count },
    { name: "seconds_per_query", words: "time per query", more: false, even: false, write: seconds },
  ]
  return all.filter(({ name }) => new Set(group.columns[name].filter((value) => value !== null)).size > 1)
}

/** Those that nothing beats: no other takes less energy and gives as much. @param {Point[]} points @param {boolean} more */
export function pareto(points, more) {
  const order = [...points].sort((a, b) => a.x - b.x || (more ? b.y - a.y : a.y - b.y))
  /** @type {Point[]} */
  const found = []
  for (const point of order) {
    const last = found.at(-1)
    if (!last || (more ? point.y > last.y : point.y < last.y)) found.push(point)
  }
  return found
}

/** In words, for the line below and for those who do not see it. @param {Group} group @param {Point} point @param {Choice} choice */
function pointWords(group, point, choice) {
  const { row } = point
  const width = howSure(point.x, group.columns.wh_high[row], group.columns.plausible_high_wh[row])
  const estimated = group.columns.method[row] === "estimated" ? ", estimated" : ""
  return `${group.columns.model[row]}: ${number(point.x)} Wh ${width}${estimated}; ${choice.words} ${choice.write(point.y)}`
}

/**
 * @param {HTMLElement} place
 * @param {Group} group
 * @param {() => number[]} rows
 * @param {{get: () => string | null, set: (name: string) => void}} chosen The upright axis, in the address.
 */
export function scatter(place, group, rows, chosen) {
  const choices = scatterChoices(group)
  if (!choices.length) {
    place.replaceChildren(element("p", { class: "note" }, "Neither quality nor size nor time is known of these rows: their publisher gives energies alone."))
    return () => {}
  }
  const picker = axisPicker(choices, chosen.set)
  const box = element("div", { class: "scatter-box", role: "group", tabindex: "0" })
  const said = element("p", { class: "scatter-said quiet", role: "status" })
  place.replaceChildren(picker, box, said)
  const current = () => choices.find((choice) => choice.name === chosen.get()) ?? choices[0]
  /** @type {Point[]} */
  let points = []
  const show = (/** @type {number} */ index) => {
    for (const mark of box.querySelectorAll(".point")) mark.classList.toggle("current", Number(mark.getAttribute("data-index")) === index)
    said.textContent = index < 0 ? "Point at a mark, or step through them with the arrow keys." : pointWords(group, points[index], current())
  }
  const begin = stepThrough(box, () => points.length, show)
  const update = () => {
    const choice = current()
    for (const radio of picker.querySelectorAll("input")) radio.checked = radio.value === choice.name
    points = pointsOf(group, rows(), choice)
    const missing = rows().length - points.length
    box.setAttribute("aria-label", `Energy against ${choice.words}: ${points.length} marks, arrow keys step through them`)
    box.replaceChildren(drawing(group, points, choice, Math.max(300, box.clientWidth || 900)))
    begin()
    if (missing) said.textContent += ` ${missing} rows have no ${choice.words} and are left out.`
  }
  new ResizeObserver(() => {
    const width = box.querySelector("svg")?.getAttribute("width")
    if (width && Math.abs(Number(width) - box.clientWidth) > 8 && box.clientWidth) update()
  }).observe(box)
  return update
}

/** @param {Choice[]} choices @param {(name: string) => void} chosen */
function axisPicker(choices, chosen) {
  const made = element("fieldset", { class: "switch" }, element("legend", { class: "unseen" }, "Energy against"))
  for (const choice of choices) {
    const radio = /** @type {HTMLInputElement} */ (element("input", { type: "radio", name: "against", value: choice.name }))
    radio.addEventListener("change", () => chosen(choice.name))
    made.append(element("label", { class: "choice" }, radio, ` Energy against ${choice.words}`))
  }
  return made
}

/** With arrow keys or a pointer; returns what begins anew, at none. @param {HTMLElement} box @param {() => number} many @param {(index: number) => void} show */
function stepThrough(box, many, show) {
  let at = -1
  const go = (/** @type {number} */ index) => show((at = index))
  box.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key]
    if (step === undefined || !many()) return
    event.preventDefault()
    go(Math.min(many() - 1, Math.max(0, at + step)))
  })
  box.addEventListener("pointerover", (event) => {
    const index = event.target instanceof Element ? event.target.getAttribute("data-index") : null
    if (index !== null) go(Number(index))
  })
  return () => go(-1)
}

/** The rows of which both are known, least energy first. @param {Group} group @param {number[]} rows @param {Choice} choice @returns {Point[]} */
function pointsOf(group, rows, choice) {
  const upright = group.columns[choice.name]
  return rows
    .filter((row) => upright[row] !== null && (choice.even || upright[row] > 0))
    .map((row) => ({ row, x: group.columns[ENERGY][row], y: upright[row] }))
    .sort((a, b) => a.x - b.x)
}

/** Of the interval, or of an estimate's range, which is wider. @param {Group} group @param {number} row @returns {[number, number, boolean]} */
function ends(group, row) {
  const { plausible_low_wh: from, plausible_high_wh: upTo, wh_low: low, wh_high: high } = group.columns
  return from[row] && upTo[row] ? [from[row], upTo[row], true] : [low[row], high[row], false]
}

/** @param {Group} group @param {Point[]} points @param {Choice} choice @param {number} width */
function drawing(group, points, choice, width) {
  const narrow = width < 560
  const height = narrow ? 340 : 460
  const [left, right, top, bottom] = [narrow ? 46 : 64, 16, 30, 46]
  const across = logAround(points.flatMap(({ row, x }) => {
    const [low, high] = ends(group, row)
    return [x, low, high]
  }).filter(Boolean))
  const upright = (choice.even ? evenAround : logAround)(points.map((point) => point.y))
  const x = (/** @type {number} */ value) => round(left + across.at(value) * (width - left - right))
  const y = (/** @type {number} */ value) => round(height - bottom - upright.at(value) * (height - top - bottom))
  const made = drawn("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false" })
  drawFrame(made, { x, y, across, upright, width, height, left, right, top, bottom, narrow }, choice, group)
  const many = points.length > 150
  const front = pareto(points, choice.more)
  if (front.length > 1) made.append(drawn("path", { class: "front", d: staircase(front.map((point) => [x(point.x), y(point.y)])) }))
  const whiskers = drawn("g", { class: many ? "whiskers many" : "whiskers" })
  const marks = drawn("g", { class: many ? "marks many" : "marks" })
  points.forEach((point, index) => {
    const [low, high, ranged] = ends(group, point.row)
    if (low && high) whiskers.append(drawn("path", { class: ranged ? "range" : "interval", d: `M${x(low)} ${y(point.y)}H${x(high)}` }))
    const estimated = group.columns.method[point.row] === "estimated"
    const size = many ? 3.2 : 5.2
    const [cx, cy] = [x(point.x), y(point.y)]
    const kind = `point${estimated ? " estimated" : ""}${front.includes(point) ? " first" : ""}`
    marks.append(estimated
      ? drawn("path", { class: kind, "data-index": index, d: `M${cx} ${cy - size * 1.25}l${size * 1.25} ${size * 1.25}l${-size * 1.25} ${size * 1.25}l${-size * 1.25} ${-size * 1.25}z` })
      : drawn("circle", { class: kind, "data-index": index, cx, cy, r: size }))
  })
  made.append(whiskers, marks, names(group, front, x, y, width))
  return made
}

const round = (/** @type {number} */ value) => Math.round(value * 10) / 10

/** Along the axes, as nothing between two points is promised. @param {number[][]} points */
const staircase = (points) => points.map(([x, y], index) => (index ? `H${x}V${y}` : `M${x} ${y}`)).join("")

/** @param {Element} made @param {any} frame @param {Choice} choice @param {Group} group */
function drawFrame(made, frame, choice, group) {
  const { x, y, across, upright, width, height, left, right, top, bottom, narrow } = frame
  for (const tick of across.ticks) {
    made.append(drawn("path", { class: "grid", d: `M${x(tick)} ${top}V${height - bottom}` }))
    made.append(drawn("text", { class: "tick", x: x(tick), y: height - bottom + 17, "text-anchor": "middle" }, tickWords(tick)))
  }
  for (const tick of upright.ticks) {
    made.append(drawn("path", { class: "grid", d: `M${left} ${y(tick)}H${width - right}` }))
    const words = choice.even ? String(tick) : choice.write(tick).replace(/\.0+(?= |$)/, "")
    made.append(drawn("text", { class: "tick", x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, words))
  }
  ;(group.cuts ?? []).forEach((cut, index) => {
    if (cut < across.low || cut > across.high) return
    made.append(drawn("path", { class: "cut", d: `M${x(cut)} ${top}V${height - bottom}` }))
    made.append(drawn("text", { class: "cut-word", x: x(cut) - 4, y: top - 6, "text-anchor": "end" }, narrow ? `${5 - index}★` : "★".repeat(5 - index)))
  })
  made.append(drawn("text", { class: "axis-word", x: width - right, y: height - 6, "text-anchor": "end" }, "Wh per 1,000 queries →"))
  made.append(drawn("text", { class: "axis-word", x: left, y: 12 }, `↑ ${choice.words}${choice.more ? "" : " (less is better)"}`))
}

/** The names on the line, as long as they do not cover each other. @param {Group} group @param {Point[]} front @param {(value: number) => number} x @param {(value: number) => number} y @param {number} width */
function names(group, front, x, y, width) {
  const made = drawn("g", { class: "names" })
  /** @type {number[][]} */
  const taken = []
  for (const point of front) {
    const words = String(group.columns.model[point.row]).split("/").pop() ?? ""
    const short = words.length > 28 ? words.slice(0, 27) + "…" : words
    const long = short.length * 6.6
    const [px, py] = [x(point.x), y(point.y)]
    const left = px + 10 + long < width ? px + 10 : px - 10 - long
    const box = [left, py - 14, left + long, py + 4]
    if (left < 0 || taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue
    taken.push(box)
    made.append(drawn("text", { x: left, y: py - 7 }, short))
  }
  return made
}
