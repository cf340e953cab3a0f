// A task's table inside somebody else's page: ?embed=1.

import { element } from "./page.js"

/** Leave out all but the table and what it says of itself; links lead out of the frame. */
export function embed() {
  if (new URLSearchParams(location.search).get("embed") !== "1") return
  document.documentElement.classList.add("embedded")
  document.head.append(element("base", { target: "_blank" }))
  const brand = document.querySelector(".brand span")?.textContent ?? ""
  const out = element("a", { href: location.pathname, rel: "noopener" }, brand)
  // Where the reader is now, not where the frame began.
  out.addEventListener("click", () => out.setAttribute("href", location.pathname + location.hash))
  document.body.append(element("p", { class: "embed-out wide" }, "All of it: ", out))
}
