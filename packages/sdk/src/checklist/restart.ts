/**
 * Can it recover from the restart or the loss of a server or a rack? What decides most comes first.
 */
import { budgetRules } from "./budgets.ts"
import {
  fsGroupRule,
  graceZeroRule,
  nameTooLongRule,
  referenceKeyRule,
  referenceMissingRule,
  serviceRules,
  whenScaledDeleteRule
} from "./configuration.ts"
import { conflictRule } from "./conflict.ts"
import {
  beingDeletedRule,
  classMissingRule,
  driverMissingRule,
  hostPathRule,
  notBoundRule,
  volumeBeingDeletedRule
} from "./data.ts"
import { sourceMissingRule } from "./dataSource.ts"
import { goneRules } from "./gone.ts"
import { healthRules } from "./health.ts"
import { hostPathClaimRule } from "./hostPathClaims.ts"
import { pinRules } from "./pins.ts"
import { quorumRules } from "./quorum.ts"
import type { Rule } from "./rule.ts"
import { ephemeralRules } from "./ephemeral.ts"
import { unreadRule } from "./unread.ts"

export const restartRules: ReadonlyArray<Rule> = [
  // Causes first: pods wait for these, whatever else is reported about them.
  classMissingRule("restart"),
  driverMissingRule("restart"),
  sourceMissingRule("restart"),
  conflictRule,
  referenceMissingRule("restart"),
  referenceKeyRule("restart"),
  ...healthRules,
  ...quorumRules,
  ...pinRules,
  ...goneRules,
  beingDeletedRule("restart"),
  volumeBeingDeletedRule,
  notBoundRule("restart"),
  ...ephemeralRules("restart"),
  hostPathRule("restart"),
  hostPathClaimRule,
  ...serviceRules,
  fsGroupRule("restart"),
  ...budgetRules,
  graceZeroRule,
  nameTooLongRule("restart"),
  whenScaledDeleteRule,
  unreadRule("restart")
]
