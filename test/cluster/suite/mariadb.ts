/** MariaDB sets with a password, and a writer that goes round two of them as in `writer.ts`. */
import { assert } from "vitest"
import { kubectl } from "./commands.ts"
import { until } from "./neighbour.ts"
import { password } from "./redis.ts"

const image = { image: "docker.io/local/mariadb:1", imagePullPolicy: "Never" }
const asMariadb = {
  runAsUser: 999,
  runAsGroup: 999,
  fsGroup: 999,
  fsGroupChangePolicy: "OnRootMismatch"
}
const server =
  "mariadbd --no-defaults --datadir=/var/lib/mysql/data --socket=/tmp/mysqld.sock --pid-file=/tmp/pid"
const small = "--innodb-buffer-pool-size=16M --innodb-log-file-size=8M --bind-address=0.0.0.0"
const socket = { name: "MYSQL_UNIX_PORT", value: "/tmp/mysqld.sock" }
const secretKey = { valueFrom: { secretKeyRef: { name: "db-pass", key: "password" } } }

const list = (items: ReadonlyArray<object>) => JSON.stringify({ apiVersion: "v1", kind: "List", items })

const set = (replicas: number) => [
  { apiVersion: "v1", kind: "Secret", metadata: { name: "db-pass" }, stringData: { password } },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "db" },
    spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ name: "mysql", port: 3306 }] }
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
          terminationGracePeriodSeconds: 2,
          securityContext: asMariadb,
          containers: [
            {
              ...image,
              name: "mariadb",
              args: [...server.split(" "), ...small.split(" ")],
              env: [{ name: "MARIADB_ROOT_PASSWORD", ...secretKey }, socket],
              readinessProbe: { tcpSocket: { port: 3306 }, periodSeconds: 1 },
              volumeMounts: [{ name: "data", mountPath: "/var/lib/mysql" }]
            }
          ]
        }
      },
      volumeClaimTemplates: [
        {
          metadata: { name: "data" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "384Mi" } } }
        }
      ]
    }
  }
]

/** Runs SQL in a member, as root. */
export const sql = (namespace: string, pod: string, words: string): Promise<string> =>
  kubectl([
    "exec",
    "-n",
    namespace,
    pod,
    "--",
    "sh",
    "-c",
    `MYSQL_PWD=$MARIADB_ROOT_PASSWORD mariadb -u root -N -e "${words}"`
  ])

/** `db` with so many members, ready, each with an empty table of rounds. */
export const installMariadb = async (namespace: string, replicas: number): Promise<void> => {
  await kubectl(["apply", "-n", namespace, "-f", "-"], list(set(replicas)))
  await kubectl(["rollout", "status", "sts/db", "-n", namespace, "--timeout=120s"])
  const pods = Array.from({ length: replicas }, (_, ordinal) => `db-${ordinal}`)
  const table = "create database shop; create table shop.rounds (n int primary key)"
  await Promise.all(pods.map((pod) => sql(namespace, pod, table)))
}

/** Goes round db-0 and db-1 with n = 1, 2, 3…, each committed before the next. */
export const startRounds = async (namespace: string): Promise<void> => {
  // A member that is ready has no name yet, until its endpoint is published and DNS has seen that.
  const rounds = `set -e
    for i in 0 1; do until mariadb -h db-$i.db -u root -e "select 1" >/dev/null 2>&1; do sleep 0.1; done; done
    join() { mkfifo /tmp/to$1 /tmp/from$1; mariadb -h db-$1.db -u root -N --unbuffered shop </tmp/to$1 >/tmp/from$1 & }
    join 0; exec 3>/tmp/to0 4</tmp/from0
    join 1; exec 5>/tmp/to1 6</tmp/from1
    say() { echo "insert into rounds values ($n); select $n;" >&$1; read -r answer <&$2; [ "$answer" = "$n" ]; }
    n=1
    while :; do say 3 4; say 5 6; n=$((n + 1)); done`
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
          env: [{ name: "MYSQL_PWD", ...secretKey }]
        }
      ]
    }
  }
  await kubectl(["apply", "-n", namespace, "-f", "-"], list([pod]))
  await until("the writer has gone round 100 times", async () =>
    Number(await sql(namespace, "db-1", "select count(*) from shop.rounds")) > 100 ? true : null
  )
}

/** The highest n of each restored volume, by its claim's name; fails where one has a gap. */
export const restoredRounds = async (
  namespace: string,
  of: string,
  snapshots: Readonly<Record<string, string>>
): Promise<ReadonlyArray<number>> => {
  const n = ["-n", namespace]
  const claims = Object.keys(snapshots).toSorted()
  const copies = claims.map((claim) => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: `${of}-${claim}-copy` },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "384Mi" } },
      dataSource: { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: snapshots[claim] }
    }
  }))
  const one = (claim: string) =>
    `mariadbd --no-defaults --skip-grant-tables --skip-networking --datadir=/restored/${claim}/data --socket=/tmp/${claim} --pid-file=/tmp/${claim}.pid --innodb-buffer-pool-size=16M >/tmp/log 2>&1 &
     until v=$(mariadb -S /tmp/${claim} -N -e "select max(n) = count(*), max(n) from shop.rounds" 2>/dev/null); do kill -0 $! || { cat /tmp/log; exit 1; }; sleep 0.2; done
     echo "${claim} $v"; kill $!; wait`
  const name = `${of}-reader`
  const reader = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 0,
      securityContext: asMariadb,
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
  return claims.map((claim) => {
    const line = said.split("\n").find((each) => each.startsWith(`${claim} `)) ?? assert.fail(said)
    const [, isWhole, highest] = line.split(/\s+/)
    assert.equal(isWhole, "1", `${of}: ${claim} has gaps: ${said}`)
    return Number(highest)
  })
}
