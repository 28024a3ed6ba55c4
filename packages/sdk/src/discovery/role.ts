/** The minimal permissions of a client that finds peers, as RBAC. */

/** One rule of a Role. */
interface PolicyRule {
  readonly apiGroups: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  readonly verbs: ReadonlyArray<string>
  readonly resourceNames?: ReadonlyArray<string>
}

export interface RoleOptions {
  readonly namespace: string
  /** The StatefulSet's name; `null` for any of the namespace. */
  readonly set: string | null
  /**
   * `endpointslices`: for clients without permission to read pods; they see less, and later. Default: `pods`.
   */
  readonly by?: "pods" | "endpointslices"
  /** Nodes too, in a ClusterRole: a lost node is named as a reason. Default: false. */
  readonly nodes?: boolean
}

interface Role {
  readonly apiVersion: "rbac.authorization.k8s.io/v1"
  readonly kind: "Role" | "ClusterRole"
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly rules: ReadonlyArray<PolicyRule>
}

const follow = ["list", "watch"]

/**
 * The minimal permissions for `Discovery.watch`: a Role, and a ClusterRole if nodes are requested.
 *
 * **Caveats**: a Role cannot narrow pods, Services and EndpointSlices to those of one StatefulSet: a list by
 * label is one of the whole namespace to RBAC.
 */
export const roles = ({ namespace, set, by = "pods", nodes = false }: RoleOptions): ReadonlyArray<Role> => {
  // Applied, a Role takes the place of the one of its name, so each has its own: no StatefulSet's name has a colon.
  const name = `peers-of${set === null ? ":statefulsets" : `-${set}`}${by === "pods" ? "" : ":endpointslices"}`
  return [
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata: { name, namespace },
      rules: [
        // A list by `metadata.name` is one of that name to RBAC.
        {
          apiGroups: ["apps"],
          resources: ["statefulsets"],
          verbs: follow,
          ...(set === null ? {} : { resourceNames: [set] })
        },
        by === "pods"
          ? { apiGroups: [""], resources: ["pods", "services"], verbs: follow }
          : { apiGroups: [""], resources: ["services"], verbs: follow },
        ...(by === "pods"
          ? []
          : [{ apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: follow }])
      ]
    },
    ...(nodes
      ? [
          {
            apiVersion: "rbac.authorization.k8s.io/v1" as const,
            kind: "ClusterRole" as const,
            metadata: { name },
            rules: [{ apiGroups: [""], resources: ["nodes"], verbs: follow }]
          }
        ]
      : [])
  ]
}
