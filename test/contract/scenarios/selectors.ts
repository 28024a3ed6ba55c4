/** Field selectors of the kinds that the product lists and watches. */
import * as Effect from "effect/Effect"
import { at, type Conversation, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { claim, configMap, list, secret } from "./objects.ts"

/** The names of what is found, or why nothing is. */
const found = {
  show: (body: Json): Json =>
    text(body, "message") || list(at(body, "items")).map((item) => text(item, "metadata.name"))
}

const select = (to: Conversation, path: string, selector: string) =>
  to.get(`${path}?fieldSelector=${encodeURIComponent(selector)}`, found)

const event = (to: Conversation, name: string, extra: object) => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name },
  involvedObject: { apiVersion: "v1", kind: "Pod", name: "db-0", namespace: to.namespace, uid: "one" },
  reason: "BackOff",
  source: { component: "kubelet" },
  ...extra
})

export const selectors = scenarios("field selectors")({
  "a field that a kind does not index is a bad request": (to) =>
    Effect.gen(function* () {
      const { namespace } = to
      for (const [path, selector] of [
        ["configmaps", "immutable=true"],
        ["services", "spec.selector=x"],
        ["serviceaccounts", "automountServiceAccountToken=true"],
        ["persistentvolumeclaims", "spec.volumeName=x"],
        ["persistentvolumeclaims", "status.phase=Bound"],
        ["/api/v1/persistentvolumes", "spec.claimRef.name=x"],
        ["/api/v1/nodes", "status.phase=x"],
        ["deployments", "metadata.uid=x"],
        ["controllerrevisions", "revision=1"],
        ["leases", "spec.holderIdentity=me"],
        ["poddisruptionbudgets", "spec.minAvailable=1"],
        ["endpointslices", "addressType=IPv4"],
        [`/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`, "spec.podSelector=x"],
        [`/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`, "spec.maxReplicas=1"],
        ["/apis/storage.k8s.io/v1/storageclasses", "provisioner=x"],
        ["/apis/storage.k8s.io/v1/volumeattachments", "spec.nodeName=x"],
        ["/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents", "spec.driver=x"],
        ["volumegroupsnapshots", "metadata.labels=x"],
        ["resourcequotas", "spec.hard=x"]
      ] as const)
        yield* select(to, path, selector)
    }),
  "a field that a kind indexes selects": (to) =>
    Effect.gen(function* () {
      const { namespace } = to
      yield* to.quietly("POST", "persistentvolumeclaims", claim("one"))
      yield* to.quietly("POST", "persistentvolumeclaims", claim("two"))
      yield* select(to, "persistentvolumeclaims", "metadata.name!=one")
      yield* select(to, "/api/v1/namespaces", `metadata.name=${namespace},status.phase=Active`)
      yield* select(to, "/api/v1/namespaces", `metadata.name=${namespace},status.phase=Terminating`)
      yield* select(to, "/api/v1/nodes", "spec.unschedulable=true,metadata.name=none")
      yield* select(to, "replicasets", "status.replicas=0")
      yield* select(to, "services", "spec.type=ClusterIP")
      yield* select(to, "services", "spec.clusterIP=None")
      yield* select(to, "jobs", "status.successful=1")
      yield* select(to, "pods", "spec.hostNetwork=true")
      yield* select(to, "pods", "status.nominatedNodeName=x")
      yield* select(to, "pods", "spec.serviceAccountName=default,status.podIP=")
    }),
  "Secrets of one type are left out of a list": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "secrets", secret("one"))
      yield* to.quietly("POST", "secrets", secret("release", { type: "helm.sh/release.v1" }))
      yield* select(to, "secrets", "type!=helm.sh/release.v1")
      yield* select(to, "secrets", "type!=helm.sh/release.v1,metadata.name=release")
    }),
  "events are selected by what they are about": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "events", event(to, "one", { type: "Warning" }))
      yield* to.quietly("POST", "events", event(to, "two", { type: "Normal" }))
      for (const selector of [
        "type=Warning",
        "type!=Warning",
        "involvedObject.kind=Pod,involvedObject.name=db-0,type=Warning",
        "involvedObject.uid=one,reason=BackOff",
        "involvedObject.uid=two",
        "source=kubelet",
        "reportingComponent=kubelet",
        "involvedObject.fieldPath=x",
        "source.component=kubelet",
        "message=x"
      ])
        yield* select(to, "events", selector)
    }),
  "a collection is not deleted by a field that its kind does not index": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "configmaps", configMap("one"))
      yield* to.remove("configmaps?fieldSelector=data.key=value", undefined, found)
      yield* to.remove("configmaps?labelSelector=app=web&fieldSelector=metadata.name=two", undefined, found)
      yield* to.get("configmaps/one", { show: (body) => text(body, "metadata.name") })
    })
})
