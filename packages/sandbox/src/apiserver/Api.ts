/** The API server: from a request to an answer, or to a watch. Synchronous: one request is one step. */
import type { Request } from "@kubectl-stateful/sdk/Cluster"
import * as Access from "./Access.ts"
import { bound } from "./Bindings.ts"
import { type Answer, form, inVersion, json, many, one, refused, warned } from "./Answer.ts"
import { checkSize, decode, excerpt, parseJson } from "./Decode.ts"
import { discovery, notFoundPage, verbsOf } from "./Discovery.ts"
import { evict } from "../registry/Eviction.ts"
import type { FieldNames } from "./FieldNames.ts"
import { at, stringAt } from "../apimachinery/Json.ts"
import type { Draft, KubeObject } from "../apimachinery/KubeObject.ts"
import { list, selectorOf } from "./List.ts"
import { OpenApi, openApiV2 } from "./OpenApi.ts"
import { patch, patched } from "./Patch.ts"
import type { Registry, WriteOptions } from "../registry/Registry.ts"
import { deleteBody, deleteOptions, validationOf, writeOptions } from "./RequestOptions.ts"
import { leases } from "../registry/kinds/index.ts"
import { type ResourceType } from "../apimachinery/ResourceType.ts"
import { review, reviewType } from "./Review.ts"
import { type Route, Router } from "./Route.ts"
import { fromScale, scaleBody, toScale } from "./Scale.ts"
import * as Status from "../apimachinery/Status.ts"
import { Strictness } from "./Strict.ts"
import { unsupported } from "./Unsupported.ts"
import { isTrue, Watch } from "./Watch.ts"
import { shown } from "./WatchForm.ts"

type ResourceRoute = Extract<Route, { readonly _tag: "Resource" }>

const verbs: Readonly<Record<Request["method"], readonly [named: string, collection: string]>> = {
  GET: ["get", "list"],
  POST: ["create", "create"],
  PUT: ["update", "update"],
  PATCH: ["patch", "patch"],
  DELETE: ["delete", "deletecollection"]
}

/** Subresources that a real server has and the sandbox does not. */
const missing = [
  "attach",
  "binding",
  "ephemeralcontainers",
  "finalize",
  "log",
  "portforward",
  "proxy",
  "resize",
  "token"
]

const queryOf = (request: Request): URLSearchParams =>
  new URLSearchParams((request.query ?? []).map(([key, value]) => [key, value]))

const matchingName = (draft: Draft, name: string): Draft => {
  if (draft.metadata.name !== undefined && draft.metadata.name !== "" && draft.metadata.name !== name) {
    throw Status.badRequest(
      `the name of the object (${draft.metadata.name}) does not match the name on the URL (${name})`
    )
  }
  return draft
}

/** The warnings about a write; throws the 501 of one whose outcome would not be the real one. */
const warningsOf = (type: ResourceType, next: Draft, previous?: Draft): ReadonlyArray<string> => {
  const { refused: field, warning } = unsupported(type, next, previous)
  if (field !== undefined) throw Status.notImplemented(field)
  return warning === undefined ? [] : [warning]
}

type Change = (current: KubeObject) => Draft

export class Api {
  readonly registry: Registry
  readonly #router: Router
  #names: FieldNames | undefined
  #openApi: OpenApi

  constructor(registry: Registry, types: ReadonlyArray<ResourceType>) {
    this.registry = registry
    this.#router = new Router(types)
    this.#openApi = new OpenApi(types, false)
  }

  /** The resources served. */
  get types(): ReadonlyArray<ResourceType> {
    return this.#router.types
  }

  /** From now on unknown fields are distinguished from known ones. */
  learn(names: FieldNames): void {
    this.#names = names
    this.#openApi = new OpenApi(this.types, true)
  }

  isWatch(request: Request): boolean {
    return (
      request.method === "GET" &&
      (request.query ?? []).some(([key, value]) => key === "watch" && isTrue(value))
    )
  }

  handle(request: Request, user: Access.User = Access.admin): Answer {
    try {
      return this.#handle(request, user)
    } catch (refusal) {
      if (refusal instanceof Status.Refusal) return refused(refusal)
      throw refusal
    }
  }

  /** Starts a watch, or returns the response that refuses it. */
  watch(request: Request, user: Access.User = Access.admin): Watch | Answer {
    try {
      const route = this.#router.route(request.path)
      if (route._tag !== "Resource") return this.#handle(request, user)
      const query = queryOf(request)
      this.#authorize(user, request, route, query)
      const { type, version, namespace, name, subresource } = route
      if (subresource !== undefined) throw Status.methodNotAllowed()
      // The server passes over the wish and answers the object alone, which is no watch.
      if (name !== undefined)
        throw Status.notImplemented("a watch of one object by its path; select it by field")
      const show = shown(type, form(request.headers?.["accept"]), query, this.registry.now)
      return new Watch(this.registry.store, type, version, namespace, name, query, show)
    } catch (refusal) {
      if (refusal instanceof Status.Refusal) return refused(refusal)
      throw refusal
    }
  }

  /** Throws the 403 of an exec that this user may not do, or the 404 of a pod that is not there. */
  authorizeExec(user: Access.User, namespace: string, pod: string): void {
    const type = this.#router.type("", "pods")
    if (type === undefined) throw Status.notImplemented("pods")
    // Both since 1.35: over WebSocket an exec is a GET that acts (kubernetes PR 134577).
    for (const verb of ["create", "get"]) {
      const attempt = { verb, group: "", resource: "pods", subresource: "exec", namespace, name: pod }
      this.#decide(user, type, attempt)
    }
  }

  /** Throws the 403 of what no rule allows. */
  #decide(user: Access.User, type: ResourceType, attempt: Access.Attempt): void {
    if (!Access.isAllowed(bound(this.registry.store, user), attempt)) throw Access.denial(user, type, attempt)
  }

  #authorize(user: Access.User, request: Request, route: ResourceRoute, query: URLSearchParams): void {
    const { type, namespace, name, subresource } = route
    const verb = this.isWatch(request) ? "watch" : verbs[request.method][name === undefined ? 1 : 0]
    const named = name ?? /(?:^|,)metadata\.name==?([^,]+)/.exec(query.get("fieldSelector") ?? "")?.[1]
    const attempt: Access.Attempt = {
      verb,
      group: type.group,
      resource: type.resource,
      ...(subresource === undefined ? {} : { subresource }),
      ...(namespace === undefined
        ? type.resource === "namespaces" && name !== undefined
          ? { namespace: name }
          : {}
        : { namespace }),
      ...(named === undefined ? {} : { name: named })
    }
    this.#decide(user, type, attempt)
  }

  #handle(request: Request, user: Access.User): Answer {
    const route = this.#router.route(request.path)
    if (route._tag === "Resource") return this.#resource(request, route, user)
    if (route._tag === "UnknownResource") {
      if (route.custom) return notFoundPage
      throw Status.missingResource()
    }
    if (route._tag === "Review") {
      if (request.method !== "POST") throw Status.methodNotAllowed()
      const body = parseJson(
        request.body,
        (why) =>
          `the object provided is unrecognized (must be of type ${route.kind}): couldn't get version/kind; json parse error: ${why} (${excerpt(request.body ?? "")})`
      )
      const type = reviewType(route.kind)
      const decoded = decode(type, "v1", body)
      const strictness = new Strictness(validationOf(queryOf(request), "CreateOptions"), this.#names)
      const asked = strictness.body(type, "v1", request.body ?? "", decoded)
      return warned(review(bound(this.registry.store, user), route.kind, asked), strictness.warnings)
    }
    if (request.method !== "GET") throw Status.methodNotAllowed()
    const accept = request.headers?.["accept"]
    if (request.path === "/openapi/v2") return openApiV2(accept)
    return this.#openApi.answer(request.path) ?? discovery(this.types, request.path, accept)
  }

  #resource(request: Request, route: ResourceRoute, user: Access.User): Answer {
    const query = queryOf(request)
    this.#authorize(user, request, route, query)
    const { type, subresource, name } = route
    if (subresource !== undefined && !type.subresources.some((each) => each === subresource)) {
      if (type.custom) throw Status.notFound(type, name ?? "")
      if (missing.includes(subresource)) throw Status.notImplemented(`${type.resource}/${subresource}`)
      throw Status.missingResource()
    }
    if (subresource === "exec") throw Status.notImplemented("exec over a plain request; use Cluster.exec")
    if (subresource === "eviction")
      return this.#evict(request, route.namespace ?? "", name ?? "", query, user)
    return name === undefined
      ? this.#collection(request, route, query, user)
      : this.#object(request, route, name, query, user)
  }

  #collection(request: Request, route: ResourceRoute, query: URLSearchParams, user: Access.User): Answer {
    const { type, version, namespace } = route
    const { store } = this.registry
    const { method } = request
    const as = form(request.headers?.["accept"])
    if (method === "GET") {
      const { items, metadata } = list(store, type, namespace, query)
      return json(many(type, version, items, metadata, as, query, this.registry.now()))
    }
    if (method === "PUT" || method === "PATCH" || (type.namespaced && namespace === undefined)) {
      throw Status.methodNotAllowed()
    }
    if (method === "POST") {
      const strictness = new Strictness(validationOf(query, "CreateOptions"), this.#names)
      const decoded = decode(type, version, this.#body(request, type))
      const draft = strictness.body(type, version, request.body ?? "", decoded)
      checkSize(draft, request.body?.length ?? 0)
      const warnings = warningsOf(type, draft)
      const object = this.registry.create(
        type,
        namespace,
        draft,
        writeOptions(request, query, user, "CreateOptions")
      )
      return warned(this.#answer(route, object, as, query, 201), [...strictness.warnings, ...warnings])
    }
    if (!verbsOf(type).includes("deletecollection")) throw Status.methodNotAllowed()
    const options = deleteOptions(deleteBody(request), query, user)
    const deleted = store
      .list(type, namespace)
      .filter(selectorOf(type, query))
      .map((object) => this.registry.remove(type, namespace, object.metadata.name, options).object)
    const metadata = { resourceVersion: String(store.revision) }
    return json(many(type, version, deleted, metadata, as, query, this.registry.now()))
  }

  #object(
    request: Request,
    route: ResourceRoute,
    name: string,
    query: URLSearchParams,
    user: Access.User
  ): Answer {
    const { type, namespace, subresource } = route
    const { method } = request
    const as = form(request.headers?.["accept"], false)
    if (method === "POST" || (method === "DELETE" && subresource !== undefined))
      throw Status.methodNotAllowed()
    if (method === "GET") {
      const asked = query.get("resourceVersion") ?? ""
      if (!/^\d*$/.test(asked)) {
        const shown = JSON.stringify(asked)
        throw Status.plain(
          500,
          `resourceVersion: Invalid value: ${shown}: strconv.ParseUint: parsing ${shown}: invalid syntax`
        )
      }
      const version = Number(asked)
      const { revision } = this.registry.store
      if (version > revision) throw Status.tooLargeVersion(version, revision)
      return this.#answer(route, this.registry.find(type, namespace, name), as, query, 200)
    }
    if (method === "DELETE") {
      const options = deleteOptions(deleteBody(request), query, user)
      const { object, gone } = this.registry.remove(type, namespace, name, options)
      return gone && !type.answersDeleted
        ? json(Status.success(type, name, object.metadata.uid))
        : this.#answer(route, object, as, query, 200)
    }
    const kind = method === "PUT" ? "UpdateOptions" : "PatchOptions"
    const strictness = new Strictness(validationOf(query, kind), this.#names)
    const options = writeOptions(request, query, user, kind)
    const change =
      method === "PUT"
        ? this.#put(request, route, name, strictness)
        : this.#patch(request, route, name, strictness)
    // Leases alone may be created by an update.
    if (method === "PUT" && type === leases && this.registry.store.get(type, namespace, name) === undefined) {
      const draft = matchingName(this.#replacement(request, route, strictness), name)
      const made = this.registry.create(type, namespace, draft, options)
      return warned(this.#answer(route, made, as, query, 201), strictness.warnings)
    }
    return this.#write(route, name, method, change, request.body?.length ?? 0, options, as, query, strictness)
  }

  /** The object in a PUT. */
  #replacement(request: Request, { type, version }: ResourceRoute, strictness: Strictness): Draft {
    const decoded = decode(type, version, this.#body(request, type))
    return strictness.body(type, version, request.body ?? "", decoded)
  }

  #put(request: Request, route: ResourceRoute, name: string, strictness: Strictness): Change {
    const { type, namespace, subresource } = route
    if (subresource === "scale") {
      const scale = strictness.scale(request.body ?? "", scaleBody(this.#body(request, type)))
      return (current) => fromScale(type, current, scale)
    }
    const draft = matchingName(this.#replacement(request, route, strictness), name)
    if ((draft.metadata.name ?? "") === "") {
      throw Status.badRequest(
        `the name of the object (${name} based on URL) was undeterminable: name must be provided`
      )
    }
    if (draft.metadata.namespace !== undefined && draft.metadata.namespace !== namespace) {
      throw Status.badRequest(
        "the namespace of the provided object does not match the namespace sent on the request"
      )
    }
    return () => draft
  }

  #patch(request: Request, route: ResourceRoute, name: string, strictness: Strictness): Change {
    const { type, version, subresource } = route
    const change = patch(request, type)
    const judged = (draft: Draft, of: ResourceType | undefined): Draft =>
      strictness.patched(of, request.body ?? "", request.headers?.["content-type"] ?? "", draft)
    return (current) => {
      if (subresource === "scale")
        return fromScale(type, current, judged(scaleBody(change(toScale(current))), undefined))
      const decoded = patched(() => decode(type, version, change(inVersion(type, version, current))))
      const draft = judged(decoded, type)
      if (draft.metadata.namespace !== current.metadata.namespace) {
        throw Status.badRequest(
          "the namespace of the provided object does not match the namespace sent on the request"
        )
      }
      return matchingName(draft, name)
    }
  }

  #write(
    route: ResourceRoute,
    name: string,
    method: Request["method"],
    change: Change,
    bodySize: number,
    options: WriteOptions,
    as: ReturnType<typeof form>,
    query: URLSearchParams,
    strictness: Strictness
  ): Answer {
    const { type, namespace, subresource } = route
    let warnings: ReadonlyArray<string> = []
    const object = this.registry.update(
      type,
      namespace,
      name,
      (current) => {
        const draft = change(current)
        checkSize(draft, bodySize)
        if (subresource === undefined) warnings = warningsOf(type, draft, current)
        return draft
      },
      {
        ...options,
        patch: method === "PATCH",
        ...(subresource === "status" || subresource === "scale" ? { subresource } : {})
      }
    )
    return warned(this.#answer(route, object, as, query, 200), [...strictness.warnings, ...warnings])
  }

  #answer(
    route: ResourceRoute,
    object: KubeObject,
    as: ReturnType<typeof form>,
    query: URLSearchParams,
    status: number
  ): Answer {
    if (route.subresource === "scale") return json(toScale(object), status)
    return json(
      one(route.type, inVersion(route.type, route.version, object), as, query, this.registry.now()),
      status
    )
  }

  #body(request: Request, type: ResourceType): unknown {
    const said = (request.headers?.["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? ""
    const contentType = said === "" ? "application/json" : said
    if (contentType !== "application/json") {
      if (/yaml|protobuf|cbor/.test(contentType)) throw Status.unreadableBody(contentType)
      throw Status.unsupportedMediaType([
        "application/json",
        "application/yaml",
        "application/vnd.kubernetes.protobuf"
      ])
    }
    return parseJson(
      request.body,
      (why) =>
        `the object provided is unrecognized (must be of type ${type.kind}): couldn't get version/kind; json parse error: ${why} (${excerpt(request.body ?? "")})`
    )
  }

  #evict(
    request: Request,
    namespace: string,
    name: string,
    query: URLSearchParams,
    user: Access.User
  ): Answer {
    if (request.method !== "POST") throw Status.methodNotAllowed()
    const body = parseJson(
      request.body,
      (why) =>
        `the object provided is unrecognized (must be of type Eviction): couldn't get version/kind; json parse error: ${why} (${excerpt(request.body ?? "")})`
    )
    const kind = stringAt(body, "kind")
    if (kind !== undefined && kind !== "Eviction") {
      const version = stringAt(body, "apiVersion")?.split("/").at(-1) ?? ""
      throw Status.badRequest(
        `${kind} in version ${JSON.stringify(version)} cannot be handled as a Eviction: converting (${version}.${kind}) to (policy.Eviction): unknown conversion`
      )
    }
    const options = deleteOptions(at(body, "deleteOptions"), query, user)
    const named = stringAt(body, "metadata", "name")
    if (named !== undefined && named !== name)
      throw Status.badRequest("name in URL does not match name in Eviction object")
    evict(this.registry, namespace, name, options)
    return json({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 }, 201)
  }
}
