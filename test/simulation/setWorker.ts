/** One of the threads of `npm run prove -- snapshot|restore --part singles`. */
import { serve } from "./pool.ts"
import { runTask } from "./setRun.ts"

serve(runTask)
