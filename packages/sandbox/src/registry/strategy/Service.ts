/** Defaults of a Service. Addresses are assigned in order and not reused. */
import { arrayAt, at, isObject, stringAt } from "../../apimachinery/Json.ts"
import type { Strategy } from "../../apimachinery/ResourceType.ts"
import { type FieldError, label, required, unsupported, wrong } from "../../apimachinery/FieldError.ts"

const types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]
const affinities = ["ClientIP", "None"]

const isAddress = (address: string): boolean =>
  /^[\da-f]*:[\da-f:.]+$/i.test(address) ||
  (/^\d{1,3}(\.\d{1,3}){3}$/.test(address) && address.split(".").every((part) => Number(part) < 256))

const addressFaults = (address: string): ReadonlyArray<FieldError> =>
  address === "" || address === "None" || isAddress(address)
    ? []
    : [wrong("spec.clusterIPs[0]", address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]

const portFaults = (ports: ReadonlyArray<unknown>): ReadonlyArray<FieldError> =>
  ports.flatMap((port, index) => {
    const path = `spec.ports[${index}]`
    return [
      ...(ports.length > 1 && (stringAt(port, "name") ?? "") === "" ? [required(`${path}.name`)] : []),
      ...["port", "targetPort"].flatMap((field) => {
        const number = at(port, field)
        return typeof number === "number" && (number < 1 || number > 65_535)
          ? [wrong(`${path}.${field}`, number, "must be between 1 and 65535, inclusive")]
          : []
      })
    ]
  })

export const service: Strategy = {
  initialStatus: { loadBalancer: {} },
  withDefaults: (draft) => {
    const spec = isObject(draft.spec) ? draft.spec : {}
    const type = stringAt(spec, "type") ?? "ClusterIP"
    const address = stringAt(spec, "clusterIP")
    return {
      ...draft,
      spec: {
        sessionAffinity: "None",
        ...(type === "ExternalName"
          ? {}
          : {
              internalTrafficPolicy: "Cluster",
              ipFamilies: ["IPv4"],
              ipFamilyPolicy: "SingleStack",
              ...(address === undefined ? {} : { clusterIPs: [address] })
            }),
        ...spec,
        type,
        ...(spec["ports"] === undefined
          ? {}
          : {
              ports: arrayAt(spec, "ports").map((port) =>
                isObject(port)
                  ? { protocol: "TCP", ...port, targetPort: port["targetPort"] ?? port["port"] }
                  : port
              )
            })
      }
    }
  },
  faults: (draft) => [
    ...label("metadata.name", draft.metadata.name ?? ""),
    ...(arrayAt(draft.spec, "ports").length === 0 &&
    stringAt(draft.spec, "clusterIP") !== "None" &&
    stringAt(draft.spec, "type") !== "ExternalName"
      ? [required("spec.ports")]
      : []),
    ...addressFaults(stringAt(draft.spec, "clusterIP") ?? ""),
    ...portFaults(arrayAt(draft.spec, "ports")),
    ...(types.includes(stringAt(draft.spec, "type") ?? "")
      ? []
      : [unsupported("spec.type", stringAt(draft.spec, "type"), types)]),
    ...(affinities.includes(stringAt(draft.spec, "sessionAffinity") ?? "")
      ? []
      : [unsupported("spec.sessionAffinity", stringAt(draft.spec, "sessionAffinity"), affinities)])
  ],
  updateFaults: (next, previous) =>
    stringAt(next.spec, "clusterIP") === stringAt(previous.spec, "clusterIP")
      ? []
      : [
          {
            field: "spec.clusterIPs[0]",
            reason: "FieldValueInvalid",
            message: `Invalid value: ${JSON.stringify([stringAt(next.spec, "clusterIP") ?? ""])}: may not change once set`
          }
        ]
}
