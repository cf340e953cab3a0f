// The state of a page lies in the hash, so that it can be linked to: #sort=model&q=bert, and in the single file
// #/tasks/text-generation/?sort=model. A page that is shown on the Hub tells its parent.

import { single } from "./page.js"

const PARENT = "https://huggingface.co"

/** @returns {{path: string, state: URLSearchParams}} */
export function place() {
  const hash = location.hash.replace(/^#/, "")
  if (!single()) return { path: "", state: new URLSearchParams(hash) }
  const [path, state] = hash.replace(/^\//, "").split("?", 2)
  return { path: path ?? "", state: new URLSearchParams(state ?? "") }
}

/** @returns {URLSearchParams} */
export const read = () => place().state

/**
 * Put a state into the address; no new entry in the history.
 * @param {URLSearchParams} state
 */
export function write(state) {
  const words = state.toString()
  const hash = single() ? `#/${place().path}${words ? "?" + words : ""}` : words ? "#" + words : ""
  if (hash === location.hash) return
  history.replaceState(null, "", hash || location.pathname + location.search)
  tell()
}

/** Keep the address of the page around us in step. */
export function tell() {
  if (window.parent !== window) window.parent.postMessage({ hash: location.hash }, PARENT)
}

/**
 * Called when somebody else changed the address: back, forward, a link, the parent.
 * @param {(state: URLSearchParams) => void} changed
 */
export function watch(changed) {
  const [main, { path }] = [document.querySelector("main"), place()]
  const look = () => {
    // In the single file another page may have taken this one's place.
    if (!main?.isConnected) return window.removeEventListener("hashchange", look)
    tell()
    if (place().path === path) changed(read())
  }
  window.addEventListener("hashchange", look)
}
