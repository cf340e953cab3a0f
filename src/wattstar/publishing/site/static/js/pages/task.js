// The page of one task's comparable rows.

import { register } from "../page.js"

register("task", () => {})
