/** A real PostgreSQL whose goodbye and hello leave a row with their time in the member's own database. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert } from "vitest"
import { kubectl } from "./commands.ts"
import { until } from "./neighbour.ts"

const manifest = readFileSync(new URL("../manifests/postgres.yaml", import.meta.url), "utf8")

const table = "create table if not exists said (what text, pod text, ordinal int, fqdn text, at timestamptz)"
const say = (what: string) =>
  `insert into said values ('${what}', '{pod}', {ordinal}, '{fqdn}', clock_timestamp())`

/** `before`: what the hello does first, as SQL or as a shell's words. */
export interface Manners {
  readonly helloWaitsFor?: string
  readonly helloTakes?: number
}

/** A profile file: goodbye writes its row and a checkpoint, so that a pod leaves with all on disk. */
export const profile = (manners: Manners = {}): string => {
  const sql = (...commands: ReadonlyArray<string>) => [
    "psql",
    "-U",
    "postgres",
    "-qv",
    "ON_ERROR_STOP=1",
    ...commands.flatMap((each) => ["-c", each])
  ]
  const waiting =
    manners.helloWaitsFor === undefined
      ? []
      : ["sh", "-c", `until [ -e ${manners.helloWaitsFor} ]; do sleep 0.2; done; exec "$@"`, "hello"]
  const asked = `select 1 / count(*) from said where at = (select max(at) from said) and what = 'hello'`
  const file = join(mkdtempSync(join(tmpdir(), "kubectl-stateful-profile-")), "profile.json")
  const hooks = {
    beforeRemove: { command: sql(table, say("goodbye"), "checkpoint"), timeout: "30s" },
    afterAdd: {
      command: [...waiting, ...sql(table, `select pg_sleep(${manners.helloTakes ?? 0})`, say("hello"))],
      timeout: "60s"
    },
    probe: {
      command: [
        "sh",
        "-c",
        `psql -U postgres -qv ON_ERROR_STOP=1 -c "$1" >/dev/null || exit 1`,
        "probe",
        asked
      ]
    }
  }
  writeFileSync(file, JSON.stringify({ apiVersion: "kubectl-stateful.dev/v1", kind: "Profile", hooks }))
  return file
}

export const query = async (namespace: string, pod: string, sql: string): Promise<string> =>
  (await kubectl(["exec", "-n", namespace, pod, "--", "psql", "-U", "postgres", "-Atqc", sql])).trim()

/** What was said in a member, oldest first: `goodbye 1763685000.123456`. */
export const said = async (
  namespace: string,
  pod: string
): Promise<ReadonlyArray<{ readonly what: string; readonly at: number; readonly to: string }>> => {
  const rows = await query(
    namespace,
    pod,
    "select what, extract(epoch from at), pod || ' ' || ordinal || ' ' || fqdn from said order by at"
  )
  return rows
    .split("\n")
    .filter(Boolean)
    .map((row) => {
      const [what = "", at = "", to = ""] = row.split("|")
      return { what, at: Number(at), to }
    })
}

/** `db` with so many replicas, ready. */
export const install = async (namespace: string, replicas: number): Promise<void> => {
  await kubectl(
    ["apply", "-n", namespace, "-f", "-"],
    manifest.replace("\n  replicas: 3\n", `\n  replicas: ${replicas}\n`)
  )
  await kubectl(["rollout", "status", "sts/db", "-n", namespace, "--timeout=180s"])
}

/** The same with data and WAL on one volume, and no claim for the WAL. */
const oneVolume = manifest
  .replace(/\n +- \{ name: WAL_DIR.*/, "")
  .replace(/\n +- \{ name: wal, mountPath.*/, "")
  .replace(/\n +- metadata: \{ name: wal \}[\s\S]*$/, "\n")

/** `db` with so many primaries, ready, each with all it has on one volume. */
export const installOneVolume = async (namespace: string, replicas: number): Promise<void> => {
  const text = oneVolume.replace(
    "\n  replicas: 3\n",
    `\n  replicas: ${replicas}\n  podManagementPolicy: Parallel\n`
  )
  await kubectl(["apply", "-n", namespace, "-f", "-"], text)
  await kubectl(["rollout", "status", "sts/db", "-n", namespace, "--timeout=180s"])
}

/** A set `standby` of one member: a hot standby of db-0, which streams from it. */
export const installStandby = async (namespace: string): Promise<void> => {
  const allowed =
    "echo 'host replication all all scram-sha-256' >>$PGDATA/pg_hba.conf && pg_ctl reload >/dev/null"
  await kubectl(["exec", "-n", namespace, "db-0", "--", "sh", "-c", allowed])
  const copy = `[ -s $PGDATA/PG_VERSION ] || PGPASSWORD=$POSTGRES_PASSWORD pg_basebackup -h db-0.db -U postgres -D $PGDATA -R -X stream -c fast
    exec postgres -c config_file=/etc/postgresql/postgresql.conf`
  const [set = ""] = oneVolume.split(/\n---\n/).filter((each) => each.includes("kind: StatefulSet"))
  const text = set
    .replace("name: db, labels: { app: db }", "name: standby, labels: { app: standby }")
    .replaceAll("{ app: db }", "{ app: standby }")
    .replace("\n  replicas: 3\n", "\n  replicas: 1\n")
    .replace(/args: \[postgres, .*\]/, `command: [sh, -c, ${JSON.stringify(copy)}]`)
  await kubectl(["apply", "-n", namespace, "-f", "-"], text)
  await kubectl(["rollout", "status", "sts/standby", "-n", namespace, "--timeout=120s"])
  assert.equal(await query(namespace, "standby-0", "select pg_is_in_recovery()"), "t")
}

/** Commits n = 1, 2, 3… on each member, and updates and deletes beside that, so that pages change all over. */
export const startWriter = async (namespace: string, members: number): Promise<void> => {
  const table =
    "create extension if not exists amcheck; create table rounds (n int primary key, what text); create table churn (k int primary key, v text)"
  const pods = Array.from({ length: members }, (_, ordinal) => `db-${ordinal}`)
  await Promise.all(pods.map((pod) => query(namespace, pod, table)))
  const one = (pod: string) =>
    `n=1; while :; do echo "insert into rounds values ($n, repeat('x', 500)); insert into churn values ($n % 997, repeat('y', 900)) on conflict (k) do update set v = excluded.v || $n % 10;"; n=$((n + 1)); [ $((n % 100)) -gt 0 ] || echo "checkpoint;"; sleep 0.02; done | psql -h ${pod}.db -q -v ON_ERROR_STOP=1`
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "writer" },
    spec: {
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: "writer",
          image: "docker.io/local/postgres:1",
          imagePullPolicy: "Never",
          command: ["sh", "-c", `${pods.map((name) => `(${one(name)}) &`).join("\n")}\nwait`],
          env: [{ name: "PGPASSWORD", valueFrom: { secretKeyRef: { name: "db-pass", key: "password" } } }]
        }
      ]
    }
  }
  await kubectl(["apply", "-n", namespace, "-f", "-"], JSON.stringify(pod))
  await Promise.all(
    pods.map((name) =>
      until(`the writer has written to ${name}`, async () =>
        (await highest(namespace, name)) > 100 ? true : null
      )
    )
  )
}

/** Has a table on the volume of the WAL, by a tablespace, while it is written to. */
export const moveToTablespace = async (namespace: string, pod: string): Promise<void> => {
  const path = "/var/lib/postgresql/wal/tables"
  await kubectl(["exec", "-n", namespace, pod, "--", "mkdir", path])
  await query(namespace, pod, `create tablespace apart location '${path}'`)
  await query(namespace, pod, "alter table churn set tablespace apart")
  await query(namespace, pod, "alter index churn_pkey set tablespace apart")
}

/** What a member has committed by now. */
export const highest = async (namespace: string, pod: string): Promise<number> =>
  Number(await query(namespace, pod, "select coalesce(max(n), 0) from rounds"))

/** Its highest row; every row up to that is there, and the indexes have every row. */
export const sound = async (namespace: string, pod: string): Promise<number> => {
  const all = await query(
    namespace,
    pod,
    "select bt_index_check('rounds_pkey', true), bt_index_check('churn_pkey', true); select count(*) = max(n), max(n) from rounds"
  )
  const [isWhole, top] = all.split("\n").at(-1)?.split("|") ?? []
  assert.equal(isWhole, "t", `${pod} has gaps: ${all}`)
  return Number(top)
}

/** What a restored volume says of itself. */
export interface Restored {
  readonly highest: number
  readonly wasStandby: boolean
}

/**
 * Starts a server on a copy of each set of volumes, by its own files alone: a standby finds no primary. Each must
 * recover, have every row up to its highest, sound indexes with every row in them, and take writes once promoted.
 */
export const restored = async (
  namespace: string,
  of: string,
  copies: Readonly<Record<string, ReadonlyArray<{ readonly mount: string; readonly snapshot: string }>>>
): Promise<Readonly<Record<string, Restored>>> => {
  const n = ["-n", namespace]
  const volumes = Object.entries(copies).flatMap(([name, all]) =>
    all.map(({ mount, snapshot }) => ({ name, mount, snapshot, claim: `${of}-${name}-${mount}` }))
  )
  const claims = volumes.map(({ claim, snapshot }) => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: claim },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "256Mi" } },
      dataSource: { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: snapshot }
    }
  }))
  const sound =
    "select count(*) = max(n) and max(n) is not null from rounds; select max(n) from rounds; select bt_index_check('rounds_pkey', true), bt_index_check('churn_pkey', true)"
  const one = (name: string) => `
    d=/r/${name}/data/pgdata; chmod 700 $d; rm -f $d/postmaster.pid
    [ ! -d /r/${name}/wal ] || { rm $d/pg_wal; ln -s /r/${name}/wal/pg_wal $d/pg_wal; }
    s=primary; [ ! -e $d/standby.signal ] || s=standby
    mkdir -p /tmp/${name}
    postgres -D $d -c listen_addresses= -c unix_socket_directories=/tmp/${name} -c jit=off -c primary_conninfo= -c shared_buffers=16MB >/tmp/${name}/log 2>&1 & p=$!
    q() { psql -h /tmp/${name} -Atqv ON_ERROR_STOP=1 -c "$1"; }
    i=0; until q 'select 1' >/dev/null 2>&1; do i=$((i+1)); kill -0 $p && [ $i -lt 150 ] || { echo "${name} does not start:"; cat /tmp/${name}/log; exit 1; }; sleep 0.2; done
    [ $s = primary ] || q 'select pg_promote()' >/dev/null
    v=$(q "${sound}") || { echo "${name} is not sound"; cat /tmp/${name}/log; exit 1; }
    q "insert into rounds values (0, ''); checkpoint" || exit 1
    echo "${name} $s" $v; kill -INT $p; wait $p || true`
  const reader = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `${of}-reader` },
    spec: {
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 0,
      securityContext: {
        runAsUser: 999,
        runAsGroup: 999,
        fsGroup: 999,
        fsGroupChangePolicy: "OnRootMismatch"
      },
      containers: [
        {
          name: "reader",
          image: "docker.io/local/postgres:1",
          imagePullPolicy: "Never",
          command: ["sh", "-c", Object.keys(copies).map(one).join("\n")],
          volumeMounts: volumes.map(({ name, mount, claim }) => ({
            name: claim,
            mountPath: `/r/${name}/${mount}`
          }))
        }
      ],
      volumes: volumes.map(({ claim }) => ({ name: claim, persistentVolumeClaim: { claimName: claim } }))
    }
  }
  await kubectl(
    ["apply", ...n, "-f", "-"],
    JSON.stringify({ apiVersion: "v1", kind: "List", items: [...claims, reader] })
  )
  const wait = [
    "wait",
    `pod/${of}-reader`,
    ...n,
    "--for=jsonpath={.status.phase}=Succeeded",
    "--timeout=150s"
  ]
  const ended = await kubectl(wait).catch((error: Error) => error)
  const said = await kubectl(["logs", ...n, `${of}-reader`])
  if (ended instanceof Error) assert.fail(`${ended.message}: ${said}`)
  return Object.fromEntries(
    Object.keys(copies).map((name) => {
      const line = said.split("\n").find((each) => each.startsWith(`${name} `)) ?? assert.fail(said)
      const [, kind, isWhole, top] = line.split(/\s+/)
      assert.equal(isWhole, "t", `${of}: ${name} has gaps: ${said}`)
      return [name, { highest: Number(top), wasStandby: kind === "standby" }]
    })
  )
}
