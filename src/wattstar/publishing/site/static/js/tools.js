// Search, filters, the choice of columns, and downloads.

import { asCsv, asJson, save } from "./download.js"
import { several } from "./format.js"
import { element } from "./page.js"
import { facets, knownColumns, shownColumns } from "./rows.js"

/** @typedef {import("./rows.js").Group} Group @typedef {import("./rows.js").View} View */

/**
 * A panel that opens below its button.
 * @param {string} words @param {string} key @param {...(Node | string)} children
 */
function panel(words, key, ...children) {
  const made = element("details", { class: "panel", "data-panel": key })
  made.append(element("summary", { class: "button" }, words), element("div", { class: "panel-inside" }, ...children))
  made.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && made.hasAttribute("open")) {
      made.removeAttribute("open")
      made.querySelector("summary")?.focus()
    }
  })
  return made
}

/** @param {string} words @param {boolean} checked @param {(checked: boolean) => void} changed @param {string} [more] */
function choice(words, checked, changed, more = "") {
  const box = /** @type {HTMLInputElement} */ (element("input", { type: "checkbox" }))
  box.checked = checked
  box.addEventListener("change", () => changed(box.checked))
  return element("label", { class: "choice" }, box, " ", words, more ? element("span", { class: "quiet" }, " " + more) : "")
}

/** The name of a facet. @param {Group} group @param {string} name */
const facetWords = (group, name) =>
  name === "size" ? "Size" : group.shape.find((column) => column.name === name)?.label ?? name

/**
 * @param {HTMLElement} place
 * @param {Group} group
 * @param {() => View} view
 * @param {(view: View) => void} change
 * @param {() => number[]} rows
 */
export function tools(place, group, view, change, rows) {
  const search = /** @type {HTMLInputElement} */ (element("input", { type: "search", placeholder: "Search models", "aria-label": "Search models", autocomplete: "off", spellcheck: "false" }))
  search.addEventListener("input", () => change({ ...view(), search: search.value, rows: group.pageRows }))
  const filter = filters(group, view, change)
  const columns = columnPicker(group, view, change)
  const result = element("p", { class: "result quiet", role: "status" })
  const clear = element("button", { type: "button", class: "clear" }, "Show all")
  clear.addEventListener("click", () => change({ ...view(), search: "", chosen: new Map(), rows: group.pageRows }))
  place.replaceChildren(element("div", { class: "tools-row" }, search, ...(filter ? [filter.made] : []), columns.made, downloads(group, rows)), element("div", { class: "tools-row" }, result, clear))
  return () => {
    const now = view()
    if (search.value !== now.search) search.value = now.search
    filter?.update()
    columns.update()
    const found = rows().length
    const all = group.columns.id.length
    result.textContent = found === all ? several(all, "row") : `${found.toLocaleString("en-US")} of ${several(all, "row")}`
    clear.hidden = found === all && !now.search && !now.chosen.size
  }
}

/** @param {Group} group @param {() => View} view @param {(view: View) => void} change */
function filters(group, view, change) {
  const known = facets(group)
  if (!known.size) return null
  const inside = element("div", { class: "facets" })
  const made = panel("Filter", "filter", inside)
  const update = () => {
    const now = view()
    const focused = document.activeElement instanceof HTMLElement && inside.contains(document.activeElement)
      ? [...inside.querySelectorAll("input")].indexOf(/** @type {HTMLInputElement} */ (document.activeElement)) : -1
    inside.replaceChildren(...[...known].map(([name, values]) =>
      element("fieldset", {}, element("legend", {}, facetWords(group, name)),
        ...[...values].map(([value, many]) =>
          choice(value, now.chosen.get(name)?.has(value) ?? false, (checked) => {
            const chosen = new Map([...view().chosen].map(([key, held]) => [key, new Set(held)]))
            const held = chosen.get(name) ?? new Set()
            if (checked) held.add(value)
            else held.delete(value)
            if (held.size) chosen.set(name, held)
            else chosen.delete(name)
            change({ ...view(), chosen, rows: group.pageRows })
          }, many.toLocaleString("en-US"))))))
    if (focused >= 0) inside.querySelectorAll("input")[focused]?.focus()
    const number = [...now.chosen.values()].reduce((sum, held) => sum + held.size, 0)
    const summary = made.querySelector("summary")
    if (summary) summary.textContent = number ? `Filter (${number})` : "Filter"
  }
  return { made, update }
}

/** @param {Group} group @param {() => View} view @param {(view: View) => void} change */
function columnPicker(group, view, change) {
  const inside = element("fieldset", {}, element("legend", {}, "Columns"))
  const boxes = knownColumns(group).filter((column) => column.name !== "model").map((column) => {
    const made = choice(column.label, false, (checked) => {
      const shown = shownColumns(group, view()).map((one) => one.name)
      change({ ...view(), columns: checked ? [...shown, column.name] : shown.filter((name) => name !== column.name) })
    })
    inside.append(made)
    return { name: column.name, box: /** @type {HTMLInputElement} */ (made.querySelector("input")) }
  })
  const update = () => {
    const shown = new Set(shownColumns(group, view()).map((column) => column.name))
    for (const { name, box } of boxes) box.checked = shown.has(name)
  }
  return { made: panel("Columns", "columns", inside), update }
}

/** @param {Group} group @param {() => number[]} rows */
function downloads(group, rows) {
  const name = `${group.task}-${group.group}`.slice(0, 80)
  const csv = element("button", { type: "button" }, "CSV")
  csv.addEventListener("click", () => save(`${name}.csv`, "text/csv;charset=utf-8", asCsv(group, rows())))
  const json = element("button", { type: "button" }, "JSON")
  json.addEventListener("click", () => save(`${name}.json`, "application/json", asJson(group, rows())))
  const parquet = document.querySelector("link[rel=alternate][type='application/vnd.apache.parquet']")
  const whole = parquet ? [element("a", { class: "button", href: parquet.getAttribute("href") ?? "" }, "Parquet, all tasks")] : []
  return panel("Download", "download", element("p", { class: "quiet" }, "The rows as they are shown now, every column, units in the names."),
    element("p", { class: "buttons" }, csv, json, ...whole))
}
