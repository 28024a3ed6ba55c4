/**
 * Redis sets with a password, a writer that goes round three of them as in `writer.ts`, and clocks in the
 * pods that tell how long no write went through.
 */
import { spawn } from "node:child_process"
import { assert } from "vitest"
import { kubectl } from "./commands.ts"
import { get } from "./read.ts"
import { until } from "./neighbour.ts"

/** Which stands in Secrets of these suites, and may stand nowhere else. */
export const password = "nobody-may-see-this-7731"

const image = { image: "docker.io/local/redis:1", imagePullPolicy: "Never" }
const asRedis = {
  runAsUser: 999,
  runAsGroup: 999,
  fsGroup: 999,
  fsGroupChangePolicy: "OnRootMismatch"
}

export interface RedisOptions {
  readonly replicas: number
  /** What the pods are told; default: the server's own. */
  readonly told?: string
  /** Default: yes. */
  readonly appendonly?: "yes" | "no"
}

const list = (items: ReadonlyArray<object>) => JSON.stringify({ apiVersion: "v1", kind: "List", items })
const secretKey = (key: string) => ({ valueFrom: { secretKeyRef: { name: "db-pass", key } } })

const set = ({ replicas, told = password, appendonly = "yes" }: RedisOptions) => [
  {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "db-pass" },
    stringData: { password: told, "auth.conf": `requirepass ${password}\n` }
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "db" },
    spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ name: "redis", port: 6379 }] }
  },
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db" },
    spec: {
      replicas,
      serviceName: "db",
      podManagementPolicy: "Parallel",
      selector: { matchLabels: { app: "db" } },
      template: {
        metadata: { labels: { app: "db" } },
        spec: {
          terminationGracePeriodSeconds: 1,
          securityContext: asRedis,
          containers: [
            {
              ...image,
              name: "redis",
              command: [
                "redis-server",
                "/etc/redis/auth.conf",
                "--dir",
                "/data",
                "--appendonly",
                appendonly,
                "--save",
                "3600 1"
              ],
              env: [{ name: "REDIS_PASSWORD", ...secretKey("password") }],
              readinessProbe: { tcpSocket: { port: 6379 }, periodSeconds: 1 },
              volumeMounts: [
                { name: "data", mountPath: "/data" },
                { name: "auth", mountPath: "/etc/redis" }
              ]
            }
          ],
          volumes: [{ name: "auth", secret: { secretName: "db-pass" } }]
        }
      },
      volumeClaimTemplates: [
        {
          metadata: { name: "data" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "64Mi" } } }
        }
      ]
    }
  }
]

/** `db` with so many members, ready. */
export const installRedis = async (namespace: string, options: RedisOptions): Promise<void> => {
  await kubectl(["apply", "-n", namespace, "-f", "-"], list(set(options)))
  await kubectl(["rollout", "status", "sts/db", "-n", namespace, "--timeout=120s"])
}

/** Runs a shell's words in a member, with the server's own password. */
export const inMember = (namespace: string, pod: string, words: string): Promise<string> =>
  kubectl(["exec", "-n", namespace, pod, "--", "sh", "-c", `export REDISCLI_AUTH=$REDIS_PASSWORD; ${words}`])

const numberOf = async (namespace: string, pod: string): Promise<number> =>
  Number(await inMember(namespace, pod, "redis-cli get n"))

/** Goes round db-0, db-1, db-2 with n = 1, 2, 3…, each answered before the next. */
export const startRounds = async (namespace: string): Promise<void> => {
  // A member that is ready has no name yet, until its endpoint is published and DNS has seen that.
  // A shell without arrays has single digits for its files: 3, 5, 7 go to the members, 4, 6, 8 come back.
  const rounds = `
    named() { [ "$(redis-cli -h db-$1.db ping 2>/dev/null)" = PONG ]; }
    for i in 0 1 2; do until named $i; do sleep 0.1; done; done
    join() { mkfifo /tmp/to$1 /tmp/from$1; redis-cli -h db-$1.db </tmp/to$1 >/tmp/from$1 & }
    join 0; exec 3>/tmp/to0 4</tmp/from0
    join 1; exec 5>/tmp/to1 6</tmp/from1
    join 2; exec 7>/tmp/to2 8</tmp/from2
    say() { echo "set n $n" >&$1; read -r answer <&$2; [ "$answer" = OK ] || exit 1; }
    n=1
    while :; do say 3 4; say 5 6; say 7 8; n=$((n+1)); done`
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "writer" },
    spec: {
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          ...image,
          name: "writer",
          command: ["sh", "-c", rounds],
          env: [{ name: "REDISCLI_AUTH", ...secretKey("password") }]
        }
      ]
    }
  }
  await kubectl(["apply", "-n", namespace, "-f", "-"], list([pod]))
  await until("the writer has gone round 100 times", async () =>
    (await numberOf(namespace, "db-2")) > 100 ? true : null
  )
}

/** What n each restored volume has, by its claim's name. */
export const restoredRounds = async (
  namespace: string,
  of: string,
  snapshots: Readonly<Record<string, string>>,
  appendonly: "yes" | "no" = "yes"
): Promise<ReadonlyArray<number>> => {
  const n = ["-n", namespace]
  const claims = Object.keys(snapshots).toSorted()
  const copies = claims.map((claim) => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: `${of}-${claim}-copy` },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "64Mi" } },
      dataSource: { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: snapshots[claim] }
    }
  }))
  const one = (claim: string, index: number) =>
    `redis-server --port 600${index} --dir /restored/${claim} --appendonly ${appendonly} --daemonize yes >/dev/null
     until v=$(redis-cli -p 600${index} get n) && [ "$v" -ge 0 ]; do sleep 0.1; done 2>/dev/null
     echo "${claim}|$v"`
  const name = `${of}-reader`
  const reader = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 0,
      securityContext: asRedis,
      containers: [
        {
          ...image,
          name: "reader",
          command: ["sh", "-c", claims.map(one).join("\n")],
          volumeMounts: claims.map((claim) => ({ name: claim, mountPath: `/restored/${claim}` }))
        }
      ],
      volumes: claims.map((claim) => ({
        name: claim,
        persistentVolumeClaim: { claimName: `${of}-${claim}-copy` }
      }))
    }
  }
  await kubectl(["apply", ...n, "-f", "-"], list([...copies, reader]))
  await kubectl(["wait", `pod/${name}`, ...n, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=180s"])
  const said = await kubectl(["logs", ...n, name])
  return claims.map((claim) =>
    Number(
      said
        .split("\n")
        .find((line) => line.startsWith(`${claim}|`))
        ?.split("|")[1] ?? assert.fail(said)
    )
  )
}

/** A set's VolumeSnapshots by their claims. */
export const snapshotsIn = async (
  namespace: string,
  of: string
): Promise<Readonly<Record<string, string>>> => {
  const { items } = await get<{
    readonly items: ReadonlyArray<{
      readonly metadata: { readonly name: string }
      readonly spec: { readonly source: { readonly persistentVolumeClaimName: string } }
      readonly status?: { readonly volumeGroupSnapshotName?: string }
    }>
  }>(["volumesnapshots", "-n", namespace])
  return Object.fromEntries(
    items
      .filter(
        ({ metadata, status }) =>
          status?.volumeGroupSnapshotName === of || metadata.name.startsWith(`${of}-data-`)
      )
      .map(({ metadata, spec }) => [spec.source.persistentVolumeClaimName, metadata.name])
  )
}

/** A clock in a pod: it writes all the time, and says how long each write took, in milliseconds. */
export const clock = (namespace: string, pod: string) => {
  const words = `export REDISCLI_AUTH=$REDIS_PASSWORD
    now() { read -r u _ </proc/uptime; u=\${u%.*}\${u#*.}; }
    while :; do now; a=$u; redis-cli set clock $a >/dev/null || exit 1; now; echo $(((u-a)*10)); sleep 0.05; done`
  const child = spawn("kubectl", ["exec", "-n", namespace, pod, "--", "sh", "-c", words], {
    stdio: ["ignore", "pipe", "ignore"]
  })
  const waits: Array<number> = []
  child.stdout.on("data", (chunk: Buffer) => {
    for (const line of chunk.toString().split("\n")) if (line !== "") waits.push(Number(line))
  })
  return {
    /** The longest time that no write went through since it was asked last; it waits until writes go again. */
    longest: async (): Promise<number> => {
      const before = waits.length
      await until(`writes go through in ${pod}`, async () => (waits.length > before ? true : null), 30)
      const longest = Math.max(...waits)
      waits.length = 0
      return longest
    },
    stop: () => child.kill()
  }
}
