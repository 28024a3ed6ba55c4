/** A Role of `rbac` is enough for its command, and without any one of its rules the command changes nothing. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Access from "../../packages/sdk/src/Access.ts"
import { without } from "../../packages/sdk/src/access/optional.ts"
import { commands } from "../../packages/kubectl-stateful/src/commands/index.ts"
import { parseDocuments } from "../../packages/sdk/src/Manifest.ts"
import type { Rule } from "@kubectl-stateful/sandbox"
import { members, words } from "./begun.ts"
import { run, type Scenario } from "./scenario.ts"
import { scenarios } from "./scenarios.ts"
import { typed } from "./typed.ts"
import { isWell, ruleOf, stages } from "./without.ts"
import { keyOf } from "./wire.ts"

/** A fixed part of the scenarios; `RBAC_EVERY=1` takes each of them. */
const every = Number(process.env["RBAC_EVERY"] ?? 11)

const isVerb = (verb: string): verb is Access.Verb => Access.verbs.some((one) => one === verb)
const verbOf = ({ verb }: Scenario): Access.Verb => (isVerb(verb) ? verb : assert.fail(verb))

const roleFor = (scenario: Scenario): ReadonlyArray<Rule> =>
  Access.roles({
    verbs: [verbOf(scenario)],
    namespace: "shop",
    target: "rehearsal",
    allNamespaces: scenario.when === "with -A"
  }).flatMap(({ namespace, rules }) =>
    rules.map(({ rule }) => ({ ...rule, ...(namespace === null ? {} : { namespaces: [namespace] }) }))
  )

const covers = (rule: Rule, one: Rule): boolean =>
  rule.apiGroups.includes(one.apiGroups[0] ?? "") &&
  rule.resources.includes(one.resources[0] ?? "") &&
  (rule.namespaces === undefined || rule.namespaces.includes(one.namespaces?.[0] ?? ""))

/** The rules without one verb on one resource in one place. */
const except = (rules: ReadonlyArray<Rule>, one: Rule): ReadonlyArray<Rule> =>
  rules.flatMap((rule) => {
    if (!covers(rule, one)) return [rule]
    const others = { ...rule, resources: rule.resources.filter((resource) => resource !== one.resources[0]) }
    const left = {
      ...rule,
      resources: one.resources,
      verbs: rule.verbs.filter((verb) => verb !== one.verbs[0])
    }
    return [...(others.resources.length === 0 ? [] : [others]), ...(left.verbs.length === 0 ? [] : [left])]
  })

/** A volume that it may not set back is reported, and stays as it is. */
const isReported = ({ when }: Scenario, { resources }: Rule): boolean =>
  (when === "with --without-journal" && resources[0] === "persistentvolumes") ||
  // A class that a flag names is believed to be there where classes may not be listed.
  (when === "with --profile" && resources[0]?.endsWith("snapshotclasses") === true)

/** The namespace of a drill is its own: it is made, and deleted again. */
const isOfDrill = ({ verb }: Scenario, effect: string): boolean =>
  verb === "drill" && / namespaces core /.test(effect)

describe("the Role of a command", () => {
  for (const [index, scenario] of scenarios.entries()) {
    if (index % every !== 0) continue
    it.effect(
      `of ${scenario.verb}${scenario.when === null ? "" : ` ${scenario.when}`} (${index}) is enough, and without any of its rules nothing is changed`,
      () =>
        Effect.gen(function* () {
          const { next, spent } = stages(scenario)
          const role = roleFor(scenario)
          const whole = yield* run(yield* next, role)
          assert.isTrue(isWell(scenario, whole), `${whole.failure}\n${whole.err}`)
          if (whole.effects.length > 0) yield* spent
          for (const asked of new Map([...whole.requests, ...whole.reviews]).values()) {
            const one = ruleOf(asked)
            const left = except(role, one)
            if (
              Access.isOptional(verbOf(scenario), asked.resource) ||
              JSON.stringify(left) === JSON.stringify(role)
            )
              continue
            const ran = yield* run(yield* next, left)
            if (ran.effects.length > 0) yield* spent
            if (isWell(scenario, ran) || isReported(scenario, one)) continue
            const changed = ran.effects.filter((effect) => !isOfDrill(scenario, effect))
            assert.deepEqual(changed, [], `without ${keyOf(asked)}: ${ran.failure}`)
            const told = `${ran.err.split("\n").findLast((text) => text.startsWith("Warning: no permission"))} ${ran.failure}`
            assert.include(told, asked.resource.split("/")[0] ?? "", keyOf(asked))
            assert.match(told, /`kubectl stateful rbac /, keyOf(asked))
          }
          yield* spent
        })
    )
  }

  it("is recorded for each command that has a scenario, and says of each optional rule what it is for", () => {
    assert.deepEqual(Access.verbs, [...new Set(scenarios.map(({ verb }) => verb))].toSorted())
    const unexplained = Access.verbs.flatMap((verb) =>
      Access.needsOf(verb).filter(
        ({ optional, resource }) => optional === true && without(verb, resource) === null
      )
    )
    assert.deepEqual(unexplained, [])
  })

  it("is there for every command that reads or changes an application", () => {
    // These two have that of the command that started the operation; the others need none.
    const without = ["abort", "resume", "profile", "rbac", "sandbox", "version"]
    assert.sameMembers(Object.keys(commands), [...Access.verbs, ...without])
  })

  it.effect("can be applied as it is printed, and gives a ServiceAccount nothing else", () =>
    Effect.gen(function* () {
      const { sandbox } = yield* members(1)
      const robot = sandbox.as({ name: "system:serviceaccount:shop:robot", allow: [] })
      const look = typed(robot, words("describe db"))
      assert.match((yield* look).failure ?? "", /apply what `kubectl stateful rbac describe -n shop` prints$/)
      const printed = yield* typed(robot, words("rbac describe --serviceaccount shop:robot"))
      assert.isTrue(printed.out.split("\n").every((line) => line.length <= 80))
      for (const object of yield* parseDocuments(printed.out))
        sandbox.create(object as Parameters<typeof sandbox.create>[0])
      const { failure, out } = yield* look
      assert.isNull(failure)
      assert.notInclude(out, "Forbidden")
      const scaled = yield* typed(robot, words("scale db --replicas 2"))
      assert.match(scaled.failure ?? "", /^error: not allowed: .*nothing was changed$/)
    })
  )

  it.effect("goes on without what is optional, and says so", () =>
    Effect.gen(function* () {
      const { sandbox } = yield* members(1)
      const role = Access.roles({ verbs: ["scale"], namespace: "shop", requiredOnly: true })
      const allow = role.flatMap(({ rules }) => rules.map(({ rule }) => rule))
      const ran = yield* typed(sandbox.as({ name: "robot", allow }), words("scale db --replicas 2"))
      assert.isNull(ran.failure)
      assert.match(
        ran.err,
        /Warning: no permission to read .*nodes.*; `kubectl stateful rbac scale -n shop` prints the Role/
      )
    })
  )
})
