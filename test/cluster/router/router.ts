/**
 * The router in `router.test.ts`: writes by key to the members of a store by their own names, until
 * `/tmp/stop` is there. It notes each view, each write and what came of it, one JSON value a line.
 */
import { existsSync, openSync, writeSync } from "node:fs"
import { request } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { connect, jump } from "../../../packages/sdk/src/promise.ts"

const log = openSync("/tmp/log", "a")
const note = (value: object): void => void writeSync(log, `${JSON.stringify(value)}\n`)

const post = (host: string, port: number, body: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const sent = request(
      { host, port, method: "POST", path: "/write", agent: false, timeout: 1500 },
      (answer) => {
        answer.resume()
        answer.on("end", () => resolve(answer.statusCode ?? 0))
        answer.on("error", reject)
      }
    )
    sent.on("timeout", () => sent.destroy(new Error("timeout")))
    sent.on("error", reject)
    sent.end(body)
  })

// By the token of the pod's ServiceAccount, and a Role as `rbac peers` prints it.
await using connection = connect()
await using router = await connection.router(
  { namespace: process.env["NAMESPACE"] ?? "", name: "store" },
  jump
)

let [shown, next] = [-1, 0]
let view: unknown = null

/** The number of the view that a pick goes by, noted when it is new. */
const viewNow = (): number => {
  const now = router.view()
  if (now !== view) {
    view = now
    shown += 1
    const members = now.peers.map(({ ordinal, availability }) => ({ ordinal, availability }))
    note({ view: shown, members })
  }
  return shown
}

const write = async (): Promise<void> => {
  const id = next++
  const key = `customer/${(id * 7919) % 499}`
  for (let attempt = 0; attempt < 600; attempt++) {
    try {
      const by = viewNow()
      const { ordinal, fqdn, ports } = router.find(key)
      const { heard, failure } = router.age()
      note({ id, key, by, to: ordinal, heard, failure })
      const status = await post(fqdn ?? "", ports?.[0]?.port ?? 0, `${id} ${key}\n`)
      if (status === 200) return note({ id, acked: ordinal, at: Date.now() })
      if (status === 421) note({ id, misdirected: ordinal })
    } catch {
      // Nobody is ready, or an answer was lost: the same write again, by the view as it is then.
    }
    await sleep(100)
  }
  note({ id, lost: true })
}

const worker = async (): Promise<void> => {
  while (!existsSync("/tmp/stop")) {
    await write()
    await sleep(20)
  }
}

await Promise.all(Array.from({ length: 4 }, worker))
note({ done: true })
// Its notes are read from its container.
await sleep(3_600_000)
