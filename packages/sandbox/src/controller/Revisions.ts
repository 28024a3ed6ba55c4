/** A StatefulSet's ControllerRevisions: one per template it has had, numbered by when it was last wanted. */
import { at, equal, isObject } from "../apimachinery/Json.ts"
import { controlledBy, controllerOf } from "../apimachinery/KubeObject.ts"
import type { Registry } from "../registry/Registry.ts"
import {
  type ControllerRevision,
  controllerrevisions,
  type PodTemplate,
  type StatefulSet
} from "../registry/kinds/apps.ts"

const letters = "bcdfghjklmnpqrstvwxz2456789"

/** Ten letters from a template, the same for the same. */
export const hashOf = (template: unknown): string => {
  const text = JSON.stringify(template)
  let [high, low] = [0x811c9dc5, 0x01000193]
  for (let i = 0; i < text.length; i++) {
    high = Math.imul(high ^ text.charCodeAt(i), 0x01000193) >>> 0
    low = (Math.imul(low, 31) + text.charCodeAt(i) + (high & 7)) >>> 0
  }
  let hash = ""
  for (let i = 0; i < 10; i++) {
    hash += letters[(i < 5 ? high >>> (i * 5) : low >>> ((i - 5) * 5)) % letters.length]
  }
  return hash
}

const templateIn = (revision: ControllerRevision): unknown => at(revision.data, "spec", "template")

/** The template of a revision; the set's own when the revision is gone. */
export const templateOf = (set: StatefulSet, revision: ControllerRevision | undefined): PodTemplate => {
  const { $patch: _, ...template } =
    ((revision === undefined ? undefined : templateIn(revision)) as PodTemplate & {
      readonly $patch?: string
    }) ?? set.spec.template
  return isObject(template.spec) ? template : set.spec.template
}

export const revisionsOf = (registry: Registry, set: StatefulSet): ReadonlyArray<ControllerRevision> =>
  registry.store
    .dependents(set.metadata.uid)
    .flatMap(([type, object]) => {
      if (type !== controllerrevisions || controllerOf(object)?.uid !== set.metadata.uid) return []
      const revision = registry.store.get(
        controllerrevisions,
        object.metadata.namespace,
        object.metadata.name
      )
      return revision === undefined ? [] : [revision]
    })
    .toSorted((left, right) => left.revision - right.revision)

/** The revision of the set's template now: a new one, or an old one wanted again, under the highest number. */
export const updateRevision = (
  registry: Registry,
  set: StatefulSet,
  revisions: ReadonlyArray<ControllerRevision>
): ControllerRevision => {
  const data = { spec: { template: { ...set.spec.template, $patch: "replace" } } }
  const last = revisions.at(-1)
  const same = revisions.find((each) => equal(templateIn(each), data.spec.template))
  const number = (last?.revision ?? 0) + 1
  const { namespace } = set.metadata
  if (same !== undefined) {
    if (same === last) return same
    registry.update(controllerrevisions, namespace, same.metadata.name, (current) => ({
      ...current,
      revision: number
    }))
    return registry.find(controllerrevisions, namespace, same.metadata.name)
  }
  const hash = hashOf(set.spec.template)
  const name = `${set.metadata.name}-${hash}`
  const owner = controlledBy(set)
  const orphan = registry.store.get(controllerrevisions, namespace, name)
  if (orphan === undefined) {
    const draft = {
      apiVersion: "apps/v1",
      kind: "ControllerRevision",
      metadata: {
        name,
        labels: { ...set.spec.selector.matchLabels, "controller.kubernetes.io/hash": hash },
        ownerReferences: [owner]
      },
      data,
      revision: number
    }
    registry.create(controllerrevisions, namespace, draft)
  } else {
    // Left by a set of this name that was deleted with orphans: taken in, as its pods are.
    registry.update(controllerrevisions, namespace, name, (current) => ({
      ...current,
      metadata: { ...current.metadata, ownerReferences: [owner] }
    }))
  }
  return registry.find(controllerrevisions, namespace, name)
}

/** Deletes the oldest revisions that nothing uses, above the set's limit. */
export const truncate = (
  registry: Registry,
  set: StatefulSet,
  revisions: ReadonlyArray<ControllerRevision>,
  live: ReadonlySet<string>
): void => {
  const idle = revisions.filter((revision) => !live.has(revision.metadata.name))
  for (const { metadata } of idle.slice(0, Math.max(0, idle.length - set.spec.revisionHistoryLimit))) {
    registry.remove(controllerrevisions, metadata.namespace, metadata.name)
  }
}
