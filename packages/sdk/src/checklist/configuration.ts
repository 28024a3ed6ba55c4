/**
 * The requirements of a pod other than its data, to start and to be found again: references, Services, and a
 * few fields of the spec.
 */
import type { Question } from "./verdict.ts"
import type { Dependency } from "../Dependency.ts"
import type { Reference } from "../Reference.ts"
import type { AppState } from "../state/AppState.ts"
import type { Workload } from "../Topology.ts"
import { boundClaims, claimsOf, statefulSets } from "./parts.ts"
import { type Facts, forGood, no, rule, type Rule, type Evidence, unknown, yes } from "./rule.ts"
import { kubectl, kubectlCluster, names, patchTemplate, title, verb } from "./words.ts"

/** It is only used to pull images: the pod does not say whether one needs it. */
const pullsOnly = (reference: Reference): boolean =>
  reference.usedBy.every((use) => use.endsWith(" imagePullSecrets"))

const create = (state: AppState, reference: Reference): string =>
  kubectl(
    state,
    "create",
    ...(reference.kind === "ConfigMap"
      ? ["configmap"]
      : ["secret", pullsOnly(reference) ? "docker-registry" : "generic"]),
    reference.name,
    `--from-file=${pullsOnly(reference) ? ".dockerconfigjson=" : ""}FILE`
  )

/** Of a volume's Secrets those without which it is not attached or mounted, and those without which none is made. */
const mounts = /(controllerPublish|nodeStage|nodePublish)SecretRef$/
const makes = / (provisioner|controller-publish|node-stage|node-publish)$/

/** The effect of its absence; `null` if it does not concern the question. */
const volumeSecret = (question: Question, usedBy: ReadonlyArray<string>): string | null => {
  if (usedBy.some((use) => mounts.test(use))) return "new pods cannot start"
  // Volumes that are there have their own.
  return question !== "restart" && usedBy.some((use) => makes.test(use))
    ? "no new volume can be provisioned"
    : null
}

/** The effect of a missing object, and the remedy: a command if it does no harm. */
const withoutIt = (
  question: Question,
  state: AppState,
  { kind, name, namespace, usedBy }: Dependency
): readonly [what: string | null, remedy: string] => {
  const created = "no new pod can be created"
  if (kind === "ServiceAccount") return [created, kubectl(state, "create", "serviceaccount", name)]
  if (kind === "PriorityClass" || kind === "RuntimeClass")
    return [created, kubectlCluster("get", kind.toLowerCase())]
  if (kind === "Secret")
    return [
      volumeSecret(question, usedBy),
      `recreate Secret ${name} in ${namespace} from its source: the volumes' driver needs it`
    ]
  return [
    "new pods cannot start",
    kind === "PersistentVolumeClaim"
      ? `restore claim ${name} with its data: a new one would be empty`
      : `recreate ${kind} ${name} from its source`
  ]
}

const missing =
  (question: Question) =>
  ({ state }: Facts): ReadonlyArray<Evidence> => [
    ...state.dependencies
      .filter((one) => one.present === false)
      .flatMap((one) => {
        const [what, remedy] = withoutIt(question, state, one)
        const full =
          one.namespace === null || one.namespace === state.namespace
            ? one.name
            : `${one.namespace}/${one.name}`
        return what === null
          ? []
          : [no(`${one.kind} ${full} not found: ${what}`, [`${one.kind}/${one.name}`], remedy)]
      }),
    ...state.references
      .filter((reference) => reference.required && reference.present === false)
      .map((reference) =>
        (pullsOnly(reference) ? unknown : no)(
          `${reference.kind} ${reference.name} not found: ${pullsOnly(reference) ? "private images cannot be pulled" : "new pods cannot start"}`,
          [title(reference)],
          create(state, reference)
        )
      )
  ]

const missingKeys = ({ state }: Facts): ReadonlyArray<Evidence> =>
  state.references
    .filter((reference) => reference.required && (reference.missingKeys?.length ?? 0) > 0)
    .map((reference) =>
      no(
        `${reference.kind} ${reference.name} has no ${verb(reference.missingKeys ?? [], "key", "keys")} ${names(reference.missingKeys ?? [])}: new pods cannot start`,
        [title(reference)],
        kubectl(state, "edit", reference.kind.toLowerCase(), reference.name)
      )
    )

const equality = /^[^\s!()=,]+=[^\s!()=,]+$/

const governing = (
  { state }: Facts,
  said: (workload: Workload, name: string) => Evidence | null
): ReadonlyArray<Evidence> =>
  statefulSets(state).flatMap((workload) => {
    const found = workload.serviceName === null ? null : said(workload, workload.serviceName)
    return found === null ? [] : [found]
  })

const serviceOf = (state: AppState, workload: Workload) =>
  state.services.find((service) => service.name === workload.serviceName)

/** Pods get ready without its names, and need not ever ask for them: an application may find its members by another Service. */
const serviceMissing = (facts: Facts): ReadonlyArray<Evidence> =>
  governing(facts, (workload, name) => {
    const service = serviceOf(facts.state, workload)
    if (service !== undefined && service.present !== false) return null
    if (workload.replicas === 1)
      return yes(
        `governing Service ${name} not found: the pod of ${workload.name} has no DNS name of its own`,
        [`Service/${name}`, title(workload)]
      )
    const create = kubectl(facts.state, "create", "service", "clusterip", name, "--clusterip=None")
    const select = ` && ${kubectl(facts.state, "set", "selector", "service", name, workload.selector)}`
    return unknown(
      `governing Service ${name} not found: cannot tell whether pods of ${workload.name} need its DNS names`,
      [`Service/${name}`, title(workload)],
      workload.selector === `app=${name}`
        ? create
        : equality.test(workload.selector)
          ? create + select
          : `create a headless Service ${name} with the selector of ${workload.name}`
    )
  })

/**
 * Remarks: without names from that Service the pods found each other as they are now, and a restart changes nothing of it.
 * A selector would overwrite what something else writes there, a leader's address mostly.
 */
const withoutSelector = (facts: Facts): ReadonlyArray<Evidence> =>
  governing(facts, (workload, name) => {
    const service = serviceOf(facts.state, workload)
    if (service === undefined || service.present !== true || service.hasSelector) return null
    const by = service.writtenBy.length === 0 ? "something else" : names(service.writtenBy)
    return yes(`governing Service ${name} has no selector: pods get no DNS names, ${by} sets its endpoints`, [
      `Service/${name}`,
      title(workload)
    ])
  })

const notHeadless = (facts: Facts): ReadonlyArray<Evidence> =>
  governing(facts, (workload, name) => {
    const service = serviceOf(facts.state, workload)
    return service === undefined || service.present !== true || service.headless || !service.hasSelector
      ? null
      : yes(`governing Service ${name} is not headless: pods have no DNS names of their own`, [
          `Service/${name}`
        ])
  })

const selectsOthers = (facts: Facts): ReadonlyArray<Evidence> =>
  governing(facts, (workload, name) => {
    const service = serviceOf(facts.state, workload)
    if (service === undefined || service.present !== true || service.selectsPods || !service.hasSelector)
      return null
    return workload.replicas === 1
      ? yes(`governing Service ${name} does not select the pod of ${workload.name}`, [`Service/${name}`])
      : unknown(
          `governing Service ${name} does not select the pods of ${workload.name}: cannot tell whether they need its DNS names`,
          [`Service/${name}`, title(workload)],
          // One that is not headless, or that finds others, is somebody's address.
          service.headless && service.endpoints?.ready === 0 && equality.test(workload.selector)
            ? kubectl(facts.state, "set", "selector", "service", name, workload.selector)
            : `if nothing else relies on it, set the selector of Service ${name} to that of ${workload.name}`
        )
  })

/** The label `controller-revision-hash` is the name and 11 characters more, and a label's value ends at 63 (kubernetes#64023). */
const longestName = 52

const nameTooLong = ({ state }: Facts): ReadonlyArray<Evidence> =>
  state.workloads
    .filter((workload) => workload.kind === "StatefulSet" && workload.name.length > longestName)
    .map((workload) =>
      no(
        `${workload.name} has ${workload.name.length} characters; the limit is ${longestName}`,
        [title(workload)],
        `recreate it with a name of at most ${longestName} characters`
      )
    )

/** The kubelet leaves the files of such a driver as they are. */
const leavesModes = (state: AppState, workload: Workload): boolean => {
  const drivers = new Set(claimsOf(state, workload).map((claim) => claim.volume?.driver ?? null))
  return [...drivers].every(
    (name) => state.protection.drivers?.find((driver) => driver.name === name)?.fsGroupPolicy === "None"
  )
}

/** Images whose start script takes the group's rights from the data directory again, at each start, before PostgreSQL looks. */
const takesBack = /(^|\/)bitnami(legacy|secure)?\/postgresql(-repmgr)?(:|@|$)/

/**
 * Without OnRootMismatch each mount, and each restart of the kubelet, makes all files writable to the group.
 * These refuse that, and no others are known to: PostgreSQL wants its directory at 0700 or 0750
 * (zalando/postgres-operator#1850), Erlang its cookie for its owner alone (CloudPirates-io/helm-charts#1397).
 */
const refusalOf = ({ template }: Workload): string | null => {
  const refusing = template.containers.flatMap(({ image, keeps, store }) => {
    if (store === "PostgreSQL" && keeps.length > 0)
      return takesBack.test(image) ? [] : ["PostgreSQL does not start with that"]
    // The cookie is in RabbitMQ's home; a volume for what is below does not hold it.
    return store === "RabbitMQ" && keeps.some((path) => /^\/var\/lib(\/rabbitmq)?\/?$/.test(path))
      ? ["RabbitMQ rejects its cookie"]
      : []
  })
  return refusing[0] ?? null
}

const fsGroup = ({ state }: Facts): ReadonlyArray<Evidence> =>
  statefulSets(state)
    .filter(
      ({ template, ...workload }) =>
        template.fsGroup !== null &&
        template.fsGroupChangePolicy !== "OnRootMismatch" &&
        claimsOf(state, { template, ...workload }).length > 0 &&
        !leavesModes(state, { template, ...workload })
    )
    .flatMap((workload) => {
      const refusal = refusalOf(workload)
      return refusal === null
        ? []
        : [
            no(
              `fsGroup of ${workload.name} changes file modes on each mount: ${refusal}`,
              [title(workload)],
              patchTemplate(state, workload, { securityContext: { fsGroupChangePolicy: "OnRootMismatch" } })
            )
          ]
    })

const graceZero = ({ state }: Facts): ReadonlyArray<Evidence> =>
  statefulSets(state)
    .filter((workload) => workload.template.terminationGracePeriodSeconds === 0)
    .map((workload) =>
      no(
        `pods of ${workload.name} have terminationGracePeriodSeconds 0: two of one name may run at once`,
        [title(workload)],
        patchTemplate(state, workload, { terminationGracePeriodSeconds: 30 })
      )
    )

const whenScaledDelete = ({ state }: Facts): ReadonlyArray<Evidence> =>
  statefulSets(state)
    .filter((workload) => workload.retention?.whenScaled === "Delete" && boundClaims(state).length > 0)
    .map((workload) =>
      yes(`scaling ${workload.name} down deletes claims (whenScaled Delete); a restart does not`, [
        title(workload)
      ])
    )

export const referenceMissingRule = (question: Question): Rule =>
  rule(question, "reference-missing", missing(question))
export const referenceKeyRule = (question: Question): Rule =>
  rule(question, "reference-key-missing", missingKeys)
export const fsGroupRule = (question: Question): Rule => rule(question, "fs-group-at-each-mount", fsGroup)
export const nameTooLongRule = (question: Question): Rule => rule(question, "name-too-long", nameTooLong)

export const serviceRules: ReadonlyArray<Rule> = [
  rule("restart", "service-missing", serviceMissing),
  rule("restart", "service-without-selector", withoutSelector, []),
  rule("restart", "service-not-headless", notHeadless, []),
  rule("restart", "service-selects-others", selectsOthers)
]

/** The API forgets such a pod at once, whether its containers have ended or not. A server that is off runs none. */
export const graceZeroRule: Rule = rule("restart", "grace-period-zero", graceZero, [...forGood, "Drain"])
export const whenScaledDeleteRule: Rule = rule("restart", "scale-down-deletes-claims", whenScaledDelete, [])
