/** A real PostgreSQL whose goodbye and hello leave a row with their time in the member's own database. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { kubectl } from "./commands.ts"

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
