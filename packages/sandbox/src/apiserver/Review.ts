/** Reviews: creates that store nothing and return the user's permissions, or the user. */
import * as Access from "./Access.ts"
import { type Answer, json } from "./Answer.ts"
import { isObject, stringAt } from "../apimachinery/Json.ts"
import { resourceType } from "../apimachinery/ResourceType.ts"
import { badRequest, invalid, type Refusal } from "../apimachinery/Status.ts"
import { wrong } from "../apimachinery/FieldError.ts"

const given = (value: string | undefined): boolean => value !== undefined && value !== ""

const nothingAsked = (kind: string): Refusal =>
  invalid(resourceType("authorization.k8s.io", "v1", "", kind, { custom: false }), "", [
    wrong(
      "spec.resourceAttributes",
      null,
      "exactly one of nonResourceAttributes or resourceAttributes must be specified"
    )
  ])

export const review = (user: Access.User, kind: string, body: unknown): Answer => {
  if (!isObject(body) || (stringAt(body, "kind") ?? kind) !== kind) {
    throw badRequest(`the object provided is unrecognized (must be of type ${kind})`)
  }
  const spec = isObject(body["spec"]) ? body["spec"] : {}
  const head = { kind, metadata: {} }
  if (kind === "SelfSubjectReview") {
    return json(
      {
        ...head,
        apiVersion: "authentication.k8s.io/v1",
        status: { userInfo: { username: user.name, groups: user.groups ?? ["system:authenticated"] } }
      },
      201
    )
  }
  const apiVersion = "authorization.k8s.io/v1"
  if (kind === "SelfSubjectRulesReview") {
    const namespace = stringAt(spec, "namespace") ?? ""
    if (namespace === "") throw badRequest("no namespace on request")
    return json(
      {
        ...head,
        apiVersion,
        spec: {},
        status: { resourceRules: Access.rulesIn(user, namespace), nonResourceRules: [], incomplete: false }
      },
      201
    )
  }
  const attributes = spec["resourceAttributes"]
  if (!isObject(attributes)) {
    if (!isObject(spec["nonResourceAttributes"])) throw nothingAsked(kind)
    // Paths that name no resource are open to all who are known.
    return json({ ...head, apiVersion, spec, status: { allowed: true } }, 201)
  }
  const [subresource, namespace, name] = [
    stringAt(attributes, "subresource"),
    stringAt(attributes, "namespace"),
    stringAt(attributes, "name")
  ]
  const allowed = Access.isAllowed(user, {
    verb: stringAt(attributes, "verb") ?? "",
    group: stringAt(attributes, "group") ?? "",
    resource: stringAt(attributes, "resource") ?? "",
    ...(subresource !== undefined && given(subresource) ? { subresource } : {}),
    ...(namespace !== undefined && given(namespace) ? { namespace } : {}),
    ...(name !== undefined && given(name) ? { name } : {})
  })
  return json({ ...head, apiVersion, spec, status: { allowed } }, 201)
}
