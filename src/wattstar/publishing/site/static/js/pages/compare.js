// Two to four models, which lie in the address: #task=…&group=…&rows=id,id; a row of another group is group.id.

import { number, several } from "../format.js"
import { groupAt } from "../loading.js"
import { element, given, register, to } from "../page.js"
import { ENERGY, MOST_COMPARED } from "../rows.js"
import { read, watch, write } from "../state.js"
import { conditionsCheck, headline, notes, pairsOf, ratioBars, sentence, shortName, sideBySide } from "../versus.js"

/**
 * @typedef {import("../rows.js").Group} Group
 * @typedef {import("../versus.js").Picked} Picked
 * @typedef {{group: string, name: string, path: string, rows: number, own: boolean}} Listed
 * @typedef {{task: string, title: string, groups: Listed[]}} Task
 * @typedef {{task: string, title: string, group: string, rows: string[], models: string[]}} Example
 */

const OFFERED = 8

register("compare", (main) => {
  const { tasks, paired, examples } = /** @type {{tasks: Task[], paired: import("../versus.js").InTurns[], examples: Example[]}} */ (given(main))
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (main.querySelector(`[data-part="${name}"]`))
  if (!tasks.length) {
    part("result").replaceChildren(element("p", { class: "note" }, "Nothing was measured yet."))
    return
  }
  let drawing = 0

  const chosen = () => {
    const state = read()
    const task = tasks.find((one) => one.task === state.get("task")) ?? tasks[0]
    const group = task.groups.find((one) => one.group === state.get("group")) ?? task.groups[0]
    const rows = (state.get("rows") ?? "").split(",").filter(Boolean).slice(0, MOST_COMPARED).map((word) => {
      const [first, second] = word.split(".", 2)
      return second === undefined ? { group: group.group, id: first } : { group: first, id: second }
    })
    return { task, group, rows }
  }
  const change = (/** @type {{task?: string, group?: string, rows?: {group: string, id: string}[]}} */ wanted) => {
    const now = chosen()
    const [task, group] = [wanted.task ?? now.task.task, wanted.group ?? now.group.group]
    const rows = wanted.rows ?? now.rows
    const words = rows.map((row) => (row.group === group ? row.id : `${row.group}.${row.id}`))
    write(new URLSearchParams({ task, group, ...(words.length ? { rows: words.join(",") } : {}) }))
    draw()
  }

  async function draw() {
    const mine = ++drawing
    const { task, group, rows } = chosen()
    /** @type {Picked[]} */
    const picked = []
    /** @type {string[]} */
    const missing = []
    try {
      const here = await groupAt(group.path)
      for (const { group: slug, id } of rows) {
        const found = await rowOf(task, slug, id)
        if (found) picked.push(found)
        else missing.push(id)
      }
      if (mine !== drawing) return
      picker(part("picker"), tasks, task, group, here, picked, change)
      result(part("result"), picked, missing, paired)
      if (!picked.length) part("result").append(begin(examples))
    } catch (error) {
      if (mine !== drawing) return
      part("result").replaceChildren(element("p", { class: "note bad", role: "alert" }, `What is to be compared could not be read (${error instanceof Error ? error.message : error}). The site has to be opened over http: wattstar leaderboard serve.`))
    }
  }
  watch(() => draw())
  draw()
})

/** The row, also where an old link names a group that the leaderboard has under another name now. @param {Task} task @param {string} slug @param {string} id @returns {Promise<Picked | null>} */
async function rowOf(task, slug, id) {
  const order = [...task.groups].sort((a, b) => Number(b.group === slug) - Number(a.group === slug))
  for (const { path } of order) {
    const group = await groupAt(path)
    const row = group.columns.id.indexOf(id)
    if (row >= 0) return { group, row, id }
  }
  return null
}

/**
 * @param {HTMLElement} place @param {Task[]} tasks @param {Task} task @param {Listed} group @param {Group} here @param {Picked[]} picked
 * @param {(wanted: {task?: string, group?: string, rows?: {group: string, id: string}[]}) => void} change
 */
function picker(place, tasks, task, group, here, picked, change) {
  const focused = document.activeElement instanceof HTMLElement && place.contains(document.activeElement) ? document.activeElement.dataset.key : undefined
  const kept = /** @type {HTMLInputElement | null} */ (place.querySelector("input"))?.value ?? ""
  const rows = picked.map((one) => ({ group: one.group.group, id: one.id }))
  const choose = (/** @type {string} */ words, /** @type {string} */ key, /** @type {[string, string][]} */ options, /** @type {string} */ value, /** @type {(value: string) => void} */ then) => {
    const made = /** @type {HTMLSelectElement} */ (element("select", { id: `compare-${key}`, "data-key": key }, ...options.map(([name, shown]) => element("option", { value: name }, shown))))
    made.value = value
    made.addEventListener("change", () => then(made.value))
    return element("p", {}, element("label", { for: made.id }, words), made)
  }
  const search = /** @type {HTMLInputElement} */ (element("input", { type: "search", id: "compare-search", "data-key": "search", autocomplete: "off", spellcheck: "false" }))
  search.value = kept
  const offers = element("ul", { class: "offers" })
  const full = picked.length >= MOST_COMPARED
  const list = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
    const taken = new Set(rows.filter((row) => row.group === here.group).map((row) => row.id))
    const found = here.columns.model.map((name, row) => ({ name: String(name), row, id: here.columns.id[row] }))
      .filter(({ name, id }) => !taken.has(id) && words.every((word) => name.toLowerCase().includes(word)))
    offers.replaceChildren(...found.slice(0, OFFERED).map(({ name, row, id }) => {
      const add = element("button", { type: "button", disabled: full, "data-key": `add ${id}` }, `+ ${name}`, element("span", { class: "quiet" }, ` ${number(here.columns[ENERGY][row])} Wh`))
      add.addEventListener("click", () => change({ rows: [...rows, { group: here.group, id }] }))
      return element("li", {}, add)
    }), ...(found.length > OFFERED ? [element("li", { class: "quiet" }, `${several(found.length - OFFERED, "more model")}: search`)] : []), ...(found.length ? [] : [element("li", { class: "quiet" }, "no other model")]))
  }
  search.addEventListener("input", list)
  list()
  const chips = element("ul", { class: "chips", "aria-label": "Compared" }, ...picked.map((one) => {
    const name = shortName(one, picked)
    const out = element("button", { type: "button", "aria-label": `Take ${name} out`, "data-key": `out ${one.id}` }, "×")
    out.addEventListener("click", () => change({ rows: rows.filter((row) => row.id !== one.id || row.group !== one.group.group) }))
    return element("li", {}, element("span", {}, name), out)
  }))
  const opened = /** @type {HTMLDetailsElement | null} */ (place.querySelector("details"))?.open ?? picked.length < 2
  const details = element("details", { open: opened }, element("summary", { class: "button" }, full ? "Four are the most" : "Choose models"),
    element("div", { class: "picker-fields" },
      choose("Task", "task", tasks.map((one) => [one.task, one.title]), task.task, (value) => change({ task: value, group: tasks.find((one) => one.task === value)?.groups[0].group, rows: [] })),
      choose("Measured under", "group", task.groups.map((one) => [one.group, `${one.name} (${several(one.rows, "model")}${one.own ? ", this store" : ""})`]), group.group, (value) => change({ group: value })),
      element("p", {}, element("label", { for: "compare-search" }, "Model"), search)), offers)
  place.replaceChildren(element("div", { class: "picked-row" }, picked.length ? chips : element("p", { class: "quiet" }, "Nothing is chosen yet."), details))
  if (focused) (/** @type {HTMLElement | null} */ (place.querySelector(`[data-key="${CSS.escape(focused)}"]`)) ?? search).focus()
}

/** @param {Example[]} examples */
function begin(examples) {
  const state = (/** @type {Example} */ one) => new URLSearchParams({ task: one.task, group: one.group, rows: one.rows.join(",") }).toString()
  return element("section", { class: "part", "aria-labelledby": "begin-title" }, element("h2", { id: "begin-title" }, "Or begin with two"),
    element("ul", { class: "relatives" }, ...examples.map((one) => element("li", {}, element("span", { class: "quiet" }, one.title), element("br"), element("a", { href: to("compare/", state(one)) }, one.models.join(" and "))))))
}

/** @param {HTMLElement} place @param {Picked[]} picked @param {string[]} missing @param {import("../versus.js").InTurns[]} paired */
function result(place, picked, missing, paired) {
  const lost = missing.map((id) => element("p", { class: "note bad" }, `The row ${id.slice(0, 40)} is not on this leaderboard.`))
  if (picked.length < 2) {
    place.replaceChildren(...lost, element("p", { class: "note", role: "status" }, picked.length ? "Choose one more." : "Choose two to four models of one task; only what was measured under the same conditions gives a ratio."))
    return
  }
  const pairs = pairsOf(picked, paired)
  const said = element("section", { class: "part", "aria-labelledby": "ratio-title" }, element("h2", { id: "ratio-title" }, "How many times the energy"), conditionsCheck(picked))
  said.append(element("p", { class: "saves", role: "status" }, headline(pairs, picked)))
  if (pairs.length) said.append(ratioBars(picked, pairs), element("ul", { class: "sentences" }, ...pairs.map((pair) => element("li", {}, sentence(pair, picked)))))
  for (const words of notes(pairs, picked)) said.append(element("p", { class: "note" }, words))
  const facts = element("section", { class: "part", "aria-labelledby": "versus-title" }, element("h2", { id: "versus-title" }, "Beside each other"), element("p", {}, "What is marked is not alike, and may be a reason for the difference."), sideBySide(picked, {}))
  place.replaceChildren(...lost, said, facts)
}
