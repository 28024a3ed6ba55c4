import { once } from "node:events"
import { createServer } from "node:net"
import { say } from "./progress.ts"

/** One process at a time: a name that the kernel frees with the process, however that ends. Resolves to what frees it before. */
export const lock = async (name: string): Promise<() => void> => {
  for (let told = false; ; told = true) {
    const server = createServer().listen(`\0${name}`).unref()
    try {
      await once(server, "listening")
      return () => void server.close()
    } catch {
      if (!told) say("waiting for another up or down to finish")
      await new Promise((resume) => setTimeout(resume, 500))
    }
  }
}

/** For what the beds share: the cache, and the machine's own settings. */
export const alone = async <A>(work: () => Promise<A>): Promise<A> => {
  const free = await lock("kubectl-stateful-beds")
  try {
    return await work()
  } finally {
    free()
  }
}
