/** Brings a case about: its cluster in the sandbox, its objects on it, and what happened to them since. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { fieldNames } from "../../packages/sandbox/src/apiserver/FieldNames.ts"
import type { Draft, KubeObject } from "../../packages/sandbox/src/apimachinery/KubeObject.ts"
import type { Program, Programs } from "../../packages/sandbox/src/node/Program.ts"
import { standard } from "../../packages/sandbox/src/registry/kinds/index.ts"
import {
  csidrivers,
  storageclasses,
  volumegroupsnapshotclasses,
  volumesnapshotclasses
} from "../../packages/sandbox/src/registry/kinds/storage.ts"
import {
  qualified,
  type ResourceType,
  resourceType
} from "../../packages/sandbox/src/apimachinery/ResourceType.ts"
import { make, type Shape } from "../../packages/sandbox/src/Sandbox.ts"
import type { Named } from "./case.ts"
import { type ClusterOf, clusters } from "./clusters.ts"
import { moreClusters } from "./moreClusters.ts"

const groupOf = ({ apiVersion }: Draft): string =>
  apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : ""

const isOf = ({ kind, group }: ResourceType, object: Draft): boolean =>
  kind === object.kind && group === groupOf(object)

const clusterScoped = new Set(["RuntimeClass", "ClusterTrustBundle"])

const pluralOf = (kind: string): string => `${kind.toLowerCase()}${kind.endsWith("s") ? "es" : "s"}`

/** A kind that only an operator's definitions bring, or that the sandbox does not serve: no fields of it are known. */
const customOf = (object: Draft): ResourceType =>
  resourceType(groupOf(object), object.apiVersion.split("/")[1] ?? "v1", pluralOf(object.kind), object.kind, {
    subresources: ["status"],
    clusterScoped: clusterScoped.has(object.kind)
  })

const typesFor = (objects: ReadonlyArray<Draft>): ReadonlyArray<ResourceType> => {
  const custom = new Map(
    objects
      .filter((object) => !standard.some((type) => isOf(type, object)))
      .map((object) => [`${object.apiVersion}/${object.kind}`, customOf(object)])
  )
  return [...custom.values()]
}

/** A container whose image has one of these tags does what its tag says. */
const broken: Program = { onStart: () => Effect.succeed(1) }
const neverReady: Program = { isReady: () => false }
const programs: Programs = (_, { image }) =>
  image?.endsWith(":broken") === true
    ? broken
    : image?.endsWith(":never-ready") === true
      ? neverReady
      : undefined

/** An owner in the file is named without its uid, which nobody knows before it is made. */
const withOwners = (sandbox: Shape, types: ReadonlyArray<ResourceType>, object: Draft): Draft => {
  const ownerReferences = object.metadata.ownerReferences?.map((owner) => {
    const type = types.find(({ kind }) => kind === owner.kind)
    const found =
      type && sandbox.store.get(type, type.namespaced ? object.metadata.namespace : undefined, owner.name)
    return found !== undefined ? { ...owner, uid: found.metadata.uid } : owner
  })
  return ownerReferences === undefined
    ? object
    : { ...object, metadata: { ...object.metadata, ownerReferences } }
}

const textOf = (body: Stream.Stream<Uint8Array, unknown>) => Stream.mkString(Stream.decodeText(body))

/** As `kubectl create` sends it: a field that the kind does not have is an error. */
const create = (sandbox: Shape, types: ReadonlyArray<ResourceType>, object: Draft) =>
  Effect.gen(function* () {
    const type = types.find((each) => isOf(each, object))
    if (type === undefined) throw new Error(`${object.kind} ${object.metadata.name}: no such kind here`)
    const root = type.group === "" ? "/api" : `/apis/${type.group}`
    const version = object.apiVersion.split("/").at(-1) ?? ""
    const within = type.namespaced ? `/namespaces/${object.metadata.namespace ?? "default"}` : ""
    const answer = yield* sandbox.cluster.request({
      method: "POST",
      path: `${root}/${version}${within}/${type.resource}`,
      query: [["fieldValidation", "Strict"]],
      headers: { "content-type": "application/json" },
      body: JSON.stringify(object)
    })
    const text = yield* textOf(answer.body)
    if (answer.status >= 300) throw new Error(`${object.kind} ${object.metadata.name}: ${text}`)
  }).pipe(Effect.scoped)

/** The sandbox's own driver and classes are no case's. */
const clear = (sandbox: Shape, { without }: ClusterOf): void => {
  for (const type of [csidrivers, storageclasses, volumesnapshotclasses, volumegroupsnapshotclasses]) {
    if (without.includes(qualified(type))) continue
    const all: ReadonlyArray<KubeObject> = sandbox.store.list<KubeObject>(type)
    for (const { metadata } of all) sandbox.registry.remove(type, undefined, metadata.name)
  }
}

const patched = (sandbox: Shape, type: ResourceType, namespace: string, name: string, patch: string) =>
  Effect.gen(function* () {
    const root = type.group === "" ? "/api" : `/apis/${type.group}`
    const within = type.namespaced ? `/namespaces/${namespace}` : ""
    const answer = yield* sandbox.cluster.request({
      method: "PATCH",
      path: `${root}/${type.versions[0]}${within}/${type.resource}/${name}`,
      headers: { "content-type": "application/merge-patch+json" },
      body: patch
    })
    if (answer.status >= 300) throw new Error(`patch ${name}: ${yield* textOf(answer.body)}`)
  }).pipe(Effect.scoped)

/** One line of `after`, in kubectl's words; see README.md. */
const act = (sandbox: Shape, types: ReadonlyArray<ResourceType>, namespace: string, line: string) =>
  Effect.gen(function* () {
    const [verb = "", first = "", second = "", ...rest] = line.split(" ")
    const typeOf = (word: string): ResourceType => {
      const found = types.find(
        ({ resource, singular, shortNames }) =>
          resource === word || singular === word || shortNames.includes(word)
      )
      if (found === undefined) throw new Error(`${line}: there is no kind ${word}`)
      return found
    }
    switch (verb) {
      case "wait":
        return yield* TestClock.adjust(Number.parseInt(first, 10) * 1000)
      case "cordon":
        yield* patched(sandbox, typeOf("nodes"), "", first, '{"spec":{"unschedulable":true}}')
        break
      case "lose":
        sandbox.loseNode(first)
        break
      case "delete": {
        const type = typeOf(first)
        sandbox.registry.remove(type, type.namespaced ? namespace : undefined, second)
        break
      }
      case "patch":
        yield* patched(sandbox, typeOf(first), namespace, second, rest.join(" "))
        break
      case "scale":
        yield* patched(sandbox, typeOf("statefulsets"), namespace, first, `{"spec":{"replicas":${second}}}`)
        break
      default:
        throw new Error(`${line}: there is no verb ${verb}`)
    }
    return yield* TestClock.adjust("1 minute")
  })

/** Namespaces that every cluster has. */
const always = new Set(["default", "kube-system", "kube-public", "kube-node-lease"])

/** The sandbox with the case's application as it is now. */
export const bringAbout = (one: Named) =>
  Effect.gen(function* () {
    const cluster = (clusters[one.cluster] ?? moreClusters[one.cluster])?.()
    if (cluster === undefined) throw new Error(`${one.name}: there is no cluster ${one.cluster}`)
    const resources = typesFor(one.objects)
    const { without } = cluster
    const namespaces = always.has(one.namespace) ? [] : [one.namespace]
    const sandbox = yield* make({ nodes: [], without, resources, programs, namespaces })
    sandbox.api.learn(yield* fieldNames)
    clear(sandbox, cluster)
    const types = [...standard.filter((type) => !without.includes(qualified(type))), ...resources]
    for (const object of cluster.objects) sandbox.create(object)
    for (const object of one.objects) {
      const type = types.find((each) => isOf(each, object))
      const placed = {
        ...object,
        metadata: { ...(type?.namespaced === false ? {} : { namespace: one.namespace }), ...object.metadata }
      }
      yield* create(sandbox, types, withOwners(sandbox, types, placed))
    }
    yield* TestClock.adjust("3 minutes")
    for (const line of one.after ?? []) yield* act(sandbox, types, one.namespace, line)
    return sandbox
  })
