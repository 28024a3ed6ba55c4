/** Every script, in the order in which areas build on each other. */
import type { Scenario } from "../Conversation.ts"
import { access } from "./access.ts"
import { asked } from "./asked.ts"
import { attachments } from "./attachments.ts"
import { bodies } from "./bodies.ts"
import { configuration } from "./configuration.ts"
import { snapshotContents } from "./contents.ts"
import { create } from "./create.ts"
import { deletion } from "./deletion.ts"
import { deployments } from "./deployments.ts"
import { discovery } from "./discovery.ts"
import { endpoints } from "./endpoints.ts"
import { execs } from "./exec.ts"
import { fences } from "./fences.ts"
import { forms } from "./forms.ts"
import { groups } from "./groups.ts"
import { kinds } from "./kinds.ts"
import { lists } from "./lists.ts"
import { network } from "./network.ts"
import { nodeLosses } from "./node-loss.ts"
import { pods } from "./pods.ts"
import { quotas } from "./quota.ts"
import { races } from "./races.ts"
import { references } from "./references.ts"
import { replicas } from "./replicas.ts"
import { restores } from "./restores.ts"
import { selectors } from "./selectors.ts"
import { snapshots } from "./snapshots.ts"
import { statefulsets } from "./statefulsets.ts"
import { statuses } from "./statuses.ts"
import { storage } from "./storage.ts"
import { strict } from "./strict.ts"
import { tries } from "./tries.ts"
import { update } from "./update.ts"
import { volumes } from "./volumes.ts"
import { watches } from "./watches.ts"

export const all: ReadonlyArray<Scenario> = [
  ...discovery,
  ...create,
  ...configuration,
  ...lists,
  ...watches,
  ...update,
  ...deletion,
  ...statefulsets,
  ...pods,
  ...volumes,
  ...network,
  ...quotas,
  ...access,
  ...forms,
  ...endpoints,
  ...replicas,
  ...storage,
  ...snapshots,
  ...bodies,
  ...attachments,
  ...execs,
  ...deployments,
  ...nodeLosses,
  ...snapshotContents,
  ...groups,
  ...restores,
  ...references,
  ...fences,
  ...strict,
  ...selectors,
  ...asked,
  ...statuses,
  ...races,
  ...tries,
  ...kinds
]
