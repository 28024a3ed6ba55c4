/** A Role of `rbac` is enough for its command, and without any one of its rules the command changes nothing. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Access from "../../packages/sdk/src/Access.ts"
import { without } from "../../packages/sdk/src/access/optional.ts"
import { roles as peersRoles } from "../../packages/sdk/src/Discovery.ts"
import { rolesDocument, type Subject } from "../../packages/kubectl-stateful/src/print/roles.ts"
import { commands } from "../../packages/kubectl-stateful/src/commands/index.ts"
import { Rbac } from "../../packages/kubectl-stateful/src/commands/rbac.ts"
import { parseDocuments } from "../../packages/sdk/src/Manifest.ts"
import type { Rule } from "@kubectl-stateful/sandbox"
import { configmaps, persistentvolumes } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { outcome } from "../kubectl-stateful/commands/outcome.ts"
import { members, stopped, words } from "./begun.ts"
import { movesCount } from "./scaling.ts"
import { placeOf } from "./needs.ts"
import { run, type Scenario } from "./scenario.ts"
import { scenarios } from "./scenarios.ts"
import { typed } from "./typed.ts"
import { isWell, ruleOf, stages } from "./without.ts"
import { type Asked, keyOf } from "./wire.ts"

/** A fixed part of the scenarios and of the commands; `npm run prove -- rbac` takes each. */
const every = Number(process.env["RBAC_EVERY"] ?? 61)
const isPart = process.env["RBAC_EVERY"] === undefined

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

/**
 * Who may not set a volume's reclaim policy back frees the StatefulSet nevertheless: it is the last way, and
 * Retain deletes nothing. The test below has what is left done by somebody who may.
 */
const isLeft = ({ when }: Scenario, { verb, resource }: Asked): boolean =>
  when === "with --without-journal" && verb === "patch" && resource === "persistentvolumes"

/** What a message says of a rule, in the words of this program or of the API server. */
const names = ({ verb, group, resource, namespace }: Asked): RegExp => {
  const words = `${verb} ${resource}${group === "" ? "" : `.${group}`}${namespace === null || resource === "namespaces" ? "" : ` in ${namespace}`}`
  const server = `cannot ${verb} resource "${resource}" in API group "${group}" ${namespace === null ? "at the cluster scope" : `in the namespace "${namespace}"`}`
  // A drill's namespace has another end to its name each time.
  const [ours, theirs] = [words, server].map((text) =>
    text.replaceAll(/[.]/g, "\\.").replace(/(drill-\w+-)\w+/, "$1\\w+")
  )
  return new RegExp(`\\b${ours}(?=[,;]| *$)|${theirs}`)
}

describe("the Role of a command", () => {
  for (const [index, scenario] of scenarios.entries()) {
    // Always those that were found to learn of a missing rule only after their changes, or not to name the Role.
    const isFound = scenario.when === "with --only config" || scenario.verb === "thaw"
    if (index % every !== 0 && !isFound) continue
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
            if (isWell(scenario, ran) || isLeft(scenario, asked)) continue
            assert.deepEqual(ran.effects, [], `without ${keyOf(asked)}: ${ran.failure}`)
            const told = `${ran.err.split("\n").findLast((text) => text.startsWith("Warning: no permission"))} ${ran.failure}`
            assert.match(told, names(asked), keyOf(asked))
            assert.match(told, /`kubectl stateful rbac /, keyOf(asked))
          }
          yield* spent
        })
    )
  }

  for (const [place, verb] of Access.verbs.entries()) {
    if (isPart && place % 3 !== 0) continue
    it.effect(`of ${verb} is enough in every situation, and has no rule that none of them uses`, () =>
      Effect.gen(function* () {
        const used = new Set<string>()
        for (const scenario of scenarios.filter((one) => one.verb === verb)) {
          const { next, spent } = stages(scenario)
          const ran = yield* run(yield* next, roleFor(scenario))
          yield* spent
          assert.isTrue(isWell(scenario, ran), `${ran.failure}\n${ran.err}`)
          for (const asked of [...ran.requests.values(), ...ran.reviews.values()])
            used.add(`${placeOf(asked, scenario)} ${asked.group}/${asked.resource} ${asked.verb}`)
        }
        const rules = Access.needsOf(verb).flatMap(({ in: place, group, resource, verbs }) =>
          verbs.map((each) => `${place} ${group}/${resource} ${each}`)
        )
        assert.deepEqual(
          rules.filter((rule) => !used.has(rule)),
          []
        )
      })
    )
  }

  it("of report has what describe, and the lists of snapshots and of operations need, and no more", () => {
    const any = ["with -l", "of pods that name them"]
    const needs = (verb: Access.Verb, when: ReadonlyArray<string> = []) =>
      Access.needsOf(verb).flatMap((need) =>
        need.when === undefined || need.when.some((one) => when.includes(one))
          ? need.verbs.map((each) => `${need.in} ${need.group}/${need.resource} ${each}`)
          : []
      )
    assert.deepEqual(
      new Set(needs("report", any)),
      new Set([...needs("describe", any), ...needs("snapshots"), ...needs("operations")])
    )
    const required = Access.needsOf("report").filter(({ optional }) => optional !== true)
    assert.deepEqual(
      required.map(({ resource }) => resource),
      ["statefulsets", "statefulsets"]
    )
  })

  it.effect("is for each command that asks for something", () =>
    Effect.gen(function* () {
      const isListed = (name: string) => Access.verbs.some((verb) => verb === name)
      assert.deepEqual(
        Object.keys(commands).filter((name) => !isListed(name)),
        // Of any command; of files alone; of nothing but the version, which every user may ask for.
        ["abort", "completion", "profile", "rbac", "resume", "sandbox", "version"]
      )
      const { sandbox } = yield* members(1)
      const { requests, reviews, failure, out } = yield* run({ sandbox, words: ["version"] }, [])
      assert.isNull(failure)
      assert.match(out, /^Server Version: v/m)
      assert.deepEqual([...requests, ...reviews], [])
    })
  )

  it("is recorded for each command that has a scenario, and says of each optional rule what it is for", () => {
    assert.deepEqual(Access.verbs, [...new Set(scenarios.map(({ verb }) => verb))].toSorted())
    const unexplained = Access.verbs.flatMap((verb) =>
      Access.needsOf(verb).filter(
        ({ optional, resource }) => optional === true && without(verb, resource) === null
      )
    )
    assert.deepEqual(unexplained, [])
  })

  it("of a copy in its own namespace is one Role, as the second would replace the first", () => {
    const same = Access.roles({ verbs: ["restore"], namespace: "shop", target: "shop" })
    assert.deepEqual(
      same.map(({ kind, namespace }) => [kind, namespace]),
      [
        ["Role", "shop"],
        ["ClusterRole", null]
      ]
    )
    const wordsOf = (roles: ReadonlyArray<Access.RoleOf>) =>
      new Set(
        roles.flatMap(({ rules }) =>
          rules.flatMap(({ rule: { apiGroups, resources, verbs } }) =>
            resources.flatMap((one) => verbs.map((verb) => `${verb} ${one}.${apiGroups.join()}`))
          )
        )
      )
    assert.deepEqual(
      wordsOf(same),
      wordsOf(Access.roles({ verbs: ["restore"], namespace: "shop", target: "rehearsal" }))
    )
  })

  it("takes nothing from another that was applied before: of one name there is one Role, and one binding", () => {
    const subjects: ReadonlyArray<Subject> = [
      { kind: "ServiceAccount", namespace: "shop", name: "a" },
      { kind: "ServiceAccount", namespace: "web", name: "a" },
      { kind: "Group", name: "a" },
      { kind: "Group", name: "oidc:/a" },
      { kind: "Group", name: "oidc:=2Fa" }
    ]
    const flags = [false, true]
    const verbSets: ReadonlyArray<ReadonlyArray<Access.Verb> | undefined> = [
      ["describe"],
      ["restore"],
      undefined
    ]
    const places = ["shop", "rehearsal"].flatMap((namespace) =>
      [undefined, "shop", "rehearsal"].map((target) => ({ namespace, target }))
    )
    const all = verbSets.flatMap((verbs) =>
      places.flatMap((place) =>
        flags.flatMap((allNamespaces) =>
          flags.map((requiredOnly) =>
            Access.roles({ ...place, ...(verbs === undefined ? {} : { verbs }), allNamespaces, requiredOnly })
          )
        )
      )
    )
    const applied = new Map<string, string>()
    for (const roles of all)
      for (const { kind, metadata, ...granted } of subjects.flatMap(
        (subject) => rolesDocument(roles, [subject]).items
      )) {
        const key = [kind, metadata.namespace ?? "", metadata.name].join("/")
        assert.notMatch(metadata.name, /[/%]/)
        assert.strictEqual(applied.get(key) ?? JSON.stringify(granted), JSON.stringify(granted), key)
        applied.set(key, JSON.stringify(granted))
      }
    // Those of peers, of one StatefulSet whatever its name is, and of all.
    const peers = (["pods", "endpointslices"] as const).flatMap((by) =>
      [null, "db", "all", "statefulsets"].map((set) => peersRoles({ namespace: "shop", set, by }))
    )
    assert.strictEqual(new Set(peers.map(([role]) => role?.metadata.name)).size, peers.length)
  })

  it("grants nothing for copies in another namespace where none is named", () => {
    const granted = (target: string | undefined) =>
      JSON.stringify(Access.roles({ verbs: ["restore"], namespace: "shop", target }))
    assert.include(granted("rehearsal"), "with --to-namespace")
    assert.notInclude(granted(undefined), "with --to-namespace")
    const contents = Access.roles({ verbs: ["restore"], namespace: "shop" })
      .flatMap(({ rules }) => rules)
      .flatMap(({ rule: { resources, verbs } }) =>
        resources.includes("volumesnapshotcontents") ? verbs : []
      )
    assert.sameMembers(contents, ["get", "patch"])
  })

  it.effect("of peers in all namespaces is a ClusterRole, and of one StatefulSet there is none", () =>
    Effect.gen(function* () {
      const { sandbox } = yield* members(1)
      const print = (line: string) =>
        Effect.promise(() => outcome({ command: Rbac, called: "" }, sandbox.cluster, [...words(line)]))
      assert.match((yield* print("peers -A")).out, /^kind: ClusterRole$/m)
      assert.include((yield* print("peers db -A")).failure, 'no command "db" needs a Role')
    })
  )

  it.effect("is in no namespace by an empty name, which kubectl takes for the one that it is set to", () =>
    Effect.gen(function* () {
      const { sandbox } = yield* members(1)
      const tool = { command: Rbac, called: "" }
      for (const flag of ["namespace", "to-namespace"])
        for (const what of ["restore", "peers db"]) {
          const argv = [...words(what), `--${flag}`, ""]
          const { failure, out } = yield* Effect.promise(() => outcome(tool, sandbox.cluster, argv))
          assert.strictEqual(failure, `error: --${flag} is empty; name a namespace`)
          assert.strictEqual(out, "")
        }
    })
  )

  it("is there for every command that reads or changes an application", () => {
    // These two have that of the command that started the operation; the others need none.
    const without = ["abort", "completion", "resume", "profile", "rbac", "sandbox", "version"]
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

  it.effect("leaves volumes that it may not set back, and sets them back once it may", () =>
    Effect.gen(function* () {
      const world = yield* members(2, { whenScaled: "Delete" })
      const { sandbox } = world
      const id = yield* stopped(world, "scale db --replicas 0", movesCount)
      sandbox.store.remove(configmaps, "shop", `kubectl-stateful-${id}`)
      const policies = () =>
        sandbox.store.list(persistentvolumes).map(({ spec }) => spec.persistentVolumeReclaimPolicy)
      const role = Access.roles({ verbs: ["scale"], namespace: "shop" }).flatMap(({ rules }) =>
        rules.map(({ rule }) => rule)
      )
      const patch = { verb: "patch", group: "", resource: "persistentvolumes", namespace: null }
      const abort = (allow: ReadonlyArray<Rule>) =>
        run({ sandbox, words: words("abort db --without-journal --take-over") }, allow)
      const set = { ...patch, group: "apps", resource: "statefulsets", namespace: "shop" }
      const refused = yield* abort(except(role, ruleOf(set)))
      assert.match(
        refused.failure ?? "",
        /not allowed: patch statefulsets.apps in shop;.*nothing was changed$/
      )
      assert.deepEqual(refused.effects, [])
      const { failure, err } = yield* abort(except(role, ruleOf(patch)))
      assert.match(
        `${err}${failure}`,
        /no permission to patch persistentvolumes; volume pvc-\S+ keeps .*Retain/
      )
      assert.deepEqual(policies(), ["Retain", "Retain"])
      assert.isNull((yield* abort(role)).failure)
      assert.deepEqual(policies(), ["Delete", "Delete"])
    })
  )

  it.effect("of snapshot needs no class to be listed, but its claims before anything is changed", () =>
    Effect.gen(function* () {
      const { sandbox } = yield* members(1)
      const role = Access.roles({ verbs: ["snapshot"], namespace: "shop" }).flatMap(({ rules }) =>
        rules.map(({ rule }) => rule)
      )
      const list = { verb: "list", namespace: "shop", group: "", resource: "persistentvolumeclaims" }
      const take = (allow: ReadonlyArray<Rule>) =>
        run({ sandbox, words: words("snapshot db --name nightly") }, allow)
      const unlisted = yield* take(except(role, ruleOf(list)))
      assert.match(unlisted.failure ?? "", names(list))
      assert.deepEqual(unlisted.effects, [])
      const group = "snapshot.storage.k8s.io"
      const classes = { verb: "list", namespace: null, group, resource: "volumesnapshotclasses" }
      const { failure } = yield* take(except(role, ruleOf(classes)))
      assert.isNull(failure)
    })
  )

  it.effect("may be limited to one StatefulSet by its name, and then allows nothing of another", () =>
    Effect.gen(function* () {
      const { sandbox } = yield* members(1)
      const role = Access.roles({ verbs: ["scale"], namespace: "shop" }).flatMap(({ rules }) =>
        rules.map(({ rule }) => rule)
      )
      const scale = (name: string, when: string) =>
        run(
          { sandbox, words: words(`scale db --replicas 2${when}`) },
          role
            .filter(({ resources, verbs }) => !(resources.includes("statefulsets") && verbs.includes("list")))
            .map((rule) =>
              rule.resources.includes("statefulsets") ? { ...rule, resourceNames: [name] } : rule
            )
        )
      const refused = yield* scale("other", "")
      assert.match(refused.failure ?? "", /cannot get resource "statefulsets"/)
      assert.deepEqual(refused.effects, [])
      for (const when of [" --dry-run=server", ""]) assert.isNull((yield* scale("db", when)).failure, when)
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
        /Warning: no permission to .*list nodes, .*list secrets in shop.*; `kubectl stateful rbac scale -n shop` prints the Role/
      )
    })
  )
})
