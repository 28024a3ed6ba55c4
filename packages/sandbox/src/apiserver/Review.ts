/** Reviews: creates that store nothing and return the user's permissions, or the user. */
import * as Access from "./Access.ts"
import { type Answer, json } from "./Answer.ts"
import { isObject, stringAt } from "../apimachinery/Json.ts"
import type { Draft } from "../apimachinery/KubeObject.ts"
import { resourceType, type ResourceType } from "../apimachinery/ResourceType.ts"
import { badRequest, invalid, type Refusal } from "../apimachinery/Status.ts"
import { type FieldError, wrong } from "../apimachinery/FieldError.ts"

const given = (value: string | undefined): boolean => value !== undefined && value !== ""

/** The resource that a kind of review is created through. */
export const reviewType = (kind: string): ResourceType => {
  const group = kind === "SelfSubjectReview" ? "authentication.k8s.io" : "authorization.k8s.io"
  return resourceType(group, "v1", `${kind.toLowerCase()}s`, kind, { custom: false })
}

/** The server names no kind here. */
const senseless = (fault: FieldError): Refusal =>
  invalid({ ...reviewType("SelfSubjectAccessReview"), kind: "" }, "", [fault])

/** Throws unless exactly one of the two is asked. */
const checkAsked = (resource: unknown, path: unknown): void => {
  if (isObject(resource) && isObject(path)) {
    const shown = { Path: stringAt(path, "path") ?? "", Verb: stringAt(path, "verb") ?? "" }
    throw senseless(
      wrong("spec.nonResourceAttributes", shown, "cannot be specified in combination with resourceAttributes")
    )
  }
  if (!isObject(resource) && !isObject(path)) {
    throw senseless(
      wrong(
        "spec.resourceAttributes",
        null,
        "exactly one of nonResourceAttributes or resourceAttributes must be specified"
      )
    )
  }
}

export const review = (user: Access.User, kind: string, body: Draft): Answer => {
  const spec = isObject(body.spec) ? body.spec : {}
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
  checkAsked(attributes, spec["nonResourceAttributes"])
  if (!isObject(attributes)) {
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
