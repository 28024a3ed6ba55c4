/** One of the threads of `npm run prove -- snapshot|restore --part rival`. */
import { serve } from "./pool.ts"
import { runTask } from "./setRivalRun.ts"

serve(runTask)
