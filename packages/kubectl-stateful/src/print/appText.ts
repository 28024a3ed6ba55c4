/** The name of an application in results. */
import type { AppRef } from "@kubectl-stateful/sdk/App"

/** `statefulset.apps/db`, or the selector. */
export const appText = (app: AppRef): string =>
  app._tag === "StatefulSet" ? `statefulset.apps/${app.name}` : app.selector
