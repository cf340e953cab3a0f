// The rows of a group, and the view of them that the reader asked for. Nothing here touches the page.

/**
 * @typedef {object} Column
 * @property {string} name
 * @property {string} label
 * @property {string} kind
 * @property {string} help
 * @property {boolean} shown
 * @property {boolean} facet
 * @property {boolean} listed
 *
 * @typedef {object} Group What a task's page was given.
 * @property {number} schema
 * @property {string} task
 * @property {string} title
 * @property {Record<string, any>} about The group as data/TASK.json has it, without its rows.
 * @property {string} group
 * @property {string} name
 * @property {Record<string, any>} conditions
 * @property {number} pageRows
 * @property {number[] | null} cuts
 * @property {string | null} qualityName
 * @property {boolean} higherIsBetter
 * @property {Record<string, string>} models
 * @property {string} compare
 * @property {Column[]} shape
 * @property {Record<string, any[]>} columns
 * @property {{source: string, known: [string, number][]}} grids Grams of CO2e per kWh, the world first.
 *
 * @typedef {object} View
 * @property {string} search
 * @property {string} sort A column's name; with "-" before it, the greatest first.
 * @property {Map<string, Set<string>>} chosen Facet → the values that rows may have.
 * @property {string[] | null} columns Those shown; null: as from the start.
 * @property {number} rows So many are drawn.
 * @property {string[]} compare Ids.
 */

export const ENERGY = "wh_per_1000_queries"
const FACETS = "in."
export const MOST_COMPARED = 4

export const SIZES = /** @type {[string, number, number][]} */ ([
  ["under 100 M", 0, 1e8],
  ["100 M to 1 B", 1e8, 1e9],
  ["1 B to 10 B", 1e9, 1e10],
  ["10 B to 100 B", 1e10, 1e11],
  ["over 100 B", 1e11, Infinity],
])

/** @param {URLSearchParams} state @param {Group} group @returns {View} */
export function viewOf(state, group) {
  const names = new Set(group.shape.map((column) => column.name))
  const chosen = new Map()
  for (const [key, value] of state) {
    if (!key.startsWith(FACETS)) continue
    const name = key.slice(FACETS.length)
    chosen.set(name, (chosen.get(name) ?? new Set()).add(value))
  }
  const sort = state.get("sort") ?? ENERGY
  const columns = state.get("columns")?.split(",").filter((name) => names.has(name))
  const rows = Number(state.get("rows"))
  const ids = new Set(group.columns.id)
  return {
    search: state.get("q") ?? "",
    sort: names.has(sort.replace(/^-/, "")) ? sort : ENERGY,
    chosen,
    columns: columns?.length ? columns : null,
    rows: Number.isInteger(rows) && rows > 0 ? rows : group.pageRows,
    compare: (state.get("compare")?.split(",") ?? []).filter((id) => ids.has(id)).slice(0, MOST_COMPARED),
  }
}

/** Only what differs from the start; other keys of the state are kept. @param {View} view @param {URLSearchParams} state @param {Group} group */
export function stateOf(view, state, group) {
  const made = new URLSearchParams()
  for (const [key, value] of state) {
    if (!key.startsWith(FACETS) && !["q", "sort", "columns", "rows", "compare"].includes(key)) made.append(key, value)
  }
  if (view.search) made.set("q", view.search)
  if (view.sort !== ENERGY) made.set("sort", view.sort)
  if (view.columns) made.set("columns", view.columns.join(","))
  if (view.rows !== group.pageRows) made.set("rows", String(view.rows))
  if (view.compare.length) made.set("compare", view.compare.join(","))
  for (const [name, values] of view.chosen) for (const value of values) made.append(FACETS + name, value)
  return made
}

/** The value of a facet in a row; null: not known. @param {Group} group @param {string} name @param {number} row */
export function facetValue(group, name, row) {
  if (name !== "size") {
    const value = group.columns[name]?.[row]
    return value === null || value === undefined ? null : String(value)
  }
  const parameters = group.columns.parameters[row]
  return parameters === null ? null : SIZES.find(([, low, high]) => parameters >= low && parameters < high)?.[0] ?? null
}

/** Facet → value → rows that have it, facets that tell rows apart alone. @param {Group} group */
export function facets(group) {
  const names = [...group.shape.filter((column) => column.facet).map((column) => column.name), "size"]
  /** @type {Map<string, Map<string, number>>} */
  const found = new Map()
  for (const name of names) {
    /** @type {Map<string, number>} */
    const counts = new Map()
    for (let row = 0; row < group.columns.id.length; row++) {
      const value = facetValue(group, name, row)
      if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1)
    }
    if (counts.size > 1 || (counts.size === 1 && [...counts.values()][0] < group.columns.id.length)) found.set(name, counts)
  }
  const sizes = found.get("size")
  if (sizes) found.set("size", new Map(SIZES.filter(([name]) => sizes.has(name)).map(([name]) => [name, sizes.get(name) ?? 0])))
  return found
}

/** Indices of the rows that the view lets through, in its order; what is not known comes last. @param {Group} group @param {View} view */
export function selected(group, view) {
  const words = view.search.toLowerCase().split(/\s+/).filter(Boolean)
  const searched = ["model", "family", "engine", "precision", "hardware"]
  const found = []
  for (let row = 0; row < group.columns.id.length; row++) {
    if (words.length) {
      const text = searched.map((name) => group.columns[name][row] ?? "").join(" ").toLowerCase()
      if (!words.every((word) => text.includes(word))) continue
    }
    let passes = true
    for (const [name, values] of view.chosen) passes &&= values.has(facetValue(group, name, row) ?? "")
    if (passes) found.push(row)
  }
  return sorted(found, group, view.sort)
}

/** @param {number[]} rows @param {Group} group @param {string} sort */
function sorted(rows, group, sort) {
  const down = sort.startsWith("-")
  const values = group.columns[down ? sort.slice(1) : sort]
  const compare = new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare
  const energies = group.columns[ENERGY]
  return rows.sort((one, other) => {
    const [a, b] = [values[one], values[other]]
    if (a === null || b === null) return a === b ? energies[one] - energies[other] : a === null ? 1 : -1
    const order = typeof a === "number" && typeof b === "number" ? a - b : compare(String(a), String(b))
    return (down ? -order : order) || energies[one] - energies[other]
  })
}

/** The columns that are shown: of those of which something is known. @param {Group} group @param {View} view */
export function shownColumns(group, view) {
  const known = knownColumns(group)
  if (!view.columns) return known.filter((column) => column.shown)
  return known.filter((column) => column.name === "model" || view.columns?.includes(column.name))
}

/** @param {Group} group */
export const knownColumns = (group) =>
  group.shape.filter((column) => column.listed && group.columns[column.name].some((value) => value !== null))
