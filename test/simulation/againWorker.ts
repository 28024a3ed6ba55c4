/** One of the threads of `npm run prove -- snapshot|restore|scale --part again`. */
import { runTask } from "./againRun.ts"
import { serveMany } from "./pool.ts"

serveMany(runTask)
