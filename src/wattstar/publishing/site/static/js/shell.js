// What every page has.

import { tell } from "./state.js"

document.documentElement.classList.add("scripted")
tell()
