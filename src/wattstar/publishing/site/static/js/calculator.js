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

/**
 * @param {HTMLElement} place
 * @param {Group} group
 * @param {() => number[]} rows
 * @param {{get: (name: string) => string | null, set: (values: Record<string, string | null>) => void}} address
 */
export function calculator(place, group, rows, address) {
  const inputs = new Map(FIELDS.map(([key, , , , least]) => [key, /** @type {HTMLInputElement} */ (element("input", { type: "number", min: least, step: "any", inputmode: "decimal", id: `calculator-${key}` }))]))
  const picks = ["this", "that"].map((key) => /** @type {HTMLSelectElement} */ (element("select", { id: `calculator-${key}` })))
  const out = element("div", { class: "calculator-out", role: "status" })
  const grid = gridPicker(group, (grams) => change("grid", String(grams)))
  const change = (/** @type {string} */ key, /** @type {string | null} */ value) => {
    address.set({ [key]: value })
    work()
  }
  const form = element("div", { class: "calculator-form" })
  const words = { this: "This model", that: "against" }
  picks.forEach((pick, index) => {
    const key = /** @type {"this" | "that"} */ (["this", "that"][index])
    pick.addEventListener("change", () => change(key, pick.value))
    form.append(element("p", {}, element("label", { for: pick.id }, words[key]), pick))
  })
  for (const [key, name, unit, , , source] of FIELDS) {
    const start = startOf(group, key)
    const input = /** @type {HTMLInputElement} */ (inputs.get(key))
    input.addEventListener("input", () => change(key, input.value === String(start) ? null : input.value))
    form.append(element("p", {}, element("label", { for: input.id }, name, unit ? element("span", { class: "unit" }, " " + unit) : ""), input,
      ...(key === "grid" ? [grid, element("small", { class: "quiet" }, group.grids.source)] : []), source ? element("small", { class: "quiet" }, source) : ""))
  }
  place.replaceChildren(form, out)
  let listed = ""
  const list = () => {
    const found = rows().slice(0, LISTED)
    const key = found.join()
    if (key === listed) return
    listed = key
    const options = () => found.map((row) => element("option", { value: group.columns.id[row] }, `${group.columns.model[row]} · ${number(group.columns[ENERGY][row])} Wh`))
    for (const pick of picks) pick.replaceChildren(...options())
  }
  const work = () => {
    list()
    const useful = rows().filter((row) => group.columns.weights[row] !== "random")
    const byEnergy = [...(useful.length > 1 ? useful : rows())].sort((a, b) => group.columns[ENERGY][a] - group.columns[ENERGY][b])
    const starts = [byEnergy[0], byEnergy[Math.floor(byEnergy.length / 2)]]
    picks.forEach((pick, index) => {
      const wanted = address.get(["this", "that"][index]) ?? (starts[index] === undefined ? "" : group.columns.id[starts[index]])
      if ([...pick.options].some((option) => option.value === wanted)) pick.value = wanted
    })
    /** @type {Record<string, number>} */
    const values = {}
    for (const [key, , , , least] of FIELDS) {
      const start = startOf(group, key)
      const input = /** @type {HTMLInputElement} */ (inputs.get(key))
      const text = address.get(key) ?? String(start)
      if (document.activeElement !== input && input.value !== text) input.value = text
      values[key] = text.trim() === "" ? NaN : Number(text)
      const wrong = !Number.isFinite(values[key]) || values[key] < least
      if (wrong) values[key] = NaN
      input.setAttribute("aria-invalid", String(wrong))
      if (key === "grid" && document.activeElement !== grid) grid.value = text
      if (key === "grid" && grid.selectedIndex < 0) grid.value = ""
    }
    const asked = { queries: values.day, grams: values.grid, price: values.price, pue: values.pue }
    show(out, group, picks.map((pick) => group.columns.id.indexOf(pick.value)), asked)
  }
  return work
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
