import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { standard } from "../../../packages/sandbox/src/registry/kinds/index.ts"
import { groupVersion } from "../../../packages/sandbox/src/apimachinery/ResourceType.ts"
import { toJson } from "../../../packages/sandbox/src/serve/Protobuf.ts"
import { Refusal } from "../../../packages/sandbox/src/apimachinery/Status.ts"
import { get, json, up } from "./served.ts"

const metadata = (name: string) => `{"name":"${name}"}`

/** What clients sent, and what they send as JSON. The first four are kubectl's own, all of 1.36.3. */
const recorded: Readonly<Record<string, readonly [wire: string, json: string]>> = {
  "kubectl create deployment --replicas 0: what is empty, and what is zero on purpose": [
    "azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50ErYBCiEKBHdlYjASABoAIgAqADIAOABCAFoLCgNhcHASBHdlYjASggEIABINCgsKA2FwcBIEd2ViMBpnCh0KABIAGgAiACoAMgA4AEIAWgsKA2FwcBIEd2ViMBJGEigKAXkSA3k6MSoAMgoKABAAGFAiACoAQgBqAHIAgAEAiAEAkAEAogEAGgAyAEIASgBSAFgAYABoAIIBAIoBAJoBAMIBACICCgAoADgAGgwIABAAGAAgACgAOAAaACIA",
    `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web0","labels":{"app":"web0"}},"spec":{"replicas":0,"selector":{"matchLabels":{"app":"web0"}},"template":{"metadata":{"labels":{"app":"web0"}},"spec":{"containers":[{"name":"y","image":"y:1","ports":[{"containerPort":80}],"resources":{}}]}},"strategy":{}},"status":{}}`
  ],
  "kubectl create secret: bytes": [
    "azhzAAoMCgJ2MRIGU2VjcmV0Eh4KEgoCczESABoAIgAqADIAOABCABIGCgFhEgFiGgAaACIA",
    `{"apiVersion":"v1","kind":"Secret","metadata":${metadata("s1")},"data":{"a":"Yg=="}}`
  ],
  "kubectl create service: a port by number": [
    "azhzAAoNCgJ2MRIHU2VydmljZRJsCiEKBHN2YzESABoAIgAqADIAOABCAFoLCgNhcHASBHN2YzESQwobCgc4MC04MDgwEgNUQ1AYUCIHCAAQkD8aACgAEgsKA2FwcBIEc3ZjMRoAIglDbHVzdGVySVA6AEIAUgBaAGAAaAAaAgoAGgAiAA==",
    `{"apiVersion":"v1","kind":"Service","metadata":{"name":"svc1","labels":{"app":"svc1"}},"spec":{"ports":[{"name":"80-8080","protocol":"TCP","port":80,"targetPort":8080}],"selector":{"app":"svc1"},"type":"ClusterIP"},"status":{"loadBalancer":{}}}`
  ],
  "kubectl create poddisruptionbudget: a share": [
    "azhzAAogCglwb2xpY3kvdjESE1BvZERpc3J1cHRpb25CdWRnZXQSOwoUCgRwZGIxEgAaACIAKgAyADgAQgASFwoJCAEQABoDNTAlEgoKCAoDYXBwEgF4GgoIABgAIAAoADAAGgAiAA==",
    `{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":${metadata("pdb1")},"spec":{"minAvailable":"50%","selector":{"matchLabels":{"app":"x"}}},"status":{"disruptionsAllowed":0,"currentHealthy":0,"desiredHealthy":0,"expectedPods":0}}`
  ],
  "kubectl create quota: quantities": [
    "azhzAAoTCgJ2MRINUmVzb3VyY2VRdW90YRI1ChIKAnExEgAaACIAKgAyADgAQgASHQoNCgNjcHUSBgoENTAwbQoMCgRwb2RzEgQKAjEwGgAaACIA",
    `{"apiVersion":"v1","kind":"ResourceQuota","metadata":${metadata("q1")},"spec":{"hard":{"cpu":"500m","pods":"10"}},"status":{}}`
  ],
  "a Lease: a time to the microsecond, and a text that is empty on purpose": [
    "azhzAAofChZjb29yZGluYXRpb24uazhzLmlvL3YxEgVMZWFzZRInChEKAWwSABoAIgAqADIAOABCABISCgAQDyIMCKXr3MoGEIjq3MMCGgAiAA==",
    `{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":${metadata("l")},"spec":{"holderIdentity":"","leaseDurationSeconds":15,"renewTime":"2026-01-02T03:04:05.678901Z"}}`
  ],
  "a ConfigMap: times, managed fields, and keys that objects have anyway": [
    "azhzAAoPCgJ2MRIJQ29uZmlnTWFwEnYKSAoBYxIAGgAiACoAMgA4AEIICKXr3MoGEABKCAil69zKBhAAigEiCgFtEgAaADIAOhUKE3siZjpkYXRhIjp7Ii4iOnt9fX1CABIOCglfX3Byb3RvX18SAXgSDwoLY29uc3RydWN0b3ISABoHCgFiEgIA/yAAGgAiAA==",
    `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"c","creationTimestamp":"2026-01-02T03:04:05Z","deletionTimestamp":"2026-01-02T03:04:05Z","managedFields":[{"manager":"m","fieldsV1":{"f:data":{".":{}}}}]},"immutable":false,"data":{"__proto__":"x","constructor":""},"binaryData":{"b":"AP8="}}`
  ],
  "a ControllerRevision: JSON within": [
    "azhzAAodCgdhcHBzL3YxEhJDb250cm9sbGVyUmV2aXNpb24SLwoQCgASABoAIgAqADIAOABCABIZChd7InNwZWMiOnsicmVwbGljYXMiOjF9fRgAGgAiAA==",
    `{"kind":"ControllerRevision","apiVersion":"apps/v1","metadata":{},"data":{"spec":{"replicas":1}},"revision":0}`
  ],
  "a SelfSubjectReview: a list that is a message": [
    "azhzAAotChhhdXRoZW50aWNhdGlvbi5rOHMuaW8vdjESEVNlbGZTdWJqZWN0UmV2aWV3EigKEAoAEgAaACIAKgAyADgAQgASFAoSCgF1EgAiCwoBaxIGCgFhCgFiGgAiAA==",
    `{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1","metadata":{},"status":{"userInfo":{"username":"u","extra":{"k":["a","b"]}}}}`
  ],
  "DeleteOptions of any group": [
    "azhzAAoYCgdhcHBzL3YxEg1EZWxldGVPcHRpb25zEhoIABIFCgN1LTEiCkZvcmVncm91bmQqA0FsbBoAIgA=",
    `{"kind":"DeleteOptions","apiVersion":"apps/v1","gracePeriodSeconds":0,"preconditions":{"uid":"u-1"},"propagationPolicy":"Foreground","dryRun":["All"]}`
  ],
  "a Pod: fields that stand in the object around them, a port by name, false on purpose": [
    "azhzAAoJCgJ2MRIDUG9kEroBChEKAXASABoAIgAqADIAOABCABKPAQoSCgF2Eg0SCwoAEgcKBTUxMk1pElsKAWMSACoAQgBSIAoUEhIKABIKCAEQABoEaHR0cBoAIgAQABgAIAMoADAAWhgKDBoKCgYIABBQGgASABAAGAAgACgAMABqAHIAegQQACAAgAEAiAEAkAEAogEAGgAgADIAQgBKAFIAWABgAGgAggEAigEAmgEAwgEAGhMKABoAIgAqADIASgBaAHIAiAEAGgAiAA==",
    `{"kind":"Pod","apiVersion":"v1","metadata":${metadata("p")},"spec":{"volumes":[{"name":"v","emptyDir":{"sizeLimit":"512Mi"}}],"containers":[{"name":"c","resources":{},"livenessProbe":{"httpGet":{"port":"http"},"periodSeconds":3},"readinessProbe":{"tcpSocket":{"port":80}},"securityContext":{"privileged":false,"runAsUser":0}}],"terminationGracePeriodSeconds":0},"status":{}}`
  ]
}

/** A field of bytes. All of it is shorter than 128. */
const field = (number: number, bytes: Buffer | string): Buffer =>
  Buffer.concat([Buffer.of(number * 8 + 2, bytes.length), Buffer.from(bytes)])

const body = (apiVersion: string, kind: string, object: Buffer | string = ""): Buffer =>
  Buffer.concat([
    Buffer.from("k8s\0"),
    field(1, Buffer.concat([field(1, apiVersion), field(2, kind)])),
    field(2, object)
  ])

const codeOf = (bytes: Buffer): unknown => {
  try {
    return toJson(bytes)
  } catch (refusal) {
    return refusal instanceof Refusal ? refusal.status.code : refusal
  }
}

describe("bodies in Kubernetes' protobuf", () => {
  for (const [title, [wire, text]] of Object.entries(recorded)) {
    it(title, () => {
      assert.deepEqual(JSON.parse(toJson(Buffer.from(wire, "base64"))), JSON.parse(text))
    })
  }

  it("every kind that is served, in every version", () => {
    const kinds = standard
      .filter(({ custom }) => !custom)
      .flatMap((type) => type.versions.map((version) => [groupVersion(type, version), type.kind] as const))
    const lacking = kinds.filter(([apiVersion, kind]) => typeof codeOf(body(apiVersion, kind)) !== "string")
    assert.deepEqual(lacking, [])
  })

  it("bytes that are none are refused, wherever they are cut", () => {
    const whole = Buffer.from(recorded["kubectl create service: a port by number"]?.[0] ?? "", "base64")
    const good = Array.from(whole, (_, length) => length).filter(
      (length) => codeOf(whole.subarray(0, length)) !== 400
    )
    // Behind the mark, the kind, the object, and the encoding, which is none: fields of the envelope.
    assert.deepEqual(good, [4, 19, whole.length - 4, whole.length - 2])
    assert.strictEqual(codeOf(body("v1", "ConfigMap", "rubbish")), 400)
    assert.strictEqual(codeOf(Buffer.from("{}")), 400)
  })

  it("fields of a later Kubernetes are passed over", () => {
    const object = Buffer.concat([field(1, field(1, "a")), field(15, "new")])
    assert.deepEqual(JSON.parse(toJson(body("v1", "ConfigMap", object))), {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a" }
    })
  })

  it.live("over HTTP: made, refused by kind, and never read where nothing is served", () =>
    Effect.gen(function* () {
      const server = yield* up()
      const post = (path: string, bytes: Buffer, method = "POST") =>
        Effect.map(
          get(server, path, {
            method,
            headers: {
              "content-type": "application/vnd.kubernetes.protobuf",
              "content-length": String(bytes.length)
            },
            body: bytes
          }),
          (got) => [got.status, json(got)["message"]]
        )
      const shop = "/api/v1/namespaces/shop"
      const secret = Buffer.from(recorded["kubectl create secret: bytes"]?.[0] ?? "", "base64")
      assert.strictEqual((yield* post(`${shop}/secrets`, secret))[0], 201)
      assert.deepInclude(json(yield* get(server, `${shop}/secrets/s1`)), {
        data: { a: "Yg==" },
        type: "Opaque"
      })
      const options = body("v1", "DeleteOptions", field(5, "All"))
      assert.strictEqual((yield* post(`${shop}/secrets/s1`, options, "DELETE"))[0], 200)
      assert.strictEqual((yield* get(server, `${shop}/secrets/s1`)).status, 200)
      assert.deepEqual(yield* post(`${shop}/secrets`, body("example.com/v1", "Widget")), [
        415,
        'the sandbox cannot read Widget (example.com/v1) as protobuf; send it as JSON: with "-o yaml --dry-run=client | kubectl apply -f -" behind the command'
      ])
      const snapshots = "/apis/snapshot.storage.k8s.io/v1/namespaces/shop/volumesnapshots"
      assert.deepEqual(yield* post(snapshots, body("snapshot.storage.k8s.io/v1", "VolumeSnapshot")), [
        415,
        "the sandbox cannot read a body of application/vnd.kubernetes.protobuf here; send it as application/json"
      ])
      assert.deepEqual(
        yield* post(
          `${shop}/serviceaccounts/default/token`,
          body("authentication.k8s.io/v1", "TokenRequest")
        ),
        [501, "the sandbox does not do this: serviceaccounts/token"]
      )
    }).pipe(Effect.scoped)
  )
})
