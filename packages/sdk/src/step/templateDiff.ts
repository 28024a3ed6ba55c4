/**
 * The differences between a recorded pod template and the live one, and the privileges that its pods would
 * gain.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { PodSpec } from "../kind/Pod.ts"
import { isSame } from "../Digest.ts"
import { type Mention, mentionsOf } from "../Reference.ts"
import { fieldAt, itemsAt } from "../resource/KubeObject.ts"

const itemName = (item: unknown): string | null => {
  const name: unknown = Reflect.get(Object(item), "name")
  return typeof name === "string" ? name : null
}

/** The parts of a list or an object, by name; by index if the items of a list have no names. */
const partsOf = (value: unknown): ReadonlyMap<string, unknown> | null => {
  if (Array.isArray(value)) {
    const isNamed = value.every((item) => itemName(item) !== null)
    return new Map(value.map((item, index) => [`[${(isNamed ? itemName(item) : null) ?? index}]`, item]))
  }
  return Predicate.isObject(value)
    ? new Map(Object.entries(value).map(([key, inner]) => [`.${key}`, inner]))
    : null
}

/** The paths at which two values differ: `spec.containers[db].image`. They contain no values. */
const placesOf = (left: unknown, right: unknown, place = ""): ReadonlyArray<string> => {
  if (isSame(left, right)) return []
  const [before, after] = [partsOf(left), partsOf(right)]
  if (before === null || after === null || Array.isArray(left) !== Array.isArray(right)) return [place]
  const places = [...new Set([...before.keys(), ...after.keys()])].flatMap((key) =>
    placesOf(before.get(key), after.get(key), `${place}${key}`)
  )
  return places.length === 0 ? [place] : places
}

const containerLists = ["initContainers", "containers"] as const

const named = (list: ReadonlyArray<unknown>, name: string | null): unknown =>
  list.find((one) => itemName(one) === name)

const imagesOf = (before: unknown, after: unknown): ReadonlyArray<string> =>
  containerLists.flatMap((list) =>
    itemsAt(after, "spec", list).flatMap((container) => {
      const name = itemName(container)
      const was = fieldAt(named(itemsAt(before, "spec", list), name), "image")
      const is = fieldAt(container, "image")
      const word = (image: unknown) => (typeof image === "string" ? image : "none")
      return was === is ? [] : [`image of ${name ?? ""}: ${word(was)} -> ${word(is)}`]
    })
  )

/** The changes, in words: images with their values, everything else by its path only. */
export const templateChanges = (before: unknown, after: unknown): ReadonlyArray<string> => [
  ...imagesOf(before, after),
  ...placesOf(before, after)
    .filter((place) => !/^\.spec\.(initC|c)ontainers\[[^\]]*\]\.image$/.test(place))
    .map((place) => place.slice(1))
]

/** Annotations and labels that only tell something: any other may have a webhook or a policy give pods more. */
const harmlessNotes =
  /^(checksum\/|prometheus\.io\/|kubectl\.kubernetes\.io\/(restartedAt|default-(exec-)?container|default-logs-container)$|app\.kubernetes\.io\/version$|helm\.sh\/chart$)/

/** The differences; a removed field may have restricted something. */
const noteGains = (before: unknown, after: unknown, what: "annotation" | "label"): ReadonlyArray<string> => {
  const [was, is] = [fieldAt(before, "metadata", `${what}s`), fieldAt(after, "metadata", `${what}s`)]
  return [...new Set([...Object.keys(Object(was)), ...Object.keys(Object(is))])]
    .filter((key) => fieldAt(was, key) !== fieldAt(is, key) && !harmlessNotes.test(key))
    .map((key) => `${what} ${key}`)
}

const hostPorts = (container: unknown): ReadonlyArray<unknown> =>
  itemsAt(container, "ports").flatMap((port) => fieldAt(port, "hostPort") ?? [])

/** Fields of a pod and of a container that set what runs and where, and give no privileges. */
const harmless: ReadonlySet<string> = new Set(
  `containers initContainers volumes imagePullSecrets affinity nodeSelector tolerations
  topologySpreadConstraints terminationGracePeriodSeconds restartPolicy dnsPolicy dnsConfig hostname
  subdomain readinessGates enableServiceLinks activeDeadlineSeconds`.split(/\s+/)
)
const harmlessIn: ReadonlySet<string> = new Set(
  `name image command args workingDir env envFrom ports resources volumeMounts livenessProbe readinessProbe
  startupProbe lifecycle imagePullPolicy restartPolicy terminationMessagePath terminationMessagePolicy stdin
  stdinOnce tty resizePolicy`.split(/\s+/)
)
/** Volume sources that access nothing outside of the pod and of what its template names. */
const harmlessVolumes: ReadonlySet<string> = new Set([
  "name",
  "configMap",
  "secret",
  "emptyDir",
  "downwardAPI"
])

/** The fields that are not harmless and that the record's has in another way; `back`: also those that it lacks. */
const others = (
  before: unknown,
  after: unknown,
  free: ReadonlySet<string>,
  place: string
): ReadonlyArray<string> =>
  [...new Set([...Object.keys(Object(before)), ...Object.keys(Object(after))])].flatMap((key) => {
    const [was, is] = [fieldAt(before, key), fieldAt(after, key)]
    // A security context that is gone is one that holds nothing back.
    const isLess = is === undefined && key !== "securityContext"
    return free.has(key) || isLess || isSame(was, is) ? [] : [`${place}${key}`]
  })

const projects = (volume: unknown): ReadonlyArray<unknown> =>
  itemsAt(volume, "projected", "sources").filter((source) =>
    Object.keys(Object(source)).some((key) => !["configMap", "secret", "downwardAPI"].includes(key))
  )

const volumeGains = (before: unknown, after: unknown): ReadonlyArray<string> =>
  itemsAt(after, "spec", "volumes").flatMap((volume) => {
    const was = named(itemsAt(before, "spec", "volumes"), itemName(volume))
    if (isSame(was, volume)) return []
    const sources = Object.keys(Object(volume)).filter((key) => !harmlessVolumes.has(key))
    const reaching = sources.filter((key) => key !== "projected" || projects(volume).length > 0)
    return reaching.map((key) => `volume ${itemName(volume) ?? ""} (${key})`)
  })

/**
 * The parts of the recorded template that have more or other privileges than the live one: its
 * ServiceAccount, host paths and namespaces, security contexts, other claims. Everything that is not known
 * to be harmless is one.
 */
export const templateGains = (before: unknown, after: unknown): ReadonlyArray<string> => [
  ...others(fieldAt(before, "spec"), fieldAt(after, "spec"), harmless, ""),
  ...containerLists.flatMap((list) =>
    itemsAt(after, "spec", list).flatMap((container) => {
      const name = itemName(container)
      const was = named(itemsAt(before, "spec", list), name)
      const ports = hostPorts(container).filter((port) => !hostPorts(was).includes(port))
      return [
        ...others(was, container, harmlessIn, `${name ?? ""}.`),
        ...ports.map((port) => `${name ?? ""}.hostPort ${String(port)}`)
      ]
    })
  ),
  ...volumeGains(before, after),
  ...noteGains(before, after, "annotation"),
  ...noteGains(before, after, "label")
]

/** The objects that a pod template names; `null` if it is not a pod template. */
export const mentionsIn = (template: unknown): ReadonlyArray<Mention> | null => {
  const spec = Schema.decodeUnknownResult(PodSpec)(Reflect.get(Object(template), "spec"))
  return Result.isSuccess(spec) ? mentionsOf(spec.success) : null
}
