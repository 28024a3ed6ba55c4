/** From a PATCH to a function over the object as JSON. */
import type { Request } from "@kubectl-stateful/sdk/Cluster"
import { goName, parseJson } from "./Decode.ts"
import { isObject } from "../apimachinery/Json.ts"
import * as JsonPatch from "./JsonPatch.ts"
import { merge, strategicMerge } from "./MergePatch.ts"
import type { Draft } from "../apimachinery/KubeObject.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"
import {
  badRequest,
  notImplemented,
  Refusal,
  unpatchable,
  unroutableMediaType,
  unsupportedMediaType
} from "../apimachinery/Status.ts"

const strategic = "application/strategic-merge-patch+json"

const patchTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  strategic,
  "application/apply-patch+yaml"
] as const

export const patch = (request: Request, type: ResourceType): ((value: unknown) => unknown) => {
  const contentType = (request.headers?.["content-type"] ?? "").split(";")[0]?.trim()
  const known = patchTypes.find((each) => each === contentType)
  if (known === "application/apply-patch+yaml") throw notImplemented("server-side apply")
  if (known === undefined && !type.custom) throw unroutableMediaType()
  if (known === undefined || (type.custom && known === strategic)) {
    throw unsupportedMediaType(patchTypes.filter((each) => !type.custom || each !== strategic))
  }
  const complain = (why: string) => (known === strategic ? why : `error decoding patch: ${why}`)
  const body = parseJson(request.body, complain)
  if (known === "application/json-patch+json") {
    const operations = JsonPatch.parse(body)
    return (value) => JsonPatch.apply(operations, value)
  }
  if (body === null) {
    if (known === strategic) return (value) => value
    throw badRequest("Invalid JSON Patch")
  }
  if (!isObject(body)) {
    throw badRequest(
      complain(`json: cannot unmarshal ${goName(body)} into Go value of type map[string]interface {}`)
    )
  }
  return known === "application/merge-patch+json"
    ? (value) => merge(value, body)
    : (value) => strategicMerge(value, body)
}

/** A patch's result that does not decode is the patch's fault. */
export const patched = (decoded: () => Draft): Draft => {
  try {
    return decoded()
  } catch (refusal) {
    const why = refusal instanceof Refusal && refusal.status.code === 400 ? refusal.status.message : undefined
    const found =
      why === undefined
        ? null
        : /(json: cannot unmarshal|no kind|illegal base64|quantities must|parsing time).*$/.exec(why)
    throw found === null ? refusal : unpatchable(found[0])
  }
}
