// The rows of another page of the site: read from that page, so that nothing is stored twice.

import { single, to } from "./page.js"

/** @typedef {import("./rows.js").Group} Group */

/** @type {Map<string, Promise<Group>>} */
const loaded = new Map()

/** @param {string} path @returns {Promise<Group>} */
export function groupAt(path) {
  const known = loaded.get(path)
  if (known) return known
  const made = single() ? Promise.resolve(inTemplate(path)) : fetched(path)
  loaded.set(path, made)
  made.catch(() => loaded.delete(path))
  return made
}

/** @param {string} path @returns {Group} */
function inTemplate(path) {
  const pages = /** @type {HTMLTemplateElement[]} */ ([...document.querySelectorAll("template.page")])
  return dataOf(pages.find((page) => page.dataset.path === path)?.content)
}

/** @param {string} path @returns {Promise<Group>} */
async function fetched(path) {
  const answer = await fetch(to(path))
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  return dataOf(new DOMParser().parseFromString(await answer.text(), "text/html"))
}

/** @param {ParentNode | undefined} page @returns {Group} */
function dataOf(page) {
  const text = page?.querySelector("script.page-data")?.textContent
  if (!text) throw new Error("no data")
  return JSON.parse(text)
}
