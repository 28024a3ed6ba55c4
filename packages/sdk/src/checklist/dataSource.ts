/** What claim templates fill new volumes from, where that does not exist. */
import type { Question } from "./verdict.ts"
import { after } from "../Ordinal.ts"
import type { AppState } from "../state/AppState.ts"
import { claimsToComeOf, liveClaims, statefulSets } from "./parts.ts"
import { type Evidence, type Facts, no, rule, type Rule, yes } from "./rule.ts"
import { names, title, verb } from "./words.ts"

/** Sources of templates that do not exist, with the claims that wait for them. */
export const sourceless = (state: AppState) => {
  const waiting = [
    ...liveClaims(state).filter(({ phase, volume }) => phase === "Pending" && volume === null),
    ...claimsToComeOf(state)
  ]
  return statefulSets(state).flatMap((workload) =>
    workload.claimTemplates.flatMap(({ name: template, dataSource }) => {
      if (dataSource?.present !== false) return []
      // There is one of this name that could not be understood.
      if (state.unread.some(({ resource }) => resource.endsWith(`/${dataSource.name}`))) return []
      const source = `${dataSource.kind}/${dataSource.name}`
      return [
        {
          workload,
          template,
          source,
          claims: waiting.flatMap((claim) =>
            claim.dataSource === source && after(`${template}-${workload.name}-`, claim.name) !== null
              ? [claim.name]
              : []
          )
        }
      ]
    })
  )
}

const missing =
  (question: Question) =>
  ({ state }: Facts): ReadonlyArray<Evidence> =>
    sourceless(state).flatMap(({ workload, template, source, claims }) => {
      const named = source.replace("/", " ")
      if (claims.length > 0)
        return [
          no(
            `${named} not found: ${names(claims)} ${verb(claims, "gets", "get")} no volume`,
            [source, ...claims.map((claim) => `PersistentVolumeClaim/${claim}`)],
            `recreate ${named}, from which template ${template} fills volumes, or recreate ${workload.name} without it`
          )
        ]
      // Volumes that are there need it no more.
      return question === "restart"
        ? [
            {
              ...yes(`${named} not found: new claims of template ${template} get no volume`, [
                source,
                title(workload)
              ]),
              disruptions: []
            }
          ]
        : []
    })

export const sourceMissingRule = (question: Question): Rule =>
  rule(question, "data-source-missing", missing(question))
