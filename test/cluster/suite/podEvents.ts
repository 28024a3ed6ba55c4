/** Every change of a namespace's pods in the order in which the API server made it. */
import { spawn } from "node:child_process"
import { assert } from "vitest"

export interface PodEvent {
  readonly type: string
  readonly pod: string
  readonly ready: boolean
  readonly leaving: boolean
}

const columns =
  '{.type}|{.object.metadata.name}|{.object.status.conditions[?(@.type=="Ready")].status}|{.object.metadata.deletionTimestamp}{"\\n"}'

/** Records until it is stopped; resolves once the first pod that is there was told. */
export const recordPods = async (
  namespace: string
): Promise<{ readonly stop: () => ReadonlyArray<PodEvent> }> => {
  let text = ""
  const child = spawn(
    "kubectl",
    ["get", "pods", "-n", namespace, "--watch", "--output-watch-events", "-o", `jsonpath=${columns}`],
    { stdio: ["ignore", "pipe", "inherit"] }
  )
  await new Promise<void>((resolve) =>
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString()
      resolve()
    })
  )
  return {
    stop: () => {
      child.kill()
      return text
        .split("\n")
        .filter(Boolean)
        .map((line) => {
          const [type = "", pod = "", ready = "", deleted = ""] = line.split("|")
          return { type, pod, ready: ready === "True", leaving: deleted !== "" }
        })
    }
  }
}

const ordinalOf = (pod: string): number => Number(pod.slice(pod.lastIndexOf("-") + 1))

/** Pod i+1 is never created before pod i is ready, and none leaves before all above it are gone. */
export const assertOrdered = (events: ReadonlyArray<PodEvent>): void => {
  const now = new Map<number, PodEvent>()
  const broken: Array<string> = []
  for (const event of events) {
    const ordinal = ordinalOf(event.pod)
    const before = now.get(ordinal)
    const isNew = event.type === "ADDED" && before === undefined
    // What was there before the record began is told in no order.
    if (isNew && !event.ready && ordinal > 0 && now.get(ordinal - 1)?.ready !== true) {
      broken.push(`${event.pod} was created while the one below was not ready`)
    }
    const above = [...now.keys()].filter((other) => other > ordinal)
    if (event.leaving && before?.leaving !== true && above.length > 0) {
      broken.push(`${event.pod} left while ${above.join(", ")} were there`)
    }
    if (event.type === "DELETED") now.delete(ordinal)
    else now.set(ordinal, event)
  }
  assert.deepEqual(broken, [])
  assert.isAbove(events.length, 2, "nothing was recorded")
}
