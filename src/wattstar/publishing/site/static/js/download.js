// The rows as they are shown, as files; made here, sent nowhere.

import { element } from "./page.js"

/** @typedef {import("./rows.js").Group} Group */

/** A cell that no spreadsheet takes for a formula. @param {any} value */
function csvCell(value) {
  if (value === null || value === undefined) return ""
  if (typeof value === "number") return String(value)
  const text = /^\s*[=+\-@\t\r]/.test(String(value)) ? "'" + value : String(value)
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Every column, with its unit in its name. @param {Group} group @param {number[]} rows */
export function asCsv(group, rows) {
  const names = Object.keys(group.columns).sort()
  const lines = rows.map((row) => names.map((name) => csvCell(group.columns[name][row])).join(","))
  return [names.join(","), ...lines, ""].join("\r\n")
}

/** Columnar, with the conditions under which the rows compare. @param {Group} group @param {number[]} rows */
export function asJson(group, rows) {
  const columns = Object.fromEntries(
    Object.entries(group.columns).map(([name, values]) => [name, rows.map((row) => values[row])]),
  )
  const { schema, task, conditions, cuts, qualityName } = group
  return JSON.stringify({ schema, task, group: group.group, conditions, cuts, qualityName, columns }, null, 1) + "\n"
}

/** @param {string} name @param {string} type @param {string} text */
export function save(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }))
  const link = /** @type {HTMLAnchorElement} */ (element("a", { href: address, download: name }))
  document.body.append(link)
  link.click()
  link.remove()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
