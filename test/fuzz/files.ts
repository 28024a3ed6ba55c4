/** What is read from files that others wrote: manifests, profiles, kubeconfigs, exported snapshots, records. */
import { rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isDeepStrictEqual } from "node:util"
import { threadId } from "node:worker_threads"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Usage } from "../../packages/kubectl-stateful/src/command/usage.ts"
import { setsIn } from "../../packages/kubectl-stateful/src/flags/filename.ts"
import { access } from "../../packages/sdk/src/kubernetes/index.ts"
import { parseYaml } from "../../packages/sdk/src/Manifest.ts"
import { OperationError } from "../../packages/sdk/src/operation/OperationError.ts"
import * as Profile from "../../packages/sdk/src/Profile.ts"
import { open, seal } from "../../packages/sdk/src/snapshot/file.ts"
import { strange } from "../../packages/sdk/src/snapshot/forgery.ts"
import { plan } from "../../packages/sdk/src/snapshot/importPlan.ts"
import { decode, encode, SnapshotRecord, summaryOf } from "../../packages/sdk/src/step/record.ts"
import { canary, kubeconfigs, manifests, profiles, record } from "./corpus.ts"
import { bytesOf, mutations, valueOf } from "./mutation.ts"
import { target, type Verdict } from "./target.ts"

/** In a file that is there as long as it is read. */
const inFile = <A, E>(
  bytes: Uint8Array,
  read: (path: string) => Effect.Effect<A, E>
): Effect.Effect<A, E> => {
  const path = join(tmpdir(), `kubectl-stateful-fuzz-${process.pid}-${threadId}`)
  return Effect.acquireUseRelease(
    Effect.sync(() => writeFileSync(path, bytes, { mode: 0o600 })),
    () => read(path),
    () => Effect.sync(() => rmSync(path, { force: true }))
  )
}

const oneLine = (message: string): Verdict =>
  /[\n\r]/.test(message) ? `a fault in several lines: ${message}` : null

/** A fault is one line that says nothing of what is secret. */
const told = (message: string): Verdict =>
  message.includes(canary.slice(0, 8)) ? "a fault that tells a secret" : oneLine(message)

export const manifest = target(
  "manifest",
  "manifests, as -f reads them",
  mutations,
  (mutation): Effect.Effect<Verdict> =>
    inFile(bytesOf(manifests, mutation), (path) =>
      Effect.tryPromise(() => setsIn(path, undefined)).pipe(
        Effect.map((sets) =>
          sets.every(({ name }) => typeof name === "string") ? null : "a name that is none"
        ),
        Effect.catch(({ cause }) =>
          Effect.succeed(
            cause instanceof Usage ? told(cause.message) : `it threw ${String(cause).slice(0, 300)}`
          )
        )
      )
    ),
  4
)

export const profile = target(
  "profile",
  "profiles, as --profile reads them",
  mutations,
  (mutation): Effect.Effect<Verdict> =>
    parseYaml(bytesOf(profiles, mutation).toString("utf8")).pipe(
      Effect.map((content) => {
        const read = Profile.read("a.yaml", content)
        if (Result.isFailure(read)) return oneLine(read.failure)
        Profile.seedFromFile("a.yaml", content)
        Profile.restoringFromFile("a.yaml", content)
        return typeof Profile.fileOf(read.success.file) === "object" ? null : "no file"
      }),
      Effect.catchTag("ManifestError", ({ message }) => Effect.succeed(told(message)))
    ),
  4
)

export const kubeconfig = target(
  "kubeconfig",
  "kubeconfigs",
  mutations,
  (mutation): Effect.Effect<Verdict> =>
    inFile(bytesOf(kubeconfigs, mutation), (path) =>
      access({ kubeconfig: path, environment: {} }).pipe(
        Effect.map(({ cluster }) => (typeof cluster.server === "string" ? null : "no server")),
        Effect.catchTag("ClusterError", ({ reason, message, action = "" }) =>
          Effect.succeed(
            reason._tag === "Config" ? (told(message) ?? told(action)) : `a fault of ${reason._tag}`
          )
        )
      )
    ),
  4
)

const ground = { namespace: "shop", cluster: "c", isThere: false, snapshots: [], contents: [], drivers: null }

/** Whether an edit has put a secret where a record has none: what is there may be shown. */
const isElsewhere = (whole: SnapshotRecord): boolean => {
  const { operation, members, waves } = whole.quiesced ?? {}
  const rest = { ...whole, objects: [], quiesced: undefined }
  return JSON.stringify([rest, operation, members, waves?.profile]).includes(canary)
}

/** What an import does with a record before it asks a cluster. */
const brought = (content: unknown): Verdict => {
  const decoded = Schema.decodeUnknownResult(SnapshotRecord)(content)
  if (Result.isFailure(decoded)) return null
  const whole = decoded.success
  const isStrange = strange(whole, "shop")
  if (isStrange !== null) return oneLine(isStrange)
  const head = { apiVersion: "kubectl-stateful.dev/v1", kind: "SnapshotExport", cluster: "c" } as const
  const planned = plan({ ...head, record: whole }, ground, "0badcafe", {})
  const shown = JSON.stringify([summaryOf(whole), planned.plan])
  return shown.includes(canary) && !isElsewhere(whole) ? "a list or a plan that tells a secret" : null
}

export const recordBytes = target(
  "record-bytes",
  "records of snapshots, damaged",
  mutations,
  (mutation): Verdict => {
    const bytes = bytesOf(
      encode(record).map((part) => Buffer.from(part, "base64")),
      mutation
    )
    const content = Result.try(() => decode([bytes.toString("base64")]))
    return Result.isFailure(content) ? null : brought(content.success)
  }
)

export const recordValues = target(
  "record",
  "records of snapshots, forged",
  mutations,
  (mutation): Verdict => {
    const forged = valueOf([record], mutation)
    const [first = "", ...more] = encode(forged as SnapshotRecord)
    return brought(decode([first, ...more]))
  }
)

// Made once: it takes longer than all that is asked of it.
const sealed = Effect.runSync(
  Effect.cached(
    Effect.gen(function* () {
      const age = yield* Effect.promise(() => import("age-encryption"))
      const identity = yield* Effect.promise(() => age.generateX25519Identity())
      const recipient = yield* Effect.promise(() => age.identityToRecipient(identity))
      const content = {
        apiVersion: "kubectl-stateful.dev/v1",
        kind: "SnapshotExport",
        cluster: null,
        record
      } as const
      return { identity, content, file: yield* seal(content, { recipients: [recipient] }) }
    })
  )
)

/** Whatever is done to a file, it opens as what was sealed, or not at all. */
export const exported = target(
  "export",
  "exported snapshots",
  mutations,
  (mutation): Effect.Effect<Verdict> =>
    Effect.gen(function* () {
      const { identity, content, file } = yield* Effect.orDie(sealed)
      const opened = yield* Effect.result(open(bytesOf([file], mutation), { identities: [identity] }))
      if (Result.isFailure(opened))
        return opened.failure instanceof OperationError ? told(opened.failure.message) : "another error"
      return isDeepStrictEqual(opened.success, content) ? null : "it opens as something else"
    }),
  20
)
