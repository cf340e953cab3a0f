// What every page has.

import { embed } from "./embed.js"
import { tell } from "./state.js"

document.documentElement.classList.add("scripted")
embed()
tell()
