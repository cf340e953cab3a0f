// What every page has.

import { tell } from "./state.js"

document.documentElement.classList.add("scripted")
// The address holds the state of the page, so that this link must not change it.
document.querySelector("a.skip")?.addEventListener("click", (event) => {
  event.preventDefault()
  document.querySelector("main")?.focus()
})
tell()
