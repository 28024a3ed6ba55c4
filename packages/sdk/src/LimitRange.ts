/**
 * LimitRanges of a namespace: the API server refuses a pod whose containers request less, or may use more,
 * than they allow. The pods that an operation creates ask for little, and are raised to what is the least there.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "./Cluster.ts"
import { reading } from "./Kind.ts"
import { IntOrString, ObjectMeta, optional } from "./kind/Meta.ts"
import * as Quantity from "./Quantity.ts"
import * as Resource from "./Resource.ts"

const { Array, Record, String, Struct } = Schema

const Amounts = Record(String, IntOrString)

const Limit = Struct({
  /** `Container`, `Pod` or `PersistentVolumeClaim`. */
  type: String,
  min: optional(Amounts),
  max: optional(Amounts),
  default: optional(Amounts),
  maxLimitRequestRatio: optional(Amounts)
})
export type Limit = typeof Limit.Type

const Body = Struct({ metadata: ObjectMeta, spec: optional(Struct({ limits: optional(Array(Limit)) })) })

const ranges = reading(Resource.limitRanges, Body)

/** What the LimitRanges of a namespace say of its pods; nothing without permission to list them. */
export const list = (namespace: string): Effect.Effect<ReadonlyArray<Limit>, ClusterError, Cluster> =>
  Effect.map(Resource.list(ranges, { namespace }), (all) =>
    all.flatMap(({ spec }) => spec?.limits ?? []).filter(({ type }) => type === "Container" || type === "Pod")
  ).pipe(Effect.catchReason("ClusterError", "Forbidden", () => Effect.succeed([])))

type Part = "min" | "max" | "default" | "maxLimitRequestRatio"
type Amount = BigDecimal.BigDecimal

const larger = BigDecimal.max
const smaller = BigDecimal.min

const known = (value: string | number | undefined): ReadonlyArray<Amount> => {
  const amount = value === undefined ? null : Quantity.parse(value)
  return amount === null ? [] : [amount]
}

/** A resource of one of `count` containers: each gets an equal part of what the pod may use. */
const boundsOf = (limits: ReadonlyArray<Limit>, resource: string, count: number) => {
  const of = (part: Part) =>
    limits.flatMap((limit) =>
      known(limit[part]?.[resource]).map((amount) =>
        part === "max" && limit.type === "Pod"
          ? BigDecimal.divideUnsafe(amount, BigDecimal.fromBigInt(BigInt(count)))
          : amount
      )
    )
  const least = (all: ReadonlyArray<Amount>): ReadonlyArray<Amount> =>
    all.length === 0 ? [] : [all.reduce((a, b) => smaller(a, b))]
  return {
    min: of("min"),
    max: least(of("max")),
    assumed: of("default"),
    ratio: least(of("maxLimitRequestRatio"))
  }
}

/** Thousandths of a CPU; whole bytes of everything else. */
const scaleOf = (resource: string): number => (resource === "cpu" ? 3 : 0)

type Asked = Readonly<Record<string, string | number>>
interface Resources {
  readonly requests?: Asked
  readonly limits?: Asked
}

const fittedResource = (own: Resources, resource: string, limits: ReadonlyArray<Limit>, count: number) => {
  const { min, max, assumed, ratio } = boundsOf(limits, resource, count)
  const scale = scaleOf(resource)
  const limit = known(own.limits?.[resource]).map((amount) =>
    BigDecimal.floor([...max].reduce(smaller, min.reduce(larger, amount)), scale)
  )
  const most = [...limit, ...assumed, ...max].slice(0, 1)
  const through = ratio.flatMap((one) =>
    BigDecimal.isZero(one) ? [] : most.map((amount) => BigDecimal.divideUnsafe(amount, one))
  )
  const request = known(own.requests?.[resource]).map((amount) =>
    most.reduce(smaller, BigDecimal.ceil([...min, ...through].reduce(larger, amount), scale))
  )
  return { request, limit }
}

/** As it was asked for, unless that is not allowed. */
const written = (asked: Asked | undefined, resource: string, [amount]: ReadonlyArray<Amount>) => {
  const before = asked?.[resource]
  const [same] = known(before)
  return before === undefined ||
    amount === undefined ||
    (same !== undefined && BigDecimal.equals(same, amount))
    ? before
    : Quantity.format(amount)
}

const present = (all: ReadonlyArray<readonly [string, string | number | undefined]>): Asked =>
  Object.fromEntries(all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])))

/** What one of `count` containers asks for, as it is allowed. */
export const fitted = (own: Resources, limits: ReadonlyArray<Limit>, count: number): Resources => {
  const names = [...new Set([...Object.keys(own.requests ?? {}), ...Object.keys(own.limits ?? {})])]
  const all = names.map((name) => ({ name, ...fittedResource(own, name, limits, count) }))
  return {
    ...(own.requests === undefined
      ? {}
      : { requests: present(all.map(({ name, request }) => [name, written(own.requests, name, request)])) }),
    ...(own.limits === undefined
      ? {}
      : { limits: present(all.map(({ name, limit }) => [name, written(own.limits, name, limit)])) })
  }
}

// oxlint-disable-next-line typescript/no-explicit-any -- a pod as it is sent
type Json = any

/** A pod whose containers ask for what the LimitRanges of its namespace allow. */
export const fittedPod = (pod: object, limits: ReadonlyArray<Limit>): object => {
  const { spec, ...rest }: Json = pod
  const fit = (all: ReadonlyArray<Json>) =>
    all.map((one) => ({ ...one, resources: fitted(one.resources ?? {}, limits, spec.containers.length) }))
  return {
    ...rest,
    spec: {
      ...spec,
      ...(spec.initContainers === undefined ? {} : { initContainers: fit(spec.initContainers) }),
      containers: fit(spec.containers)
    }
  }
}

/** Fits pods that are created in a namespace. */
export const fitting = (namespace: string): Effect.Effect<(pod: object) => object, ClusterError, Cluster> =>
  Effect.map(list(namespace), (limits) => (pod) => fittedPod(pod, limits))
