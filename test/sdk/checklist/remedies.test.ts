/** No command is advised that no test runs: test/cluster runs those of its table. */
import { assert, describe, it } from "vitest"
import { commandsOf, elsewhere, looks, shapeOf, situations } from "../../cluster/suite/remedies.ts"
import { answer } from "../../../packages/sdk/src/Checklist.ts"
import { healthyApp } from "../appState.ts"
import { moveCases } from "./move.cases.ts"
import { restartCases } from "./restart.cases.ts"
import { restoreCases } from "./restore.cases.ts"
import { snapshotCases } from "./snapshot.cases.ts"

const cases = [...restartCases, ...snapshotCases, ...moveCases, ...restoreCases]

/** All that is found in any case, by whatever rule: verdicts may group their findings. */
const remediesIn = (value: unknown): ReadonlyArray<readonly [rule: string, remedy: string]> => {
  if (typeof value !== "object" || value === null) return []
  const { rule, remedy } = value as { readonly rule?: unknown; readonly remedy?: unknown }
  const own = typeof rule === "string" && typeof remedy === "string" ? [[rule, remedy] as const] : []
  return [...own, ...Object.values(value).flatMap(remediesIn)]
}

const advised = new Set(
  cases.flatMap(({ change, options }) =>
    remediesIn(answer(healthyApp(change), options)).flatMap(([rule, remedy]) => {
      const commands = commandsOf(remedy)
      return commands === null ? [] : [`${rule}: ${shapeOf(commands)}`]
    })
  )
)

const changing = [...advised].filter((one) => !looks.has(one.slice(one.indexOf(": ") + 2)))

const tested = new Set([
  ...situations.map(({ rule, shape }) => `${rule}: ${shape}`),
  ...elsewhere.map(([rule, shape]) => `${rule}: ${shape}`)
])

describe("a command that the checklist advises", () => {
  it("has a situation in which it is run for its effect, or only looks", () => {
    assert.isAbove(changing.length, 20)
    assert.deepEqual(
      changing.filter((one) => !tested.has(one)),
      []
    )
  })

  it("only looks where it is taken to", () => {
    for (const look of looks) assert.match(look, /^(get|describe|logs)/)
  })

  it("is told by its shape: what it does to what, without names", () => {
    assert.equal(
      shapeOf(`kubectl patch pv a b --type=merge -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'`),
      "patch pv spec.persistentVolumeReclaimPolicy"
    )
    assert.equal(
      shapeOf("kubectl rollout undo statefulset db -n shop && kubectl delete pod db-2 -n shop"),
      "rollout undo statefulset && delete pod"
    )
    assert.equal(
      shapeOf("kubectl annotate volumesnapshotclass snap example.com/is-default-class-"),
      "annotate volumesnapshotclass example.com/is-default-class"
    )
    assert.equal(
      shapeOf("kubectl create secret generic db --from-file=FILE -n shop"),
      "create secret generic"
    )
  })
})
