// The table's body and head, drawn from the rows; as the template parts/table.html draws them.

import { fewTicks, logAround } from "./axis.js"
import { count, howSure, number, parts, seconds, tickWords, UNKNOWN } from "./format.js"
import { drawn, element, to } from "./page.js"
import { ENERGY, MOST_COMPARED, shownColumns } from "./rows.js"

/** @typedef {import("./rows.js").Group} Group @typedef {import("./rows.js").View} View @typedef {import("./rows.js").Column} Column */

/** Ends of all intervals and ranges. @param {Group} group @param {number[]} rows */
export function energyAxis(group, rows) {
  const names = [ENERGY, "wh_low", "wh_high", "plausible_low_wh", "plausible_high_wh"]
  return logAround(names.flatMap((name) => rows.map((row) => group.columns[name][row])).filter((value) => value !== null))
}

/** @param {Group} group @param {number} row */
export function starsOf(group, row) {
  const stars = group.columns.stars[row]
  if (stars === null) return element("span", { class: "stars none" }, "no stars")
  const least = group.columns.stars_from[row] ?? stars
  const most = group.columns.stars_to[row] ?? stars
  const standing = group.columns.standing[row]
  const words = `${least === most ? least : `${least} to ${most}`} of 5 stars, ${standing}`
  const signs = [1, 2, 3, 4, 5].map((place) =>
    element("span", { class: place <= least ? "on" : place <= most ? "maybe" : "off" }, place <= most ? "★" : "☆"),
  )
  return element("span", { class: `stars ${standing}`, role: "img", "aria-label": words }, ...signs)
}

/** Publisher and name. @param {string} name */
export function modelWords(name) {
  const cut = name.lastIndexOf("/")
  const made = element("span", { class: "model", dir: "auto" })
  if (cut >= 0) made.append(element("span", { class: "publisher" }, name.slice(0, cut) + "/"), element("wbr"))
  made.append(element("b", {}, name.slice(cut + 1)))
  return made
}

/** @param {Group} group @param {number} row @param {import("./axis.js").Axis} axis */
function bar(group, row, axis) {
  const at = (/** @type {number} */ value) => Math.round(axis.at(value) * 10000) / 100
  const value = group.columns[ENERGY][row]
  const made = drawn("svg", { class: "bar", viewBox: "0 0 100 16", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" })
  if (group.cuts) made.append(drawn("path", { class: "cut", d: group.cuts.map((cut) => `M${at(cut)} 0V16`).join("") }))
  made.append(drawn("rect", { class: "length", x: 0, y: 4, width: at(value), height: 8 }))
  made.append(drawn("path", { class: "tip", d: `M${at(value)} 3V13` }))
  const [from, upTo] = [group.columns.plausible_low_wh[row], group.columns.plausible_high_wh[row]]
  if (from && upTo) made.append(drawn("path", { class: "range", d: `M${at(from)} 8H${at(upTo)}` }))
  const [low, high] = [group.columns.wh_low[row], group.columns.wh_high[row]]
  if (low && high) {
    made.append(drawn("path", { class: "whisker", d: `M${at(low)} 8H${at(high)}M${at(low)} 4V12M${at(high)} 4V12` }))
  }
  return made
}

/** @param {Group} group @param {number} row */
function rankWords(group, row) {
  const [from, upTo] = [group.columns.rank[row], group.columns.rank_to[row]]
  return from === null ? UNKNOWN : from === upTo ? String(from) : `${from}–${upTo}`
}

/** @param {Group} group @param {Column} column @param {number} row @param {import("./axis.js").Axis} axis @param {boolean} linked */
function cellOf(group, column, row, axis, linked) {
  const value = group.columns[column.name][row]
  if (column.kind === "model") {
    const words = modelWords(value)
    const cell = element("th", { scope: "row", class: "model-cell", "data-column": "model" })
    cell.append(linked ? element("a", { href: to(group.models[value]) }, words) : words)
    if (group.columns.weights[row] === "random") cell.append(" ", element("span", { class: "tag" }, "random weights"))
    return cell
  }
  const cell = element("td", { class: column.kind, "data-column": column.name, "data-label": column.label })
  if (column.kind === "stars") cell.append(starsOf(group, row))
  else if (column.kind === "energy") {
    const [whole, rest] = parts(value)
    const figure = element("data", { class: "figure", value }, element("span", {}, whole), element("span", { class: "rest" }, rest))
    const width = element("span", { class: "width" }, howSure(value, group.columns.wh_high[row], group.columns.plausible_high_wh[row]))
    cell.append(element("span", { class: "energy-cell" }, figure, width, bar(group, row, axis)))
  } else if (column.kind === "rank") cell.append(rankWords(group, row))
  else if (value === null) cell.append(element("span", { class: "quiet" }, UNKNOWN))
  else if (column.kind === "count") cell.append(count(value))
  else if (column.kind === "seconds") cell.append(seconds(value))
  else if (column.kind === "number") cell.append(number(value))
  else cell.append(String(value))
  return cell
}

/**
 * @param {HTMLTableElement} table
 * @param {Group} group
 * @param {View} view
 * @param {number[]} rows All that the view lets through.
 * @param {{linked: boolean, compare: (id: string, wanted: boolean) => void, sort: (name: string) => void}} calls
 */
export function drawTable(table, group, view, rows, calls) {
  const columns = shownColumns(group, view)
  const axis = energyAxis(group, rows)
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.key : undefined
  drawHead(table, group, view, columns, axis, calls)
  const body = document.createDocumentFragment()
  for (const row of rows.slice(0, view.rows)) {
    const id = group.columns.id[row]
    const line = element("tr", { id })
    const wanted = view.compare.includes(id)
    const box = /** @type {HTMLInputElement} */ (element("input", {
      type: "checkbox", "aria-label": `Compare ${group.columns.model[row]}`, "data-key": `compare ${id}`,
      disabled: !wanted && view.compare.length >= MOST_COMPARED,
    }))
    box.checked = wanted
    box.addEventListener("change", () => calls.compare(id, box.checked))
    line.append(element("td", { class: "pick" }, box))
    line.append(...columns.map((column) => cellOf(group, column, row, axis, calls.linked)))
    body.append(line)
  }
  table.tBodies[0].replaceChildren(body)
  if (!rows.length) {
    const words = "No row is left. Take back a filter, or search for something else."
    table.tBodies[0].append(element("tr", { class: "empty" }, element("td", { colspan: columns.length + 1 }, words)))
  }
  // What was drawn anew keeps the focus of what it replaced.
  if (focused) /** @type {HTMLElement | null} */ (table.querySelector(`[data-key="${CSS.escape(focused)}"]`))?.focus()
}

/** Above the bars. @param {import("./axis.js").Axis} axis */
function axisWords(axis) {
  const words = fewTicks(axis).map((value) =>
    drawn("text", { x: `${Math.round(axis.at(value) * 10000) / 100}%`, y: 11, "text-anchor": "middle" }, tickWords(value)))
  return drawn("svg", { class: "axis-words", "aria-hidden": "true", focusable: "false" }, ...words)
}

/** @param {HTMLTableElement} table @param {Group} group @param {View} view @param {Column[]} columns @param {import("./axis.js").Axis} axis @param {{sort: (name: string) => void}} calls */
function drawHead(table, group, view, columns, axis, calls) {
  const line = element("tr", {}, element("td", { class: "pick" }, element("span", { class: "unseen" }, "Compare")))
  const name = view.sort.replace(/^-/, "")
  for (const column of columns) {
    const quality = group.qualityName && group.qualityName[0].toUpperCase() + group.qualityName.slice(1)
    const words = column.name === "quality" && quality ? quality : column.label
    const button = element("button", { type: "button", "data-key": `sort ${column.name}`, title: column.help }, words)
    button.addEventListener("click", () => calls.sort(column.name))
    const sort = column.name === name ? (view.sort.startsWith("-") ? "descending" : "ascending") : null
    const kind = column.kind === "model" ? "model-cell" : column.kind
    const head = element("th", { scope: "col", class: kind, "data-column": column.name, "aria-sort": sort })
    head.append(column.kind === "energy" ? element("span", { class: "energy-cell energy-head" }, button, axisWords(axis)) : button)
    line.append(head)
  }
  table.tHead?.replaceChildren(line)
}
