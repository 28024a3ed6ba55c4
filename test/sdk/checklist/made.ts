/** The state of an application made from the objects that people write. */
import { answer, type Question } from "../../../packages/sdk/src/Checklist.ts"
import type { AppState } from "../../../packages/sdk/src/state/AppState.ts"
import type { Observation } from "../../../packages/sdk/src/state/observation.ts"
import { claim, type Json, pod, stateOf, statefulSet, volume } from "../objects.ts"

export const questions = ["restart", "snapshot", "move", "restore"] as const

export const findings = (state: AppState, question: Question, rule: string) =>
  (answer(state).find((one) => one.question === question)?.findings ?? []).filter((one) => one.rule === rule)

/** What a rule answers to each of the four questions that it is asked for. */
export const answers = (state: AppState, rule: string): ReadonlyArray<string> =>
  questions.map((question) => findings(state, question, rule)[0]?.answer ?? "")

export interface Mount {
  readonly name: string
  readonly mountPath: string
  readonly readOnly?: boolean
  readonly subPath?: string
}

export interface Made {
  readonly image?: string
  readonly mounts?: ReadonlyArray<Mount>
  readonly container?: Json
  readonly pod?: Json
  readonly templates?: ReadonlyArray<string>
  readonly spec?: Json
}

/** The StatefulSet db with one container, and claims of the templates that are named. */
export const made = (one: Made, more: Observation["lists"] = {}): AppState => {
  const templates = one.templates ?? []
  const set = statefulSet({
    spec: {
      template: {
        spec: {
          containers: [
            {
              name: "main",
              image: one.image ?? "example/db:1",
              volumeMounts: one.mounts ?? [],
              ...one.container
            }
          ],
          ...one.pod
        }
      },
      volumeClaimTemplates: templates.map((name) => ({
        metadata: { name },
        spec: { storageClassName: "shared" }
      })),
      ...one.spec
    }
  })
  const names = [0, 1, 2].flatMap((ordinal) => templates.map((name) => `${name}-db-${ordinal}`))
  return stateOf({
    statefulsets: [set],
    pods: [0, 1, 2].map((ordinal) => {
      const volumes = templates.map((name) => ({
        name,
        persistentVolumeClaim: { claimName: `${name}-db-${ordinal}` }
      }))
      return pod(ordinal, { spec: { volumes } })
    }),
    persistentvolumeclaims: names.map((name) => claim(name)),
    persistentvolumes: names.map((name) => volume(name)),
    ...more
  })
}

export const emptyDir = (...names: ReadonlyArray<string>) => ({
  volumes: names.map((name) => ({ name, emptyDir: {} }))
})
export const at = (mountPath: string, name = "data"): Mount => ({ name, mountPath })
