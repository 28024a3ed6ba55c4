import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { type Answer, answer, Checklist, type Question, rules } from "../../packages/sdk/src/Checklist.ts"
import { healthyApp } from "./appState.ts"
import { type Case, finding } from "./checklist/cases.ts"
import { moveCases } from "./checklist/move.cases.ts"
import { restartCases } from "./checklist/restart.cases.ts"
import { restoreCases } from "./checklist/restore.cases.ts"
import { snapshotCases } from "./checklist/snapshot.cases.ts"

const cases: Readonly<Record<Question, ReadonlyArray<Case>>> = {
  restart: restartCases,
  snapshot: snapshotCases,
  move: moveCases,
  restore: restoreCases
}
const questions = ["restart", "snapshot", "move", "restore"] as const
const told = questions.flatMap((question) =>
  cases[question].map((one) => ({ question, one, found: finding(question, one) }))
)

const page = readFileSync(new URL("../../docs/checklist.md", import.meta.url), "utf8")

/** The part of the page about one question. */
const section = (question: Question): string => {
  const from = page.indexOf(`(\`${question}\`)`)
  const to = page.indexOf("\n## ", from)
  return from < 0 ? "" : page.slice(from, to < 0 ? undefined : to)
}

/** Commands within a remedy: each starts with kubectl and ends at `&&`, `| xargs` or the end. */
const commands = (remedy: string): ReadonlyArray<string> =>
  /^kubectl |: kubectl /.test(remedy) ? remedy.slice(remedy.indexOf("kubectl ")).split(/ && | \| xargs /) : []

/** Words as a POSIX shell would see them; null for a quote that does not end. */
const words = (command: string): ReadonlyArray<string> | null => {
  const found = command.match(/(?:[^\s']+|'[^']*')+/g) ?? []
  const whole = found.join(" ") === command
  return whole ? found.map((word) => word.replaceAll("'", "")) : null
}

const verbs = ["annotate", "apply", "create", "delete", "describe", "edit", "get", "label", "logs", "patch"]
const more = ["rollout", "scale", "set", "stateful", "taint", "uncordon"]

describe("the checklist", () => {
  it("answers yes to all four questions about an application that is well, and finds nothing else to say", () => {
    assert.deepStrictEqual(
      answer(healthyApp()).map((verdict) => [
        verdict.question,
        verdict.answer,
        verdict.findings.map((found) => found.rule)
      ]),
      [
        ["restart", "Yes", ["quorum-kept", "gone-node-keeps-pods", "budget-keeps-quorum"]],
        ["snapshot", "Yes", ["one-cut"]],
        ["move", "Yes", ["needs-on-target"]],
        ["restore", "Yes", ["copy-elsewhere"]]
      ]
    )
  })

  it("claims nothing of data for lack of claims that could not be read, or that are still to come", () => {
    const lacking = healthyApp((draft) => {
      draft.claims = []
      draft.protection.snapshots = []
      draft.protection.copies = []
    })
    for (const resource of ["persistentvolumeclaims", "persistentvolumeclaims/data-db-0"]) {
      const unread = [{ resource, reason: "Forbidden", message: "" }]
      assert.deepStrictEqual(
        answer({ ...lacking, unread }).map((verdict) => verdict.answer),
        ["Unknown", "Unknown", "Unknown", "Unknown"]
      )
    }
    const toCome = answer(lacking)
    assert.deepStrictEqual(
      toCome.map((verdict) => verdict.answer),
      ["No", "No", "Unknown", "No"]
    )
    assert.match(
      toCome[0]?.findings[0]?.evidence ?? "",
      /^data-db-0, .* do not exist yet: there is no volume$/
    )
  })

  it("says of a workload that cannot be understood that nothing is known", () => {
    const lost = healthyApp((draft) => {
      Object.assign(draft, { workloads: [], replicas: [], claims: [], placements: [], dependencies: [] })
      draft.unread = [{ resource: "statefulsets.apps/db", reason: "Unreadable", message: "" }]
    })
    assert.deepStrictEqual(
      answer(lost).map((verdict) => verdict.answer),
      ["Unknown", "Unknown", "Unknown", "Unknown"]
    )
  })

  it("is a value by the published schema, whatever is wrong", () => {
    for (const { one } of told) {
      const checklist = answer(healthyApp(one.change), one.options)
      assert.deepStrictEqual(Schema.decodeUnknownSync(Checklist)(checklist), checklist)
    }
  })

  it("gives the same answers for the same state", () => {
    for (const { one } of told) {
      assert.deepStrictEqual(
        answer(healthyApp(one.change), one.options),
        answer(healthyApp(one.change), one.options)
      )
    }
  })

  it("is the worst that a rule says, and tells what decides first", () => {
    for (const { one } of told) {
      for (const verdict of answer(healthyApp(one.change), one.options)) {
        // What only matters for good, or for a drain, comes behind what decides the first question.
        const isAside = (found: (typeof verdict.findings)[number]) =>
          found.disruptions.length > 0 && !found.disruptions.some((each) => each.endsWith("Restarts"))
        const order = verdict.findings.map(
          (found) =>
            (isAside(found) ? 10 : 0) + ["No", "Unknown", "YesWithDowntime", "Yes"].indexOf(found.answer)
        )
        assert.deepStrictEqual(
          order,
          order.toSorted((a, b) => a - b)
        )
        const [first] = verdict.findings
        assert.strictEqual(verdict.answer, first === undefined || isAside(first) ? "Yes" : first.answer)
      }
    }
  })

  it("has a case for every rule, and a rule for every case", () => {
    for (const question of questions) {
      assert.deepStrictEqual(
        new Set(cases[question].map((one) => one.rule)),
        new Set(rules.filter((rule) => rule.question === question).map((rule) => rule.rule))
      )
    }
  })

  it("names each rule of a question once", () => {
    const all = rules.map((rule) => `${rule.question} ${rule.rule}`)
    assert.strictEqual(new Set(all).size, all.length)
  })

  it("gives evidence in one line of at most 100 characters that leaves nothing blank", () => {
    for (const { found } of told) {
      assert.match(found.evidence, /^\S.{0,98}\S$/)
      assert.notMatch(found.evidence, /undefined|null|NaN|Infinity|\[object| {2}/)
    }
  })

  it("says what to do about every no", () => {
    for (const { found } of told.filter((one) => one.found.answer === "No")) assert.isNotNull(found.remedy)
  })

  it("gives no command that a shell would redirect", () => {
    for (const { found } of told) {
      for (const command of commands(found.remedy ?? "")) {
        assert.notMatch(command.replaceAll(/'[^']*'/g, ""), /[<>;&`$*?]/)
      }
    }
  })

  it("names objects as Kind/name", () => {
    for (const { found } of told)
      for (const object of found.objects) assert.match(object, /^[A-Z][\w.]*\/\S+$/)
  })
})

describe("a remedy", () => {
  const remedies = told.flatMap(({ found }) => (found.remedy === null ? [] : [found.remedy]))
  const typed = remedies.flatMap(commands)

  it("is a command where there is one", () => {
    assert.isAbove(typed.length, 20)
  })

  it("has real names: nothing empty, and only a choice that is the user's is left open", () => {
    for (const remedy of remedies) {
      assert.notMatch(remedy, /undefined|null[^,}]|NaN|\[object| {2}|=\s|=$|""/)
      for (const open of remedy.match(/(?<==)[A-Z]+$/g) ?? []) assert.include(["RACK", "ZONE", "FILE"], open)
    }
  })

  it("is one that kubectl takes: a verb of its own, words a shell keeps whole, JSON where JSON is due", () => {
    for (const command of typed) {
      const [kubectl, verb, ...rest] = words(command) ?? []
      assert.strictEqual(kubectl, "kubectl", command)
      assert.include([...verbs, ...more], verb, command)
      const patch = rest[rest.indexOf("-p") + 1]
      if (rest.includes("-p")) assert.isObject(JSON.parse(patch ?? ""), command)
    }
  })

  it("names the namespace wherever the object is in one", () => {
    const clusterWide = /^(node|pv|storageclass|volumesnapshotclass|volumegroupsnapshotclass|nodes)$/
    for (const command of typed) {
      const list = words(command) ?? []
      const at = list.indexOf("-n")
      if (list.some((word) => clusterWide.test(word)) || list[1] === "uncordon")
        assert.strictEqual(at, -1, command)
      else assert.strictEqual(list[at + 1], "shop", command)
    }
  })
})

/** How the document puts an answer. */
const spoken: Readonly<Record<Answer, string>> = {
  Yes: "Yes",
  YesWithDowntime: "Yes, with downtime",
  No: "No",
  Unknown: "Unknown"
}

describe("docs/checklist.md", () => {
  it("lists the rules that there are, by question, and no others", () => {
    for (const question of questions) {
      assert.deepStrictEqual(
        new Set([...section(question).matchAll(/^- `([\w-]+)`/gm)].map((match) => match[1])),
        new Set(rules.filter((rule) => rule.question === question).map((rule) => rule.rule)),
        question
      )
    }
  })

  it("says of each rule when it says what, with evidence and remedy as the code gives them", () => {
    for (const { question, one, found } of told) {
      const remedy = found.answer === "Yes" || found.remedy === null ? "" : `\n      -> ${found.remedy}`
      assert.include(
        section(question),
        `- \`${one.rule}\`: **${spoken[one.says]}** if ${one.when}.\n\n      ${found.evidence}${remedy}\n`,
        `${question} ${one.rule}`
      )
    }
  })
})
