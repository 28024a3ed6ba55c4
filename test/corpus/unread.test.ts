/** What may not be read makes no answer better: each list of each case is refused in turn. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { selector, statefulSet } from "../../packages/sdk/src/App.ts"
import { answer, type Answer, type Checklist } from "../../packages/sdk/src/Checklist.ts"
import { Cluster } from "../../packages/sdk/src/Cluster.ts"
import { read } from "../../packages/sdk/src/State.ts"
import { cases, type Named } from "./case.ts"
import { bringAbout } from "./situation.ts"

type Door = typeof Cluster.Service

const forbidden = JSON.stringify({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Failure",
  message: "forbidden",
  reason: "Forbidden",
  code: 403
})

const plural = (path: string): string => path.split("/").at(-1) ?? ""

/** A cluster whose lists of one kind hold a first object that cannot be understood. */
const garbling = (cluster: Door, garbled: string): Door => ({
  ...cluster,
  request: (request) =>
    Effect.map(cluster.request(request), (response) =>
      plural(request.path) === garbled && response.status === 200
        ? {
            ...response,
            body: Stream.unwrap(Effect.map(Stream.mkString(Stream.decodeText(response.body)), garble))
          }
        : response
    )
})

const garble = (text: string) => {
  const list = JSON.parse(text)
  const [first] = list.items ?? []
  if (first !== undefined) first.metadata = { ...first.metadata, labels: 5 }
  return Stream.succeed(new TextEncoder().encode(JSON.stringify(list)))
}

/** A cluster that refuses one list, and one that notes which are asked for. */
const refusing = (cluster: Door, refused: string, asked: Set<string> = new Set()): Door => ({
  ...cluster,
  request: (request) => {
    asked.add(plural(request.path))
    return plural(request.path) === refused
      ? Effect.succeed({
          status: 403,
          headers: { "content-type": "application/json" },
          body: Stream.succeed(new TextEncoder().encode(forbidden))
        })
      : cluster.request(request)
  }
})

const grades: ReadonlyArray<Answer> = ["No", "Unknown", "YesWithDowntime", "Yes"]

const answers = (checklist: Checklist): Readonly<Record<string, Answer>> =>
  Object.fromEntries(
    checklist.flatMap((verdict) => [
      [verdict.question, verdict.answer] as const,
      ...(verdict.question === "restart"
        ? verdict.disruptions.map((one) => [one.disruption, one.answer] as const)
        : [])
    ])
  )

const better = (one: Named) =>
  Effect.gen(function* () {
    const sandbox = yield* bringAbout(one)
    const { namespace, app, selector: labels } = one
    const ref = app === undefined ? selector(namespace, labels ?? "") : statefulSet(namespace, app)
    const through = (cluster: Door) =>
      Effect.provideService(
        Effect.map(read(ref), (state) => answers(answer(state))),
        Cluster,
        cluster
      )
    const asked = new Set<string>()
    const whole = yield* through(refusing(sandbox.cluster, "", asked))
    const found: Array<string> = []
    for (const [refused, door] of [...asked].flatMap((each) => [
      [each, refusing(sandbox.cluster, each)] as const,
      [`one of ${each}`, garbling(sandbox.cluster, each)] as const
    ])) {
      const without = yield* Effect.option(through(door))
      if (without._tag === "None") continue
      for (const [name, said] of Object.entries(without.value)) {
        const before = whole[name] ?? "No"
        // Of a No nothing may be left but that it is not known.
        const worst = before === "No" ? 1 : grades.indexOf(before)
        if (grades.indexOf(said) > worst) found.push(`without ${refused}, ${name} is ${said}, not ${before}`)
      }
    }
    return found
  })

/** A fixed part of the cases; `npm run prove -- unread` takes each. */
const every = Number(process.env["UNREAD_EVERY"] ?? 61)

describe("the corpus, with lists that may not be read", () => {
  for (const one of cases().filter((_, index) => index % every === 0)) {
    it.effect(one.name, () =>
      Effect.map(better(one), (found) => {
        assert.deepEqual(found, [])
      })
    )
  }
})
