/**
 * The same cluster, some objects of which have a field of a type that nobody knew when this was written: as an
 * API server of tomorrow may serve them, or a resource that somebody has defined.
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type Cluster, ClusterError } from "../../packages/sdk/src/Cluster.ts"
import { drive, withCluster, type World } from "./world.ts"

// oxlint-disable-next-line typescript/no-explicit-any -- objects as the API has them, of any shape
type Json = any

/** A field of each kind that was of another type until now. */
const fields: Readonly<Record<string, (object: Json) => Json>> = {
  pods: (pod) => ({ ...pod, spec: { ...pod.spec, hostNetwork: "auto" } }),
  persistentvolumeclaims: (claim) => ({ ...claim, spec: { ...claim.spec, volumeMode: { type: "Object" } } }),
  persistentvolumes: (volume) => ({ ...volume, spec: { ...volume.spec, local: ["/disk"] } }),
  deployments: (set) => ({ ...set, spec: { ...set.spec, strategy: "Recreate" } }),
  resourcequotas: (quota) => ({ ...quota, spec: { ...quota.spec, scopes: "Terminating" } }),
  volumesnapshots: (cut) => ({
    ...cut,
    spec: { ...cut.spec, volumeSnapshotClassName: { name: cut.spec.volumeSnapshotClassName } }
  }),
  volumegroupsnapshots: (group) => ({
    ...group,
    spec: { ...group.spec, volumeGroupSnapshotClassName: { name: group.spec.volumeGroupSnapshotClassName } }
  }),
  volumesnapshotcontents: (content) => ({
    ...content,
    spec: { ...content.spec, deletionPolicy: { type: content.spec.deletionPolicy } }
  })
}

/** `isOdd`: which objects, by plural, name and namespace. */
export const tomorrow = (
  inner: Cluster["Service"],
  isOdd: (plural: string, name: string, namespace: string) => boolean
): Cluster["Service"] => {
  const seen = (path: string) => {
    const plural = path.split("/").find((word) => Object.hasOwn(fields, word)) ?? ""
    return (object: Json): Json =>
      isOdd(plural, String(object?.metadata?.name), String(object?.metadata?.namespace))
        ? (fields[plural]?.(object) ?? object)
        : object
  }
  return {
    ...inner,
    request: (request) =>
      Effect.map(inner.request(request), (response) => {
        const one = seen(request.path)
        const body = response.body.pipe(
          Stream.decodeText(),
          Stream.mkString,
          Effect.map((text) => {
            const answer: Json = JSON.parse(text)
            return JSON.stringify(
              Array.isArray(answer.items) ? { ...answer, items: answer.items.map(one) } : one(answer)
            )
          })
        )
        return { ...response, body: Stream.encodeText(Stream.fromEffect(body)) }
      }),
    watch: (request) =>
      Stream.map(inner.watch(request), (event) => ({ ...event, object: seen(request.path)(event.object) }))
  }
}

/** The cluster of a world with one object that cannot be read. */
export const odd = (world: World, kind: string, name: string) =>
  withCluster(tomorrow(world.sandbox.cluster, (plural, one) => plural === kind && one === name))

/** What a caller is told who meets it. */
export const told = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(drive(effect)), (error) => {
    assert.instanceOf(error, ClusterError)
    assert.strictEqual(error.reason._tag, "Unreadable")
    assert.match(error.action ?? "", /correct that field/)
    return error.message
  })
