/** Configuration that a restore has replaced: as it was before it is in a record, which the StatefulSet names. */
import * as Schema from "effect/Schema"
import { isOperationId } from "../../operation/OperationId.ts"
import type { AppState } from "../AppState.ts"
import type { AppWorkload } from "../AppWorkload.ts"
import { configBeforeAnnotation } from "../../Labels.ts"

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ operation: Schema.String })))

export const observeKeptConfig = (appWorkloads: ReadonlyArray<AppWorkload>): AppState["keptConfig"] =>
  appWorkloads.flatMap(({ key, metadata }) => {
    const found = decode(metadata.annotations?.[configBeforeAnnotation])
    return found._tag === "Some" && isOperationId(found.value.operation)
      ? [{ workload: key, operation: found.value.operation }]
      : []
  })
