// In the single file, pages are templates; a link to one puts it in place.

import { kinds, single } from "./page.js"
import { place, tell } from "./state.js"

/** @param {boolean} [first] */
function showPage(first = false) {
  const old = document.querySelector("main")
  const wanted = place().path
  const pages = /** @type {HTMLTemplateElement[]} */ ([...document.querySelectorAll("template.page")])
  const page = pages.find((one) => one.dataset.path === wanted)
  if (!old || !page || (!first && old.dataset.path === wanted)) return
  const main = /** @type {HTMLElement} */ (document.importNode(page.content, true).querySelector("main"))
  old.replaceWith(main)
  document.title = page.dataset.title ?? document.title
  for (const link of document.querySelectorAll("header nav a")) {
    if (link.getAttribute("href") === `#/${page.dataset.section ?? ""}`) link.setAttribute("aria-current", "page")
    else link.removeAttribute("aria-current")
  }
  kinds.get(main.dataset.kind ?? "")?.(main)
  if (!first) {
    window.scrollTo(0, 0)
    main.focus({ preventScroll: true })
  }
}

if (single()) {
  window.addEventListener("hashchange", () => {
    tell()
    showPage()
  })
  // After all modules of the file have said what their pages do.
  queueMicrotask(() => showPage(true))
}
