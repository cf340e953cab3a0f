// The page of one task's comparable rows: the view lies in the address, everything is drawn from it.

import { calculator } from "../calculator.js"
import { several } from "../format.js"
import { element, given, register } from "../page.js"
import { selected, stateOf, viewOf } from "../rows.js"
import { scatter } from "../scatter.js"
import { read, watch, write } from "../state.js"
import { drawTable } from "../table.js"
import { tools } from "../tools.js"
import { tray } from "../tray.js"

/** @typedef {import("../rows.js").View} View @typedef {import("../rows.js").Group} Group */

/** What stands below the table, where not all rows are drawn. @param {HTMLTableElement} table @param {Group} group @param {View} view @param {number} found @param {(view: View) => void} change */
function moreRows(table, group, view, found, change) {
  const left = found - view.rows
  if (left <= 0) return []
  const more = element("button", { type: "button" }, `Show ${several(Math.min(left, group.pageRows), "more row")}`)
  more.addEventListener("click", () => {
    change({ ...view, rows: view.rows + group.pageRows })
    // To the first row that is new: the button is gone.
    table.tBodies[0].rows[view.rows]?.querySelector("input")?.focus()
  })
  return [more, element("span", { class: "quiet" }, `${left.toLocaleString("en-US")} left`)]
}

register("task", (main) => {
  /** @type {Group | null} */
  const group = given(main)
  if (!group) return
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (main.querySelector(`[data-part="${name}"]`))
  const table = /** @type {HTMLTableElement} */ (main.querySelector("table.rows"))
  const { linked, comparable } = part("board").dataset
  let view = viewOf(read(), group)
  let rows = selected(group, view)

  const change = (/** @type {View} */ wanted) => {
    view = wanted
    write(stateOf(view, read(), group))
    draw()
  }
  const set = (/** @type {Record<string, string | null>} */ values) => {
    const state = read()
    for (const [name, value] of Object.entries(values)) value === null ? state.delete(name) : state.set(name, value)
    write(state)
  }
  const updates = [
    tools(part("tools"), group, () => view, change, () => rows),
    scatter(part("scatter"), group, () => rows, {
      get: () => read().get("against"),
      set: (name) => (set({ against: name }), draw()),
    }),
    calculator(part("calculator"), group, () => rows, { get: (name) => read().get(name), set }),
    tray(part("tray"), group, () => view, change, comparable === "yes"),
  ]
  const calls = {
    linked: linked === "yes",
    compare: (/** @type {string} */ id, /** @type {boolean} */ wanted) =>
      change({ ...view, compare: wanted ? [...view.compare, id] : view.compare.filter((one) => one !== id) }),
    sort: (/** @type {string} */ name) => change({ ...view, sort: view.sort === name ? `-${name}` : name }),
  }
  function draw() {
    if (!group) return
    rows = selected(group, view)
    drawTable(table, group, view, rows, calls)
    part("foot").replaceChildren(...moreRows(table, group, view, rows.length, change))
    for (const update of updates) update()
  }
  watch((state) => {
    view = viewOf(state, group)
    draw()
  })
  draw()
})
