/** Maintains the status of each ResourceQuota: its limits, and the usage. */
import { used } from "../registry/Quota.ts"
import type { Registry } from "../registry/Registry.ts"
import { events, resourcequotas } from "../registry/kinds/core.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"
import type { Controller } from "./Controller.ts"

/** `types`: all that are served, since a quota can count anything. */
export const quotaUsage = (registry: Registry, types: ReadonlyArray<ResourceType>): Controller => {
  const { store } = registry
  return {
    name: "resourcequota",
    keysOf: ({ type, object }) => {
      const { namespace, name } = object.metadata
      if (type === resourcequotas) return [`${namespace}/${name}`]
      // Events are held in an etcd of their own, as likely as not: nobody limits them.
      if (namespace === undefined || type === events) return []
      return store.list(resourcequotas, namespace).map(({ metadata }) => `${namespace}/${metadata.name}`)
    },
    reconcile: (key) => {
      const [namespace, name = ""] = key.split("/")
      const quota = store.get(resourcequotas, namespace, name)
      if (quota !== undefined) {
        const { hard = {} } = quota.spec
        registry.setStatus(resourcequotas, quota, { hard, used: used(registry, types, quota) })
      }
      return undefined
    }
  }
}
