// What a number of queries a day comes to in a year. All of it follows from the reader's own numbers; nothing is sent.

import { number } from "./format.js"
import { element } from "./page.js"
import { ENERGY } from "./rows.js"

/** @typedef {import("./rows.js").Group} Group */

const DAYS = 365
export const LISTED = 1000

/**
 * @typedef {object} Asked
 * @property {number} queries a day
 * @property {number} pue
 * @property {number} grams of CO2e per kWh
 * @property {number} price of a kWh
 */

/** Of a year: kWh, kg of CO2e, cost. The same formulas as publishing/impact.py. @param {number} wh per 1,000 queries @param {Asked} asked */
export function year(wh, asked) {
  const kwh = (wh / 1000) * asked.queries * (DAYS / 1000) * asked.pue
  return { kwh, kg: (kwh * asked.grams) / 1000, cost: kwh * asked.price }
}

const FIELDS = /** @type {[string, string, string, number, number, string][]} */ ([
  // key in the address, words, unit, from the start, least, where the number comes from
  ["day", "Queries a day", "", 100000, 0, ""],
  ["grid", "Grid", "g CO₂e/kWh", 0, 0, ""],
  ["price", "Price", "per kWh", 0.25, 0, "in your currency"],
  ["pue", "PUE", "", 1.2, 1, "building over computers: 1.1 to 1.6"],
])

/** What a sum of energy is like: physics, not opinion. @param {number} kwh */
export function alike(kwh) {
  // 10 W for an hour are 10 Wh; 1 litre from 15 to 100 °C takes 4.186 kJ/K x 85 K = 99 Wh.
  if (kwh < 0.1) return `a 10-watt lamp for ${number((kwh * 1000) / 10)} hours`
  if (kwh < 1000) return `${number(kwh / 0.0988)} litres of water brought to the boil`
  return `a 10-watt lamp for ${number(kwh / 0.01 / 24 / 365)} years, day and night`
}

/** @typedef {{get: (name: string) => string | null, set: (values: Record<string, string | null>) => void}} Address */

/**
 * @param {HTMLElement} place
 * @param {Group} group
 * @param {() => number[]} rows
 * @param {Address} address
 */
export function calculator(place, group, rows, address) {
  const change = (/** @type {string} */ key, /** @type {string | null} */ value) => {
    address.set({ [key]: value })
    work()
  }
  const picks = ["this", "that"].map((key) => modelPicker(key, change))
  const grid = gridPicker(group, (grams) => change("grid", String(grams)))
  const inputs = FIELDS.map(([key, , , , least]) => numberInput(key, least, startOf(group, key), change))
  const out = element("div", { class: "calculator-out", role: "status" })
  place.replaceChildren(calculatorForm(group, picks, inputs, grid), out)
  let listed = ""
  const list = () => {
    const found = rows().slice(0, LISTED)
    if (found.join() === listed) return
    listed = found.join()
    const words = (/** @type {number} */ row) => `${group.columns.model[row]} · ${number(group.columns[ENERGY][row])} Wh`
    for (const pick of picks) pick.replaceChildren(...found.map((row) => element("option", { value: group.columns.id[row] }, words(row))))
  }
  const work = () => {
    list()
    const starts = startingPair(group, rows())
    picks.forEach((pick, index) => {
      const wanted = address.get(index ? "that" : "this") ?? starts[index]
      if ([...pick.options].some((option) => option.value === wanted)) pick.value = wanted ?? ""
    })
    const [queries, grams, price, pue] = inputs.map((input, index) => numberOf(input, FIELDS[index], group, address))
    if (document.activeElement !== grid) grid.value = String(grams)
    if (grid.selectedIndex < 0) grid.value = ""
    show(out, group, picks.map((pick) => group.columns.id.indexOf(pick.value)), { queries, grams, price, pue })
  }
  return work
}

/** @param {string} key @param {(key: string, value: string) => void} change */
function modelPicker(key, change) {
  const made = /** @type {HTMLSelectElement} */ (element("select", { id: `calculator-${key}` }))
  made.addEventListener("change", () => change(key, made.value))
  return made
}

/** What is as it was from the start has no place in the address. @param {string} key @param {number} least @param {number} start @param {(key: string, value: string | null) => void} change */
function numberInput(key, least, start, change) {
  const shape = { type: "number", min: least, step: "any", inputmode: "decimal", id: `calculator-${key}` }
  const made = /** @type {HTMLInputElement} */ (element("input", shape))
  made.addEventListener("input", () => change(key, made.value === String(start) ? null : made.value))
  return made
}

/** @param {Group} group @param {HTMLSelectElement[]} picks @param {HTMLInputElement[]} inputs @param {HTMLSelectElement} grid */
function calculatorForm(group, picks, inputs, grid) {
  const form = element("div", { class: "calculator-form" })
  const small = (/** @type {string} */ words) => element("small", { class: "quiet" }, words)
  picks.forEach((pick, index) => {
    form.append(element("p", {}, element("label", { for: pick.id }, index ? "against" : "This model"), pick))
  })
  FIELDS.forEach(([key, name, unit, , , source], index) => {
    const label = element("label", { for: inputs[index].id }, name)
    if (unit) label.append(element("span", { class: "unit" }, " " + unit))
    const line = element("p", {}, label, inputs[index])
    if (key === "grid") line.append(grid, small(group.grids.source))
    if (source) line.append(small(source))
    form.append(line)
  })
  return form
}

/** The least energy and the one in the middle, of models that know something, where there are two. @param {Group} group @param {number[]} rows */
function startingPair(group, rows) {
  const useful = rows.filter((row) => group.columns.weights[row] !== "random")
  const energies = group.columns[ENERGY]
  const order = [...(useful.length > 1 ? useful : rows)].sort((a, b) => energies[a] - energies[b])
  return [order[0], order[Math.floor(order.length / 2)]].map((row) => (row === undefined ? null : group.columns.id[row]))
}

/** Not a number where what was typed is none, or too small. @param {HTMLInputElement} input @param {typeof FIELDS[0]} field @param {Group} group @param {Address} address */
function numberOf(input, [key, , , , least], group, address) {
  const text = address.get(key) ?? String(startOf(group, key))
  if (document.activeElement !== input && input.value !== text) input.value = text
  const value = text.trim() === "" ? NaN : Number(text)
  const right = Number.isFinite(value) && value >= least
  input.setAttribute("aria-invalid", String(!right))
  return right ? value : NaN
}

/** What a field holds before anybody changed it: of the grid, the world's. @param {Group} group @param {string} key */
function startOf(group, key) {
  const [world] = group.grids.known
  return key === "grid" && world ? world[1] : FIELDS.find(([name]) => name === key)?.[3] ?? 0
}

/** A country's intensity. @param {Group} group @param {(grams: number) => void} chosen */
function gridPicker(group, chosen) {
  const pick = /** @type {HTMLSelectElement} */ (element("select", { "aria-label": "Country of the grid" }))
  pick.append(element("option", { value: "" }, "own number"))
  for (const [name, grams] of group.grids.known) pick.append(element("option", { value: grams }, name))
  pick.addEventListener("change", () => {
    if (pick.value) chosen(Number(pick.value))
  })
  return pick
}

/** @param {HTMLElement} out @param {Group} group @param {number[]} two @param {Asked} asked */
function show(out, group, two, asked) {
  if (Object.values(asked).some((value) => !Number.isFinite(value)) || two.includes(-1)) {
    out.replaceChildren(element("p", { class: "note" }, "Numbers only, none below 0, and a PUE of 1 at least: a building takes what its computers take."))
    return
  }
  const [mine, other] = two.map((row) => year(group.columns[ENERGY][row], asked))
  const line = (/** @type {string} */ word, /** @type {number} */ a, /** @type {number} */ b, /** @type {string} */ unit) =>
    element("tr", {}, element("th", { scope: "row" }, word), ...[a, b, b - a].map((value) => element("td", {}, `${value < 0 ? "−" : ""}${number(Math.abs(value))}`)), element("td", { class: "unit" }, unit))
  const table = element("table", { class: "year" }, element("caption", { class: "unseen" }, "A year of these queries"),
    element("thead", {}, element("tr", {}, ...["A year", "this model", "the other", "difference", "unit"].map((word) => element("th", { scope: "col" }, word)))),
    element("tbody", {}, line("Electricity", mine.kwh, other.kwh, "kWh"), line("Emissions", mine.kg, other.kg, "kg CO₂e"), line("Cost", mine.cost, other.cost, "your currency")))
  const saved = other.kwh - mine.kwh
  const names = two.map((row) => String(group.columns.model[row]).split("/").pop())
  const sentence = two[0] === two[1] || saved === 0 ? "Choose two different models to see what one saves."
    : `${names[saved > 0 ? 0 : 1]} saves ${number(Math.abs(saved))} kWh a year against ${names[saved > 0 ? 1 : 0]}: ${alike(Math.abs(saved))}.`
  const what = group.conditions.boundary === "system" ? "the whole machine" : `${group.conditions.boundary} alone`
  const estimated = two.some((row) => group.columns.method[row] === "estimated")
    ? " Of estimated energies: a direction, not an amount to rely on." : ""
  out.replaceChildren(element("p", { class: "saves" }, sentence), element("div", { class: "year-box", role: "region", "aria-label": "A year of these queries", tabindex: "0" }, table),
    element("p", { class: "quiet" }, `Counts ${what}, on ${group.conditions.hardware}, one query like the others of this task: ${group.conditions.work}. Other hardware and longer answers take other energies.${estimated}`))
}
