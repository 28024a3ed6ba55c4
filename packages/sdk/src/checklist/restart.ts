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
import { beingDeletedRule, emptyDirRule, hostPathRule, notBoundRule } from "./data.ts"
import { healthRules } from "./health.ts"
import { pinRules } from "./pins.ts"
import { quorumRules } from "./quorum.ts"
import type { Rule } from "./rule.ts"
import { unreadRule } from "./unread.ts"

export const restartRules: ReadonlyArray<Rule> = [
  ...healthRules,
  ...quorumRules,
  ...pinRules,
  beingDeletedRule("restart"),
  notBoundRule("restart"),
  emptyDirRule("restart"),
  hostPathRule("restart"),
  referenceMissingRule("restart"),
  referenceKeyRule("restart"),
  ...serviceRules,
  fsGroupRule("restart"),
  ...budgetRules,
  graceZeroRule,
  nameTooLongRule("restart"),
  whenScaledDeleteRule,
  unreadRule("restart")
]
