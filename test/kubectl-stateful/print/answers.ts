/** Answers to the four questions, and the page that shows them below an application. */
import type { Answer, Checklist, DisruptionVerdict, Finding } from "@kubectl-stateful/sdk/Checklist"
import type { AppState } from "@kubectl-stateful/sdk/State"
import { appPage } from "../../../packages/kubectl-stateful/src/print/app.ts"
import { render } from "../../../packages/kubectl-stateful/src/print/text.ts"

export const page = (state: AppState, checklist: Checklist = [], wide = false, columns = 80) =>
  render(appPage(state, checklist, { wide, columns }), false)

const restarts = ["ServerRestarts", "RackRestarts"] as const
const forGood = ["ServerGone", "RackGone"] as const

const finding = (answer: Answer, rule: string, evidence: string, more: Partial<Finding> = {}): Finding => ({
  rule,
  answer,
  evidence,
  objects: [],
  remedy: null,
  disruptions: [],
  ...more
})

const disruption = (
  name: DisruptionVerdict["disruption"],
  answer: Answer,
  more: Partial<DisruptionVerdict> = {}
): DisruptionVerdict => ({
  disruption: name,
  answer,
  evidence: "",
  remedy: null,
  condition: null,
  awaySeconds: null,
  ...more
})

/** An answer to each question, with findings of every kind. */
export const answers: Checklist = [
  {
    question: "restart",
    answer: "YesWithDowntime",
    disruptions: [
      disruption("ServerRestarts", "Yes", { awaySeconds: 5 }),
      disruption("RackRestarts", "YesWithDowntime", { awaySeconds: 5 }),
      disruption("ServerGone", "Yes", { condition: "if the cloud deletes the Node", awaySeconds: 305 }),
      disruption("RackGone", "No"),
      disruption("Drain", "Unknown")
    ],
    findings: [
      finding(
        "YesWithDowntime",
        "replicas-share-rack",
        "db-0 and db-1 share rack r1: without it, quorum (2 of 3) is lost",
        {
          remedy:
            "spread the replicas over racks: topologySpreadConstraints with topologyKey rack in the pod template",
          disruptions: ["RackRestarts", "RackGone"]
        }
      ),
      finding("Yes", "quorum-kept", "quorum (2 of 3) survives the loss of any one node", {
        disruptions: restarts
      }),
      finding("No", "rack-without-spare", "no usable node outside rack r1 can run db-0", {
        remedy: "add a node in another rack",
        disruptions: ["RackGone"]
      }),
      finding("Unknown", "budget", "PodDisruptionBudgets could not be read", { disruptions: ["Drain"] }),
      finding("Yes", "scale-down-deletes-claims", "scaling db down deletes claims"),
      finding("Yes", "gone-node-keeps-pods", "once the cloud deletes the Node, db is made anew", {
        disruptions: forGood
      })
    ]
  },
  {
    question: "snapshot",
    answer: "Yes",
    level: "group",
    findings: [finding("Yes", "group", "class group cuts all six claims at once")]
  },
  {
    question: "move",
    answer: "Unknown",
    needs: [
      { kind: "StorageClass", name: "shared", why: null, of: "cluster" },
      { kind: "node label", name: "disk=nvme", why: null, of: "cluster" }
    ],
    findings: []
  },
  {
    question: "restore",
    answer: "No",
    newest: { name: "nightly-1120", taken: "2026-11-20T10:00:00Z", elsewhere: false },
    findings: [finding("No", "same-storage-only", "every snapshot is on the same storage")]
  }
]
