/** What a caller asks about itself before it writes, and kinds that a cluster may not have. */
import * as Effect from "effect/Effect"
import { at, type Conversation, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"

const reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

const review = (spec: object) => ({
  apiVersion: "authorization.k8s.io/v1",
  kind: "SelfSubjectAccessReview",
  spec
})

const answered = {
  show: (body: Json): Json =>
    text(body, "kind") === "Status"
      ? [text(body, "reason"), text(body, "message")]
      : [at(body, "status.allowed") ?? null, at(body, "spec") ?? null]
}

const reader = (to: Conversation) =>
  to.bed.as("contract-asker", to.namespace, [
    { verbs: ["get", "list"], apiGroups: [""], resources: ["pods", "pods/exec"] },
    { verbs: ["*"], apiGroups: ["snapshot.storage.k8s.io"], resources: ["*"] },
    { verbs: ["create", "delete"], apiGroups: [""], resources: ["configmaps"], resourceNames: ["mine"] }
  ])

export const asked = scenarios("asked")({
  "a review says what it was asked": (to) =>
    Effect.gen(function* () {
      const as = yield* reader(to)
      const { namespace } = to
      const ask = (attributes: object) =>
        to.post(reviews, review({ resourceAttributes: attributes }), { as, ...answered })
      yield* ask({ verb: "create", resource: "pods", subresource: "exec", namespace })
      yield* ask({ verb: "get", resource: "pods", subresource: "exec", namespace, name: "db-0" })
      yield* ask({ verb: "patch", group: "snapshot.storage.k8s.io", resource: "volumesnapshots", namespace })
      yield* ask({
        verb: "patch",
        group: "snapshot.storage.k8s.io",
        resource: "volumesnapshots",
        subresource: "status",
        namespace
      })
      yield* ask({ verb: "list", group: "snapshot.storage.k8s.io", resource: "volumesnapshots" })
      yield* ask({ verb: "create", resource: "configmaps", namespace })
      yield* ask({ verb: "delete", resource: "configmaps", namespace, name: "mine" })
      yield* ask({ verb: "*", resource: "pods", namespace })
      yield* ask({ verb: "list", resource: "*", namespace })
      yield* ask({ verb: "get", resource: "pods", namespace, version: "v9" })
      yield* ask({ verb: "get", group: "nobody.example.com", resource: "things", namespace })
      yield* ask({})
    }),
  "a review that asks for nothing, or for two things, is refused": (to) =>
    Effect.gen(function* () {
      const paths = { nonResourceAttributes: { path: "/readyz", verb: "get" } }
      yield* to.post(reviews, review(paths), answered)
      yield* to.post(reviews, review({ ...paths, resourceAttributes: { verb: "get" } }), answered)
      yield* to.post(reviews, { ...review({}), kind: "Review" }, answered)
      yield* to.post(reviews, { ...review(paths), apiVersion: "authorization.k8s.io/v9" }, answered)
      yield* to.post(reviews, { spec: { resourceAttributes: { verb: "get", resource: "pods" } } }, answered)
      yield* to.post(reviews, review({ resourceAttributes: { verb: 5 } }), answered)
      yield* to.post(`${reviews}?fieldValidation=Strict`, review({ ...paths, extra: 1 }), answered)
      yield* to.remove(`${reviews}/one`, undefined, answered)
    }),
  "kinds of which the definitions are missing are not found": (to) =>
    Effect.gen(function* () {
      const { namespace } = to
      for (const path of [
        `/apis/secrets-store.csi.x-k8s.io/v1/namespaces/${namespace}/secretproviderclasses`,
        `/apis/volsync.backube/v1alpha1/namespaces/${namespace}/replicationsources`,
        "/apis/velero.io/v1/backups",
        "/apis/velero.io/v1",
        "/apis/velero.io",
        "/apis/autoscaling/v2beta2",
        `/apis/autoscaling/v2beta2/namespaces/${namespace}/horizontalpodautoscalers`,
        `/apis/batch/v1beta1/namespaces/${namespace}/cronjobs`,
        "/apis/snapshot.storage.k8s.io/v1beta1/volumesnapshotclasses"
      ])
        yield* to.get(path)
    })
})
