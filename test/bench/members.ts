/** Members with volumes whose quiesce writes down, in the pod, from when to when it held them; and who cut when. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { kubectl } from "../cluster/suite/commands.ts"
import { get } from "../cluster/suite/read.ts"

export interface Members {
  readonly namespace: string
  readonly pods: number
  /** In each pod. */
  readonly volumes: number
  readonly storageClass: string
  /** Seconds until a pod is ready. */
  readonly readySeconds?: number
}

const templates = ({ volumes }: Members) => Array.from({ length: volumes }, (_, index) => `d${index}`)

export const statefulSet = (members: Members, replicas = members.pods): object => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db", namespace: members.namespace },
  spec: {
    replicas,
    serviceName: "db",
    podManagementPolicy: "Parallel",
    selector: { matchLabels: { app: "db" } },
    template: {
      metadata: { labels: { app: "db" } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "main",
            image: "docker.io/local/busybox:1",
            imagePullPolicy: "Never",
            // Pages of its own: a volume without any file counts as empty.
            command: [
              "sh",
              "-c",
              "for d in /d*; do [ -e $d/mark ] || hostname >$d/mark; done; sync; exec httpd -f -p 8080"
            ],
            ...(members.readySeconds === undefined
              ? {}
              : {
                  readinessProbe: {
                    tcpSocket: { port: 8080 },
                    initialDelaySeconds: members.readySeconds,
                    periodSeconds: 1
                  }
                }),
            volumeMounts: templates(members).map((name) => ({ name, mountPath: `/${name}` }))
          }
        ]
      }
    },
    volumeClaimTemplates: templates(members).map((name) => ({
      metadata: { name },
      spec: {
        storageClassName: members.storageClass,
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "64Mi" } }
      }
    }))
  }
})

export const install = async (members: Members): Promise<void> => {
  await kubectl(["create", "-f", "-"], JSON.stringify(statefulSet(members)))
  await kubectl(["rollout", "status", "sts/db", "-n", members.namespace, "--timeout=600s"])
}

/** Holds until its input ends, and writes both times into the pod, by the kernel's clock that all pods share. */
const quiesce = `read -r u _ </proc/uptime; echo "$u" >>/tmp/held; echo held; cat >/dev/null; read -r u _ </proc/uptime; echo "$u" >>/tmp/free`

export const profile = (deadline: string): string => {
  const file = join(mkdtempSync(join(tmpdir(), "kubectl-stateful-bench-")), "profile.json")
  const snapshot = { guarantee: "blocks-writes", quiesce: { command: ["sh", "-c", quiesce], deadline } }
  writeFileSync(file, JSON.stringify({ apiVersion: "kubectl-stateful.dev/v1", kind: "Profile", snapshot }))
  return file
}

const podsOf = ({ pods }: Members) => Array.from({ length: pods }, (_, ordinal) => `db-${ordinal}`)

/** From the first member that was held to the last that was let go, in milliseconds, the newest time. */
export const windowOf = async (members: Members): Promise<number> => {
  const said = await Promise.all(
    podsOf(members).map((pod) =>
      kubectl([
        "exec",
        "-n",
        members.namespace,
        pod,
        "--",
        "sh",
        "-c",
        "tail -n 1 /tmp/held; tail -n 1 /tmp/free"
      ])
    )
  )
  const times = said.map((text) => text.trim().split("\n").map(Number))
  const from = Math.min(...times.map(([held = NaN]) => held))
  const to = Math.max(...times.map(([, free = NaN]) => free))
  return (to - from) * 1000
}

interface Line {
  readonly requestReceivedTimestamp?: string
  readonly verb?: string
  readonly objectRef?: { readonly resource?: string; readonly namespace?: string; readonly name?: string }
}

const linesOf = (variable: string): ReadonlyArray<string> =>
  readFileSync(process.env[variable] ?? "", "utf8").split("\n")

/** When the first VolumeSnapshot of a set was asked for, by the audit log: milliseconds since 1970. */
const askedAt = (namespace: string, set: string): number => {
  const times = linesOf("BED_AUDIT_LOG").flatMap((line) => {
    if (!line.includes("volumesnapshots") || !line.includes(namespace) || !line.includes(set)) return []
    const { requestReceivedTimestamp = "", verb, objectRef } = JSON.parse(line) as Line
    const isIt = verb === "create" && objectRef?.resource === "volumesnapshots"
    return isIt && objectRef.name?.startsWith(`${set}-`) ? [Date.parse(requestReceivedTimestamp)] : []
  })
  return Math.min(...times)
}

/** When the last of a set's volumes was cut, by the driver's own log. */
const cutAt = (namespace: string, set: string): number => {
  const times = linesOf("BED_CSI_LOG").flatMap((line) => {
    if (!line.includes('"CreateSnapshot"') || !line.includes(`"${namespace}"`)) return []
    if (!line.includes(`/name":"${set}-`)) return []
    const { cuts = [] } = JSON.parse(line) as {
      readonly cuts?: ReadonlyArray<{ readonly cutDoneNs: string }>
    }
    return cuts.map(({ cutDoneNs }) => Number(BigInt(cutDoneNs) / 1_000_000n))
  })
  return Math.max(...times)
}

/** From the question for the first cut to the last cut in the storage: what nobody can hold them shorter for. */
export const cutting = (namespace: string, set: string): number =>
  cutAt(namespace, set) - askedAt(namespace, set)

/** Claims by name, in the order of their pods. */
export const claimsOf = (members: Members): ReadonlyArray<string> =>
  podsOf(members).flatMap((pod) => templates(members).map((template) => `${template}-${pod}`))

interface Snapshot {
  readonly status?: { readonly boundVolumeSnapshotContentName?: string; readonly creationTime?: string }
}

/**
 * The loop of the common backup tool, as it is published, restated: a pod's hook before, its volumes one
 * after another, each looked at every five seconds until it is cut, and the hook after.
 */
export const oneByOne = async (members: Members, set: string): Promise<number> => {
  const { namespace } = members
  const hook = (pod: string) => kubectl(["exec", "-n", namespace, pod, "--", "true"])
  const began = performance.now()
  for (const pod of podsOf(members)) {
    await hook(pod)
    for (const template of templates(members)) {
      const name = `${set}-${template}-${pod}`
      const snapshot = {
        apiVersion: "snapshot.storage.k8s.io/v1",
        kind: "VolumeSnapshot",
        metadata: { name, namespace },
        spec: { source: { persistentVolumeClaimName: `${template}-${pod}` } }
      }
      await kubectl(["create", "-f", "-"], JSON.stringify(snapshot))
      for (;;) {
        // Its first look comes within a few milliseconds, before any controller has answered: what it finds is what was created.
        await new Promise((resume) => setTimeout(resume, 5000))
        const { status } = await get<Snapshot>(["volumesnapshot", name, "-n", namespace])
        if (status?.boundVolumeSnapshotContentName && status.creationTime) break
      }
    }
    await hook(pod)
  }
  return performance.now() - began
}
