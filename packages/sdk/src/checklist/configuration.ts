/**
 * What a pod needs besides its data to start and be found again: references, Services, and a few fields of the spec.
 */
import type { Question } from "../Checklist.ts"
import type { Reference } from "../Reference.ts"
import type { AppState } from "../State.ts"
import type { Workload } from "../Topology.ts"
import { boundClaims, claimsOf, statefulSets } from "./parts.ts"
import { type Facts, no, rule, type Rule, type Said, unknown, yes } from "./rule.ts"
import { kubectl, names, patchTemplate, title } from "./words.ts"

const object = (reference: Reference): string => `${reference.kind}/${reference.name}`

/** Only images are pulled with it: whether any needs it is not said by the pod. */
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

const missing = ({ state }: Facts): ReadonlyArray<Said> =>
  state.references
    .filter((reference) => reference.required && reference.present === false)
    .map((reference) =>
      (pullsOnly(reference) ? unknown : no)(
        `${reference.kind} ${reference.name} is missing: ${pullsOnly(reference) ? "images that are not public cannot be pulled" : "a new pod does not start"}`,
        [object(reference)],
        create(state, reference)
      )
    )

const missingKeys = ({ state }: Facts): ReadonlyArray<Said> =>
  state.references
    .filter((reference) => reference.required && (reference.missingKeys?.length ?? 0) > 0)
    .map((reference) =>
      no(
        `${reference.kind} ${reference.name} lacks ${names(reference.missingKeys ?? [])}: a new pod does not start`,
        [object(reference)],
        kubectl(state, "edit", reference.kind.toLowerCase(), reference.name)
      )
    )

const equality = /^[^\s!()=,]+=[^\s!()=,]+$/

const governing = (
  { state }: Facts,
  said: (workload: Workload, name: string) => Said | null
): ReadonlyArray<Said> =>
  statefulSets(state).flatMap((workload) => {
    const found = workload.serviceName === null ? null : said(workload, workload.serviceName)
    return found === null ? [] : [found]
  })

const serviceOf = (state: AppState, workload: Workload) =>
  state.services.find((service) => service.name === workload.serviceName)

const serviceMissing = (facts: Facts): ReadonlyArray<Said> =>
  governing(facts, (workload, name) => {
    const service = serviceOf(facts.state, workload)
    if (service !== undefined && service.present !== false) return null
    const create = kubectl(facts.state, "create", "service", "clusterip", name, "--clusterip=None")
    const select = ` && ${kubectl(facts.state, "set", "selector", "service", name, workload.selector)}`
    return no(
      `governing Service ${name} is missing: peers of ${workload.name} are not found`,
      [`Service/${name}`, title(workload)],
      workload.selector === `app=${name}`
        ? create
        : equality.test(workload.selector)
          ? create + select
          : `create a headless Service ${name} with the selector of ${workload.name}`
    )
  })

const notHeadless = (facts: Facts): ReadonlyArray<Said> =>
  governing(facts, (workload, name) => {
    const service = serviceOf(facts.state, workload)
    return service === undefined || service.present !== true || service.headless
      ? null
      : no(
          `governing Service ${name} is not headless: pods have no names of their own`,
          [`Service/${name}`],
          `make Service ${name} anew with clusterIP: None, which cannot be changed`
        )
  })

const selectsOthers = (facts: Facts): ReadonlyArray<Said> =>
  governing(facts, (workload, name) => {
    const service = serviceOf(facts.state, workload)
    return service === undefined || service.present !== true || service.selectsPods
      ? null
      : no(
          `governing Service ${name} does not select the pods of ${workload.name}`,
          [`Service/${name}`, title(workload)],
          equality.test(workload.selector)
            ? kubectl(facts.state, "set", "selector", "service", name, workload.selector)
            : `give Service ${name} the selector of ${workload.name}`
        )
  })

/** The label `controller-revision-hash` is the name and 11 characters more, and a label's value ends at 63 (kubernetes#64023). */
const longestName = 52

const nameTooLong = ({ state }: Facts): ReadonlyArray<Said> =>
  state.workloads
    .filter((workload) => workload.kind === "StatefulSet" && workload.name.length > longestName)
    .map((workload) =>
      no(
        `${workload.name} has ${workload.name.length} characters; its pods allow ${longestName}`,
        [title(workload)],
        `make it anew under a name of at most ${longestName} characters`
      )
    )

/** The kubelet leaves the files of such a driver as they are. */
const leavesModes = (state: AppState, workload: Workload): boolean => {
  const drivers = new Set(claimsOf(state, workload).map((claim) => claim.volume?.driver ?? null))
  return [...drivers].every(
    (name) => state.protection.drivers?.find((driver) => driver.name === name)?.fsGroupPolicy === "None"
  )
}

/** Without OnRootMismatch each mount makes all files group-writable, and PostgreSQL, for one, then refuses to start. */
const fsGroup = ({ state }: Facts): ReadonlyArray<Said> =>
  statefulSets(state)
    .filter(
      ({ template, ...workload }) =>
        template.fsGroup !== null &&
        template.fsGroupChangePolicy !== "OnRootMismatch" &&
        claimsOf(state, { template, ...workload }).length > 0 &&
        !leavesModes(state, { template, ...workload })
    )
    .map((workload) =>
      no(
        `fsGroup of ${workload.name} changes file modes at each mount, which databases refuse`,
        [title(workload)],
        patchTemplate(state, workload, { securityContext: { fsGroupChangePolicy: "OnRootMismatch" } })
      )
    )

const graceZero = ({ state }: Facts): ReadonlyArray<Said> =>
  statefulSets(state)
    .filter((workload) => workload.template.terminationGracePeriodSeconds === 0)
    .map((workload) =>
      no(
        `pods of ${workload.name} get 0 s to stop: two may run under one name`,
        [title(workload)],
        patchTemplate(state, workload, { terminationGracePeriodSeconds: 30 })
      )
    )

const whenScaledDelete = ({ state }: Facts): ReadonlyArray<Said> =>
  statefulSets(state)
    .filter((workload) => workload.retention?.whenScaled === "Delete" && boundClaims(state).length > 0)
    .map((workload) =>
      yes(`scaling ${workload.name} down deletes claims (whenScaled Delete); a restart does not`, [
        title(workload)
      ])
    )

export const referenceMissingRule = (question: Question): Rule => rule(question, "reference-missing", missing)
export const referenceKeyRule = (question: Question): Rule =>
  rule(question, "reference-key-missing", missingKeys)
export const fsGroupRule = (question: Question): Rule => rule(question, "fs-group-at-each-mount", fsGroup)
export const nameTooLongRule = (question: Question): Rule => rule(question, "name-too-long", nameTooLong)

export const serviceRules: ReadonlyArray<Rule> = [
  rule("restart", "service-missing", serviceMissing),
  rule("restart", "service-not-headless", notHeadless),
  rule("restart", "service-selects-others", selectsOthers)
]

export const graceZeroRule: Rule = rule("restart", "grace-period-zero", graceZero)
export const whenScaledDeleteRule: Rule = rule("restart", "scale-down-deletes-claims", whenScaledDelete)
