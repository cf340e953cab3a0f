// Models that the reader has picked, to compare them on a page of their own.

import { element, to } from "./page.js"
import { MOST_COMPARED } from "./rows.js"

/** @typedef {import("./rows.js").Group} Group @typedef {import("./rows.js").View} View */

/**
 * @param {HTMLElement} place @param {Group} group @param {() => View} view
 * @param {(view: View) => void} change @param {boolean} linked Whether the site has a page that compares.
 */
export function tray(place, group, view, change, linked) {
  return () => {
    const { compare } = view()
    place.hidden = !compare.length
    const picked = compare.map((id) => {
      const name = group.columns.model[group.columns.id.indexOf(id)]
      const button = element("button", { type: "button", "aria-label": `Take ${name} out` }, "×")
      button.addEventListener("click", () => change({ ...view(), compare: view().compare.filter((one) => one !== id) }))
      return element("li", {}, element("span", {}, String(name).split("/").pop() ?? ""), button)
    })
    const state = new URLSearchParams({ task: group.task, group: group.group, rows: compare.join(",") })
    const enough = compare.length > 1
    const go = enough && linked
      ? element("a", { class: "button strong", href: to(group.compare, state.toString()) }, `Compare ${compare.length}`)
      : element("span", { class: "quiet" }, enough ? "" : `Pick up to ${MOST_COMPARED - 1} more.`)
    const clear = element("button", { type: "button" }, "Clear")
    clear.addEventListener("click", () => change({ ...view(), compare: [] }))
    place.replaceChildren(element("div", { class: "wide tray-row" }, element("ul", {}, ...picked), go, clear))
  }
}
