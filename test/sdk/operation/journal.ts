/** Plans and journals as somebody may write them by hand. */

/** A plan's head, with nothing to do. */
export const headOf = (id: string, name: string, uid: string, generation = 1) => ({
  apiVersion: "kubectl-stateful.dev/v1" as const,
  kind: "Plan" as const,
  id,
  verb: "scale",
  app: { _tag: "StatefulSet" as const, namespace: "shop", name },
  home: "shop",
  guards: [{ kind: "StatefulSet" as const, namespace: "shop", name, uid, generation }] as const,
  facts: "0",
  hooks: [],
  access: [],
  effects: [],
  warnings: [],
  refusals: [],
  unchecked: [],
  settings: {},
  steps: []
})

/** Of an operation that stopped on its way. */
export const stoppedStatus = (holder = "ann@laptop") => ({
  phase: "Stopped" as const,
  aborting: false,
  holder,
  started: "2026-11-20T10:00:00Z",
  ended: null,
  marks: {},
  captured: {},
  message: null
})

/** The ConfigMap that a plan and a status stand in. */
export const journalOf = (
  plan: { readonly id: string; readonly app: { readonly name: string } },
  status: object,
  run = `${plan.id}.00000001`
) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: {
    name: `kubectl-stateful-${plan.id}`,
    namespace: "shop",
    labels: {
      "app.kubernetes.io/managed-by": "kubectl-stateful",
      "kubectl-stateful.dev/operation": plan.id,
      "kubectl-stateful.dev/app": plan.app.name
    },
    annotations: { "kubectl-stateful.dev/verb": "scale", "kubectl-stateful.dev/phase": "Stopped" }
  },
  data: { "plan.json": JSON.stringify(plan), "status.json": JSON.stringify(status), run }
})
