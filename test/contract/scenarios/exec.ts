/** Commands in a container that runs: what they say, how they end, and why some do not begin. */
import * as Effect from "effect/Effect"
import { type Conversation, scenarios } from "../Conversation.ts"
import { isReady, pod, running } from "./objects.ts"

const started = (to: Conversation, name: string, extra: object = {}) =>
  Effect.andThen(
    to.quietly("POST", "pods", running(name, extra)),
    to.until(`pods/${name}`, (body) => isReady(body ?? null))
  )

export const execs = scenarios("exec")({
  "a command's words and its exit code come back": (to) =>
    Effect.gen(function* () {
      yield* started(to, "one")
      yield* to.exec("one", ["true"])
      yield* to.exec("one", ["false"])
      yield* to.exec("one", ["echo", "a  b", "$HOME", "'"])
      yield* to.exec("one", ["hostname"])
      yield* to.exec("one", ["cat"], { stdin: "some\nlines\n" })
      yield* to.exec("one", ["true"], { container: "main" })
    }),
  "a command that is not in the image did not run": (to) =>
    Effect.gen(function* () {
      yield* started(to, "one")
      yield* to.exec("one", ["no-such-command"])
      yield* to.exec("one", ["/no/such/command", "at all"])
    }),
  "a container that the pod does not have is refused": (to) =>
    Effect.gen(function* () {
      yield* started(to, "one")
      yield* to.exec("one", ["true"], { container: "other" })
    }),
  "the first container is meant, unless an annotation names another": (to) =>
    Effect.gen(function* () {
      const [container] = running("x").spec.containers
      const containers = [container, { ...container, name: "second" }]
      yield* started(to, "one", { containers })
      yield* to.exec("one", ["true"])
      yield* to.exec("one", ["true"], { container: "second" })
    }),
  "in a pod that has not started nothing runs": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "pods", pod("one"))
      yield* to.exec("one", ["true"])
      yield* to.exec("none", ["true"])
    })
})
