/**
 * A writer that shows at once whether volumes were cut at one point in time: it goes round the members of
 * a PostgreSQL set, n = 1, 2, 3… to db-0, then db-1, then db-2, each committed before the next. At any
 * moment n0 >= n1 >= n2 >= n0 - 1; what was cut at two moments breaks that.
 */
import { assert } from "vitest"
import { kubectl } from "./commands.ts"
import { get } from "./read.ts"
import { until } from "./neighbour.ts"

export interface MembersOptions {
  readonly replicas: number
  /** Default: Retain. */
  readonly whenScaled?: "Retain" | "Delete"
}

const list = (items: ReadonlyArray<object>) => JSON.stringify({ apiVersion: "v1", kind: "List", items })

const postgres = { image: "docker.io/local/postgres:1", imagePullPolicy: "Never" }
const asPostgres = {
  runAsUser: 999,
  runAsGroup: 999,
  fsGroup: 999,
  // Otherwise a restored volume becomes group-writable, and PostgreSQL refuses to start on it.
  fsGroupChangePolicy: "OnRootMismatch"
}
const password = {
  name: "POSTGRES_PASSWORD",
  valueFrom: { secretKeyRef: { name: "db-pass", key: "password" } }
}
const isReady = { command: ["pg_isready", "-q"] }
const quiet = "-c unix_socket_directories=/tmp -c jit=off -c shared_buffers=16MB"

const members = ({ replicas, whenScaled = "Retain" }: MembersOptions) => [
  {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "db-pass" },
    stringData: { password: "not-a-secret-outside-this-bed" }
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "db" },
    spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ name: "postgres", port: 5432 }] }
  },
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db" },
    spec: {
      replicas,
      serviceName: "db",
      podManagementPolicy: "Parallel",
      persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted: "Retain" },
      selector: { matchLabels: { app: "db" } },
      template: {
        metadata: { labels: { app: "db" } },
        spec: {
          terminationGracePeriodSeconds: 20,
          securityContext: asPostgres,
          containers: [
            {
              ...postgres,
              name: "postgres",
              args: ["postgres", ...quiet.split(" "), "-c", "listen_addresses=*"],
              env: [{ name: "PGDATA", value: "/data/pgdata" }, password],
              // Each second only until it is ready: a process in a container takes as long as a small query.
              startupProbe: { exec: isReady, periodSeconds: 1, failureThreshold: 120 },
              readinessProbe: { exec: isReady, periodSeconds: 10 },
              volumeMounts: [{ name: "data", mountPath: "/data" }]
            }
          ]
        }
      },
      volumeClaimTemplates: [
        {
          metadata: { name: "data" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "256Mi" } } }
        }
      ]
    }
  }
]

/** `db` with so many members, ready, each with an empty table `rounds`. */
export const installMembers = async (namespace: string, options: MembersOptions): Promise<void> => {
  const n = ["-n", namespace]
  await kubectl(["apply", ...n, "-f", "-"], list(members(options)))
  await kubectl(["rollout", "status", "sts/db", ...n, "--timeout=180s"])
  const pods = Array.from({ length: options.replicas }, (_, ordinal) => `db-${ordinal}`)
  await Promise.all(
    pods.map((pod) =>
      kubectl(["exec", ...n, pod, "--", "psql", "-qc", "create table rounds (n int primary key)"])
    )
  )
}

/** A shell without arrays has single digits for its files: 3, 5, 7 go to the members, 4, 6, 8 come back. */
const rounds = `
set -eu
join() {
  mkfifo /tmp/to$1 /tmp/from$1
  psql -h db-$1.db -qAt -v ON_ERROR_STOP=1 </tmp/to$1 >/tmp/from$1 &
}
join 0; exec 3>/tmp/to0 4</tmp/from0
join 1; exec 5>/tmp/to1 6</tmp/from1
join 2; exec 7>/tmp/to2 8</tmp/from2
say() {
  echo "insert into rounds values ($n) returning n;" >&$1
  read -r answer <&$2
  [ "$answer" = "$n" ]
}
n=1
while :; do say 3 4; say 5 6; say 7 8; n=$((n + 1)); done`

/** Starts the writer; resolves once it has gone round some times. */
export const startWriter = async (namespace: string): Promise<void> => {
  const n = ["-n", namespace]
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "writer" },
    spec: {
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          ...postgres,
          name: "writer",
          command: ["sh", "-c", rounds],
          env: [{ ...password, name: "PGPASSWORD" }]
        }
      ]
    }
  }
  await kubectl(["apply", ...n, "-f", "-"], list([pod]))
  await until("the writer has gone round 100 times", async () => {
    const { phase } = (await get<{ readonly status: { readonly phase: string } }>(["pod/writer", ...n]))
      .status
    if (phase === "Failed") assert.fail(await kubectl(["logs", ...n, "writer"]))
    return (await written(namespace, "db-2")) > 100 ? true : null
  })
}

/** The highest n of a member that runs. */
export const written = async (namespace: string, pod: string): Promise<number> => {
  const ask = ["psql", "-Atqc", "select coalesce(max(n), 0) from rounds"]
  return Number(await kubectl(["exec", "-n", namespace, pod, "--", ...ask]))
}

/** A member as its restored volume has it. */
export interface Restored {
  readonly claim: string
  /** What PostgreSQL's control file says before it is started: `shut down`, `in production`. */
  readonly state: string
  /** The highest n, and how many there are: with no gap they are equal. */
  readonly n: number
  readonly count: number
}

/**
 * Starts PostgreSQL on each volume and asks it; a line a member. The server that ran as it was cut was
 * process 1 of its container: its lock file would name the shell of this one.
 */
const ask = (claims: ReadonlyArray<string>) => `
one() {
  state=$(pg_controldata -D /restored/$2/pgdata | sed -n 's/^Database cluster state: *//p')
  rm -f /restored/$2/pgdata/postmaster.pid
  pg_ctl -D /restored/$2/pgdata -l /tmp/log$1 -t 60 -w -o "-p 600$1 -c listen_addresses= ${quiet}" start >/dev/null ||
    { cat /tmp/log$1; return; }
  echo "$2|$state|$(psql -p 600$1 -Atqc 'select max(n), count(*) from rounds')"
}
${claims.map((claim, index) => `one ${index} ${claim} &`).join("\n")}
wait`

/**
 * Restores a set by hand, as the documentation of Kubernetes has it: a new claim from each snapshot. By
 * the claims' names, which are given with their snapshots'.
 */
export const restored = async (
  namespace: string,
  set: string,
  snapshots: Readonly<Record<string, string>>
): Promise<ReadonlyArray<Restored>> => {
  const n = ["-n", namespace]
  const claims = Object.keys(snapshots).toSorted()
  const copies = claims.map((claim) => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: `${set}-${claim}-copy` },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "256Mi" } },
      dataSource: {
        apiGroup: "snapshot.storage.k8s.io",
        kind: "VolumeSnapshot",
        name: snapshots[claim]
      }
    }
  }))
  const name = `${set}-reader`
  const reader = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 0,
      securityContext: asPostgres,
      containers: [
        {
          ...postgres,
          name: "reader",
          command: ["sh", "-c", ask(claims)],
          volumeMounts: claims.map((claim) => ({ name: claim, mountPath: `/restored/${claim}` }))
        }
      ],
      volumes: claims.map((claim) => ({
        name: claim,
        persistentVolumeClaim: { claimName: `${set}-${claim}-copy` }
      }))
    }
  }
  await kubectl(["apply", ...n, "-f", "-"], list([...copies, reader]))
  const over = "--for=jsonpath={.status.phase}=Succeeded"
  await kubectl(["wait", `pod/${name}`, ...n, over, "--timeout=90s"])
  const said = await kubectl(["logs", ...n, name])
  return claims.map((claim) => {
    const line = said.split("\n").find((each) => each.startsWith(`${claim}|`)) ?? assert.fail(said)
    const [, state = "", highest, count] = line.split("|")
    return { claim, state, n: Number(highest), count: Number(count) }
  })
}
