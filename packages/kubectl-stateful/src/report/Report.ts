/** What a report is made of, as one plain value: `-o json` prints it, and the page is a function of it. */
import { type AppRef, nameOf } from "@kubectl-stateful/sdk/App"
import type { AppDocument } from "@kubectl-stateful/sdk/AppDocument"
import type { Cluster, ClusterError } from "@kubectl-stateful/sdk/Cluster"
import * as Journal from "@kubectl-stateful/sdk/operation/Journal"
import { wayOn } from "@kubectl-stateful/sdk/operation/OperationId"
import { isOver } from "@kubectl-stateful/sdk/operation/Phase"
import * as Snapshot from "@kubectl-stateful/sdk/Snapshot"
import { freezeOf, type FreezeWindow } from "@kubectl-stateful/sdk/SnapshotFreeze"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { appDocument } from "../print/document.ts"
import type { Answered } from "../print/list.ts"
import { operationDocument } from "../print/operation.ts"
import { type StepState, stepStates } from "../print/operationPage.ts"
import { clean } from "./credentials.ts"
import { eachText } from "./eachText.ts"

type ListedSnapshot = Snapshot.Listed["summary"] & Omit<Snapshot.Listed, "summary">

/** An operation with its steps, and the window in which members were quiesced. */
export interface ReportedOperation extends ReturnType<typeof operationDocument> {
  readonly steps: ReadonlyArray<StepState>
  readonly freeze: FreezeWindow | null
  /** How to continue or roll back; `null` if it is finished. */
  readonly next: string | null
}

/** A part that may not be readable: then why not. */
export type Part<A> = { readonly items: ReadonlyArray<A>; readonly unread: ReadonlyArray<string> }

export interface Report {
  readonly apiVersion: "kubectl-stateful.dev/v1"
  readonly kind: "Report"
  /** The time at which it was made. */
  readonly created: string
  readonly application: AppDocument
  /** Newest first. */
  readonly snapshots: Part<ListedSnapshot>
  /** Newest first. */
  readonly operations: Part<ReportedOperation>
}

/** The snapshots and journals that were read with the application, by one clock. */
export interface Parts {
  readonly snapshots: Part<Snapshot.Listed>
  readonly operations: Part<Journal.Entry>
  readonly created: string
}

/** Pure: the same state, parts and time give the same report. */
export const reportOf = (app: Answered, { snapshots, operations, created }: Parts): Report =>
  clean({
    apiVersion: "kubectl-stateful.dev/v1",
    kind: "Report",
    created,
    application: appDocument(app),
    snapshots: {
      items: snapshots.items.map(({ summary, ...rest }) => ({ ...summary, ...rest })),
      unread: snapshots.unread
    },
    operations: {
      items: operations.items.map((entry) => ({
        ...operationDocument(entry),
        steps: stepStates(entry),
        freeze: freezeOf(entry),
        next: isOver(entry.status.phase) ? null : wayOn(entry.plan)
      })),
      unread: operations.unread
    }
  })

/** With flags in our own commands; what the cluster says of the application stays as it is. */
export const carrying = (report: Report, carry: (text: string) => string): Report => ({
  ...report,
  application: { ...report.application, checklist: eachText(report.application.checklist, carry) },
  snapshots: eachText(report.snapshots, carry),
  operations: eachText(report.operations, carry)
})

/** Not readable is no reason to have no report. */
const orUnread = <A>(
  what: string,
  read: Effect.Effect<Part<A>, ClusterError, Cluster>
): Effect.Effect<Part<A>, never, Cluster> =>
  Effect.catch(read, ({ message }) => Effect.succeed({ items: [], unread: [`${what}: ${message}`] }))

const isOf =
  (ref: AppRef, sets: ReadonlyArray<string>) =>
  ({ summary: { app } }: Snapshot.Listed): boolean =>
    nameOf(app) === nameOf(ref) || (app._tag === "StatefulSet" && sets.includes(app.name))

/** Reads the snapshots and operations of an application that was read, and makes its report. */
export const readReport = (app: Answered): Effect.Effect<Report, never, Cluster> =>
  Effect.gen(function* () {
    const { namespace, ref, workloads } = app.state
    const sets = workloads.flatMap(({ kind, name }) => (kind === "StatefulSet" ? [name] : []))
    const [snapshots, operations] = yield* Effect.all(
      [
        orUnread(
          "snapshots",
          Effect.map(Snapshot.listReadable(namespace), (all) => ({
            items: all.snapshots.filter(isOf(ref, sets)),
            unread: all.unreadable.map(({ error }) => error.message)
          }))
        ),
        orUnread(
          "operations",
          Effect.map(Journal.listReadable(namespace), ({ entries, unreadable }) => ({
            items: entries.filter(
              ({ plan }) =>
                nameOf(plan.app) === nameOf(ref) ||
                plan.guards.some(
                  (guard) =>
                    guard.kind === "StatefulSet" && guard.namespace === namespace && sets.includes(guard.name)
                )
            ),
            unread: unreadable.map(({ error }) => error.message)
          }))
        )
      ],
      { concurrency: 2 }
    )
    const created = DateTime.formatIso(yield* DateTime.now)
    return reportOf(app, { snapshots, operations, created })
  })
