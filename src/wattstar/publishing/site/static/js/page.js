// What every page's script begins with: where it is, and what it was given.

/** @typedef {(main: HTMLElement) => void} Start */

/** @type {Map<string, Start>} */
export const kinds = new Map()

/** Whether the whole site is this one file. */
export const single = () => document.documentElement.dataset.single === "yes"

/**
 * Say what a kind of page does once it is there; run at once where the page is of that kind.
 * @param {string} kind
 * @param {Start} start
 */
export function register(kind, start) {
  kinds.set(kind, start)
  const main = document.querySelector("main")
  if (!single() && main && main.dataset.kind === kind) start(main)
}

/**
 * What the page was given as JSON.
 * @param {HTMLElement} main
 */
export function given(main) {
  const script = main.querySelector("script.page-data")
  return script ? JSON.parse(script.textContent || "null") : null
}

/**
 * The address of another page of the site, from this one.
 * @param {string} path
 * @param {string} [state]
 */
export function to(path, state = "") {
  if (single()) return `#/${path}${state ? "?" + state : ""}`
  const here = document.querySelector("main")?.dataset.path ?? ""
  const file = path === "" || path.endsWith("/") ? path + "index.html" : path
  return "../".repeat(here.split("/").length - 1) + file + (state ? "#" + state : "")
}

/**
 * An element, made in one line. Text is text: nothing in it is read as markup.
 * @param {string} name
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : String(value))
  }
  made.append(...children)
  return made
}

/**
 * An element of a drawing.
 * @param {string} name
 * @param {Record<string, string | number | null | undefined>} [attributes]
 * @param {...(Node | string)} children
 */
export function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name)
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(key, String(value))
  }
  made.append(...children)
  return made
}
