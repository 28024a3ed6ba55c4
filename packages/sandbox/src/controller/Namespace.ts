/** Empties a namespace that is being deleted, then finalizes it. */
import type { Registry } from "../registry/Registry.ts"
import { namespaces } from "../registry/kinds/core.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"
import type { Controller } from "./Controller.ts"

export const namespaceController = (registry: Registry, types: ReadonlyArray<ResourceType>): Controller => ({
  name: "namespace",
  keysOf: ({ kind, type, object }) => {
    if (type === namespaces) return [object.metadata.name]
    const { namespace } = object.metadata
    return kind === "DELETED" && namespace !== undefined ? [namespace] : []
  },
  reconcile: (name) => {
    const namespace = registry.store.get(namespaces, undefined, name)
    if (namespace?.metadata.deletionTimestamp === undefined) return undefined
    let left = 0
    for (const type of types) {
      if (!type.namespaced) continue
      for (const { metadata } of registry.store.list(type, name)) {
        if (metadata.deletionTimestamp === undefined) registry.remove(type, name, metadata.name)
        if (registry.store.get(type, name, metadata.name) !== undefined) left += 1
      }
    }
    if (left === 0) registry.store.remove(namespaces, undefined, name)
    return undefined
  }
})
