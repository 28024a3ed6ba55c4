import { assert, describe, it } from "vitest"
import { claim, forbidden, object, pod, stateOf, statefulSet } from "./objects.ts"

const withSpec = (spec: Record<string, unknown>) =>
  statefulSet({ spec: { template: { spec: { containers: [{ name: "postgres" }], ...spec } } } })

const references = (
  spec: Record<string, unknown>,
  changes: Parameters<typeof stateOf>[0] = {},
  rest: Parameters<typeof stateOf>[1] = {}
) =>
  stateOf(
    { statefulsets: [withSpec(spec)], pods: [], persistentvolumeclaims: [claim("x")], ...changes },
    rest
  ).references

describe("every ConfigMap and Secret that the pods refer to is found", () => {
  it.each([
    [{ volumes: [{ name: "conf", configMap: { name: "x" } }] }, "ConfigMap", "volume conf"],
    [{ volumes: [{ name: "tls", secret: { secretName: "x" } }] }, "Secret", "volume tls"],
    [
      {
        volumes: [{ name: "all", projected: { sources: [{ downwardAPI: {} }, { secret: { name: "x" } }] } }]
      },
      "Secret",
      "volume all"
    ],
    [
      { volumes: [{ name: "all", projected: { sources: [{ configMap: { name: "x" } }] } }] },
      "ConfigMap",
      "volume all"
    ],
    [
      { volumes: [{ name: "inline", csi: { driver: "d", nodePublishSecretRef: { name: "x" } } }] },
      "Secret",
      "volume inline"
    ],
    [{ volumes: [{ name: "files", azureFile: { secretName: "x" } }] }, "Secret", "volume files"],
    [
      {
        containers: [
          { name: "postgres", env: [{ name: "A", valueFrom: { secretKeyRef: { name: "x", key: "a" } } }] }
        ]
      },
      "Secret",
      "env postgres"
    ],
    [
      { containers: [{ name: "postgres", envFrom: [{ configMapRef: { name: "x" } }] }] },
      "ConfigMap",
      "envFrom postgres"
    ],
    [
      { initContainers: [{ name: "init", envFrom: [{ secretRef: { name: "x" } }] }] },
      "Secret",
      "envFrom init"
    ],
    [{ imagePullSecrets: [{ name: "x" }] }, "Secret", "imagePullSecrets"]
  ])("%j", (spec, kind, how) => {
    assert.deepEqual(
      references(spec).map((one) => [one.kind, one.name, one.usedBy]),
      [[kind, "x", [`StatefulSet/db ${how}`]]]
    )
  })

  it("the ServiceAccount's imagePullSecrets, which the API server also writes into the pods", () => {
    const account = object("db", { imagePullSecrets: [{ name: "registry" }] })
    const pods = [pod(0, { spec: { serviceAccountName: "db", imagePullSecrets: [{ name: "registry" }] } })]
    assert.deepEqual(
      references({ serviceAccountName: "db" }, { serviceaccounts: [account], pods }).map(
        ({ usedBy }) => usedBy
      ),
      [["ServiceAccount/db imagePullSecrets"]]
    )
  })

  it("one that only a pod has, from a webhook, an older revision or a debug container", () => {
    const ephemeralContainers = [{ name: "debug", envFrom: [{ secretRef: { name: "debug" } }] }]
    assert.deepEqual(
      references({}, { pods: [pod(0, { spec: { ephemeralContainers } })] }).map(({ usedBy }) => usedBy),
      [["Pod/db-0 envFrom debug"]]
    )
  })

  it("but not the API server's own access volume, which is in every pod", () => {
    const volumes = [
      { name: "kube-api-access-x", projected: { sources: [{ configMap: { name: "kube-root-ca.crt" } }] } }
    ]
    assert.deepEqual(references({}, { pods: [pod(0, { spec: { volumes } })] }), [])
  })
})

describe("what is known of a reference", () => {
  const spec = {
    containers: [{ name: "postgres", volumeMounts: [{ name: "tls", mountPath: "/tls" }] }],
    volumes: [{ name: "tls", secret: { secretName: "tls" } }]
  }
  const secret = (rest: Record<string, unknown> = {}) =>
    object("tls", { metadata: { resourceVersion: "7", ...rest } })

  it("it is missing when the list lacks it, and not known when there is no list", () => {
    assert.deepEqual(
      references(spec).map((one) => one.present),
      [false]
    )
    assert.deepEqual(
      references(spec, { secrets: forbidden("secrets") }).map((one) => one.present),
      [null]
    )
    assert.deepEqual(
      references(spec, { secrets: [secret()] }).map((one) => [one.present, one.resourceVersion]),
      [[true, "7"]]
    )
  })

  it("it is required unless every reference to it is optional", () => {
    const optional = { name: "a", secret: { secretName: "tls", optional: true } }
    assert.deepEqual(
      references({ volumes: [optional] }).map((one) => one.required),
      [false]
    )
    assert.deepEqual(
      references({ ...spec, volumes: [optional, ...spec.volumes] }).map((one) => one.required),
      [true]
    )
  })

  it("it is not required by a pod of an older revision: its successor is made of the template", () => {
    const old = (ordinal: number, changes: Record<string, unknown> = {}) =>
      pod(ordinal, {
        metadata: { labels: { "controller-revision-hash": "db-0" } },
        spec: {
          containers: [
            { name: "postgres", env: [{ name: "A", valueFrom: { secretKeyRef: { name: "x", key: "a" } } }] }
          ]
        },
        ...changes
      })
    const within = (partition: number) => ({
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition } }
    })
    const facts = (pods: ReadonlyArray<unknown>, rest: Record<string, unknown> = {}) =>
      stateOf(
        {
          statefulsets: [statefulSet({ spec: rest })],
          pods,
          secrets: [],
          persistentvolumeclaims: [claim("x")]
        },
        {
          keys: {
            ConfigMap: new Map(),
            Secret: new Map([["x", { keys: ["b"], bytes: 1, immutable: false }]])
          }
        }
      ).references.map(({ usedBy, required, missingKeys }) => [usedBy, required, missingKeys])
    const by = ["Pod/db-1 env postgres"]
    assert.deepEqual(facts([old(1)]), [[by, false, []]])
    assert.deepEqual(facts([old(1)], { updateStrategy: { type: "OnDelete" } }), [[by, false, []]])
    // One of the template's revision has it from a webhook, which adds it to the next one too.
    const injected = old(1, { metadata: {} })
    assert.deepEqual(facts([injected]), [[by, true, ["a"]]])
    // A partition's pods are made of the older revision again.
    assert.deepEqual(facts([old(1)], within(2)), [[by, true, ["a"]]])
    assert.deepEqual(facts([old(1)], within(1)), [[by, false, []]])
    assert.deepEqual(facts([old(1)], { ...within(1), ordinals: { start: 1 } }), [[by, true, ["a"]]])
  })

  it.each([
    [{ secret: { secretName: "x" } }],
    [{ configMap: { name: "x" } }],
    [{ projected: { sources: [{ secret: { name: "x", items: [{ key: "a", path: "a" }] } }] } }],
    [{ csi: { driver: "d", nodePublishSecretRef: { name: "x" } } }]
  ])("a pod starts without what a volume names that no container mounts: %j", (source) => {
    const volumes = [{ name: "one", ...source }]
    const mounting = { name: "one", volumeMounts: [{ name: "one", mountPath: "/one" }] }
    const required = (more: Record<string, unknown>) =>
      references({ volumes, ...more }).map((one) => one.required)
    assert.deepEqual(required({}), [false])
    assert.deepEqual(required({ containers: [mounting] }), [true])
    assert.deepEqual(required({ initContainers: [mounting] }), [true])
  })

  it("metadata tell that it is immutable when someone set the field, and else nothing", () => {
    const managedFields = [{ manager: "kubectl", operation: "Apply", fieldsV1: { "f:immutable": {} } }]
    assert.deepEqual(
      references(spec, { secrets: [secret({ managedFields })] }).map((one) => one.immutable),
      [true]
    )
    assert.deepEqual(
      references(spec, { secrets: [secret()] }).map((one) => one.immutable),
      [null]
    )
  })

  it("key checking tells the keys that pods ask for and the object lacks, optional ones left out", () => {
    const env = ["a", "b"].map((key) => ({ name: key, valueFrom: { secretKeyRef: { name: "tls", key } } }))
    const perhaps = { name: "c", valueFrom: { secretKeyRef: { name: "tls", key: "c", optional: true } } }
    const keys = {
      ConfigMap: new Map(),
      Secret: new Map([["tls", { keys: ["a"], bytes: 12, immutable: false }]])
    }
    const [found] = references({ containers: [{ name: "postgres", env: [...env, perhaps] }] }, {}, { keys })
    assert.deepEqual(
      [found?.present, found?.keys, found?.missingKeys, found?.bytes, found?.immutable],
      [true, ["a"], ["b"], 12, false]
    )
  })

  it("key checking that finds no object says that it is missing, also to who may not list", () => {
    const keys = { ConfigMap: new Map(), Secret: new Map([["tls", null]]) }
    const [found] = references(spec, { secrets: forbidden("secrets") }, { keys })
    assert.deepEqual([found?.present, found?.keys], [false, null])
  })
})
