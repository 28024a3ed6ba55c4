// Fake nodes, hundreds of them, whose pods become ready without running.
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as api from "./api.ts"
import { manifests } from "./build.ts"
import { below } from "./folder.ts"
import * as pki from "./pki.ts"
import { alive, end, start } from "./process.ts"
import { until } from "./progress.ts"
import { bed } from "./topology.ts"

const mark = "kwok.x-k8s.io/node"

const fake = (index: number): object => {
  const name = `fake-${index}`
  const zone = ["a", "b", "c"][index % 3] ?? "a"
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      annotations: { [mark]: "fake" },
      labels: {
        type: "kwok",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/region": "local",
        "topology.kubernetes.io/zone": zone,
        "topology.kubectl-stateful.dev/rack": `fake-${zone}`,
        "node.kubernetes.io/instance-type": "bed.fake"
      }
    },
    // A pod that does not ask for a fake node must not land on one: nothing would run.
    spec: { taints: [{ key: mark, value: "fake", effect: "NoSchedule" }] }
  }
}

/** What a fake node, and a pod on it, does in its life. */
const stages = [
  "node/fast/node-initialize.yaml",
  "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
  "pod/fast/pod-complete.yaml",
  "pod/fast/pod-delete.yaml"
].map((file) => join(manifests("kwok-stages"), file))

/** How long a pod takes to become ready, e.g. `500ms`; without it, no time at all. */
const delay = `
  delay:
    durationMilliseconds: 0
    durationFrom:
      expressionFrom: '.metadata.annotations["pod-ready.stage.kwok.x-k8s.io/delay"]'
  next:
`

/** The stage that makes pods ready, with a delay that a pod may ask for. */
const podReady = (): string => {
  const stage = readFileSync(join(manifests("kwok-stages"), "pod/fast/pod-ready.yaml"), "utf8")
  const file = below("kwok-pod-ready.yaml")
  writeFileSync(file, stage.replace("\n  next:\n", delay))
  return file
}

export const begin = (): void => {
  if (alive("kwok")) return
  const manage = [`--manage-nodes-with-annotation-selector=${mark}=fake`, `--cidr=${bed.fakePodRange}`]
  const config = [...stages, podReady()].map((file) => `--config=${file}`)
  // The lease is renewed four times in its life; the bed takes a node for lost after 12 s.
  const lease = "--node-lease-duration-seconds=16"
  start({
    name: "kwok",
    command: ["kwok", "--kubeconfig", pki.configOf("kwok"), ...manage, lease, ...config]
  })
}

interface List {
  readonly items: ReadonlyArray<{
    readonly metadata: { readonly name: string }
    readonly status?: {
      readonly conditions?: ReadonlyArray<{ readonly type: string; readonly status: string }>
    }
  }>
}

const list = async (): Promise<List["items"]> =>
  (await api.get<List>("/api/v1/nodes?labelSelector=type%3Dkwok"))?.items ?? []

/** Makes the number of fake nodes what is asked for; 0 removes them all. */
export const nodes = async (count: number): Promise<void> => {
  const wanted = Array.from({ length: count }, (_, index) => fake(index))
  for (const node of wanted) {
    const answer = await api.call("POST", "/api/v1/nodes", node)
    if (answer.status !== 201 && answer.status !== 409)
      throw new Error(`fake node: ${answer.status} ${answer.body}`)
  }
  for (const { metadata } of await list()) {
    if (Number(metadata.name.slice("fake-".length)) >= count)
      await api.call("DELETE", `/api/v1/nodes/${metadata.name}`)
  }
  await until(`${count} fake nodes to be ready`, 60, async () => {
    const items = await list()
    const ready = items.filter(({ status }) =>
      status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True")
    )
    return ready.length === count && items.length === count
  })
}

/** Without fake nodes there is nothing left to do. */
export const stop = (): Promise<void> => end(["kwok"])
