/**
 * The OpenAPI documents of the server's paths, by group and version, reduced to what clients use. kubectl
 * looks for `fieldValidation` at a kind's PATCH, and then leaves field validation to the server.
 */
import { createHash } from "node:crypto"
import { type Answer, json } from "./Answer.ts"
import { notFoundPage, reviewGroups, verbsOf } from "./Discovery.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"

interface Kind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

type Operation = Readonly<Record<string, unknown>>
type Paths = Readonly<Record<string, Readonly<Record<string, Operation | ReadonlyArray<unknown>>>>>

const info = { title: "kubectl-stateful sandbox", version: "unversioned" }

/** `kubectl explain` says it. */
const description =
  "The sandbox does not document its fields. A real cluster does, and so does https://kubernetes.io/docs/reference/kubernetes-api/"

const query = (name: string, type: string) => ({ name, in: "query", schema: { type } })
const inPath = (name: string) => ({ name, in: "path", required: true, schema: { type: "string" } })

const selecting = [
  query("continue", "string"),
  query("fieldSelector", "string"),
  query("labelSelector", "string"),
  query("limit", "integer"),
  query("resourceVersion", "string"),
  query("resourceVersionMatch", "string")
]

const deleting = [
  query("dryRun", "string"),
  query("gracePeriodSeconds", "integer"),
  query("orphanDependents", "boolean"),
  query("propagationPolicy", "string")
]

/** A strategic one is not named: kubectl would look here for how lists are merged. It knows it by itself. */
const patches = ["application/json-patch+json", "application/merge-patch+json"]

const body = (mediaTypes: ReadonlyArray<string>) => ({
  content: Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, { schema: { type: "object" } }])),
  required: true
})

const gvk = ({ group, version, kind }: Kind) => ({ group, version, kind })

export class OpenApi {
  readonly #types: ReadonlyArray<ResourceType>
  readonly #writing: ReadonlyArray<unknown>
  readonly #documents = new Map<string, { readonly text: unknown; readonly hash: string }>()

  /** `isStrict`: whether the server knows the fields of its kinds, and so can keep what it promises. */
  constructor(types: ReadonlyArray<ResourceType>, isStrict: boolean) {
    this.#types = types
    this.#writing = [
      query("dryRun", "string"),
      query("fieldManager", "string"),
      ...(isStrict ? [query("fieldValidation", "string")] : [])
    ]
  }

  /** Undefined for any other path. */
  answer(path: string): Answer | undefined {
    const asked = /^\/openapi\/v3(?:\/(.*?))?\/?$/.exec(path)
    if (asked === null) return undefined
    const name = asked[1] ?? ""
    if (name !== "") {
      return this.#names().includes(name) ? json(this.#document(name).text) : notFoundPage
    }
    return json({
      paths: Object.fromEntries(
        this.#names().map((each) => [
          each,
          { serverRelativeURL: `/openapi/v3/${each}?hash=${this.#document(each).hash}` }
        ])
      )
    })
  }

  /** `api/v1`, `apis/apps/v1`. */
  #names(): ReadonlyArray<string> {
    const served = this.#types.flatMap(({ group, versions }) =>
      versions.map((version) => prefix(group, version))
    )
    const reviews = Object.keys(reviewGroups).map((group) => prefix(group, "v1"))
    return [...new Set([...served, ...reviews])].toSorted()
  }

  #document(name: string): { readonly text: unknown; readonly hash: string } {
    const made = this.#documents.get(name)
    if (made !== undefined) return made
    const types = this.#types.flatMap((type) =>
      type.versions
        .filter((version) => prefix(type.group, version) === name)
        .map((version) => ({ type, version }))
    )
    const reviews = Object.entries(reviewGroups)
      .filter(([group]) => prefix(group, "v1") === name)
      .flatMap(([group, each]) => each.map((review) => ({ group, version: "v1", ...review })))
    const kinds = [
      ...types.map(({ type, version }) => ({ group: type.group, version, kind: type.kind })),
      ...reviews
    ]
    const text = {
      openapi: "3.0.0",
      info,
      paths: {
        ...Object.assign({}, ...types.map(({ type, version }) => this.#paths(type, version))),
        ...Object.fromEntries(
          reviews.map((review) => [
            `/${name}/${review.resource}`,
            { post: operation(review, "post", [], body(["application/json"])) }
          ])
        )
      },
      components: {
        schemas: Object.fromEntries(
          kinds.map((kind) => [
            [kind.group || "core", kind.version, kind.kind].join("."),
            { type: "object", description, "x-kubernetes-group-version-kind": [gvk(kind)] }
          ])
        )
      }
    }
    const document = { text, hash: createHash("sha256").update(JSON.stringify(text)).digest("hex") }
    this.#documents.set(name, document)
    return document
  }

  #paths(type: ResourceType, version: string): Paths {
    const { group, resource, namespaced } = type
    const kind = { group, version, kind: type.kind }
    const root = `/${prefix(group, version)}`
    const collection = `${root}${namespaced ? "/namespaces/{namespace}" : ""}/${resource}`
    const place = namespaced ? [inPath("namespace")] : []
    const writes = (of: Kind) => ({
      get: operation(of, "get"),
      put: operation(of, "put", this.#writing, body(["application/json"])),
      patch: operation(of, "patch", this.#writing, body(patches))
    })
    const list = operation(kind, "list", selecting)
    return {
      ...(namespaced ? { [`${root}/${resource}`]: { get: list } } : {}),
      [collection]: {
        ...(namespaced ? { parameters: place } : {}),
        get: list,
        post: operation(kind, "post", this.#writing, body(["application/json"])),
        ...(verbsOf(type).includes("deletecollection")
          ? { delete: operation(kind, "deletecollection", [...selecting, ...deleting]) }
          : {})
      },
      [`${collection}/{name}`]: {
        parameters: [...place, inPath("name")],
        ...writes(kind),
        delete: operation(kind, "delete", deleting)
      },
      ...Object.fromEntries(
        type.subresources
          .filter((subresource) => subresource === "status" || subresource === "scale")
          .map((subresource) => [
            `${collection}/{name}/${subresource}`,
            {
              parameters: [...place, inPath("name")],
              ...writes(
                subresource === "status" ? kind : { group: "autoscaling", version: "v1", kind: "Scale" }
              )
            }
          ])
      )
    }
  }
}

const prefix = (group: string, version: string): string =>
  group === "" ? `api/${version}` : `apis/${group}/${version}`

const operation = (
  kind: Kind,
  action: string,
  parameters: ReadonlyArray<unknown> = [],
  requestBody?: unknown
): Operation => ({
  ...(parameters.length === 0 ? {} : { parameters }),
  ...(requestBody === undefined ? {} : { requestBody }),
  responses: { "200": { description: "OK" } },
  "x-kubernetes-action": action,
  "x-kubernetes-group-version-kind": gvk(kind)
})

/**
 * The older document, empty. kubectl requests it if it finds nothing above, for a List, and then leaves the
 * items to the server. As protobuf, the only format that it reads.
 */
export const openApiV2 = (accept: string | undefined): Answer => {
  if (accept?.includes("spec.v2@v1.0+protobuf") !== true) return json({ swagger: "2.0", info, paths: {} })
  // gnostic, OpenAPIv2.proto: Document's swagger is 1 and info 2; Info's title is 1 and version 2.
  const field = (number: number, value: string) => String.fromCharCode(number * 8 + 2, value.length) + value
  return {
    status: 200,
    headers: { "content-type": "application/com.github.proto-openapi.spec.v2.v1.0+protobuf" },
    body: field(1, "2.0") + field(2, field(1, info.title) + field(2, info.version))
  }
}
