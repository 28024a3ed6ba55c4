/** Unknown and duplicate fields: `fieldValidation` as on the server. */
import { any, type FieldNames, type Form, each, fields, known, open } from "./FieldNames.ts"
import { type Draft, isDraft } from "../apimachinery/KubeObject.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"
import { badRequest, type Refusal, unpatchable } from "../apimachinery/Status.ts"

export type Directive = "Ignore" | "Strict" | "Warn"

/** k8s.io json, saveStrictError: the maximum number of reported errors. */
const most = 100

/** The errors of a JSON text, in their order, each once. */
export const faultsOf = (text: string, top: Form): ReadonlyArray<string> => {
  const found = new Set<string>()
  const fault = (what: string, path: string): void => {
    if (found.size < most) found.add(`${what} field ${JSON.stringify(path)}`)
  }
  let i = 0
  const space = (): void => {
    while (i < text.length && text.charCodeAt(i) <= 0x20) i += 1
  }
  const word = (): string => {
    const start = i
    for (i += 1; text[i] !== '"' && i < text.length; i += 1) if (text[i] === "\\") i += 1
    i += 1
    return text.slice(start, i)
  }
  /** After an item: whether there is another. */
  const more = (): boolean => {
    space()
    const isMore = text[i] === ","
    i += 1
    space()
    return isMore
  }
  /** Past the opening bracket: whether nothing stands before the closing one, which is passed too. */
  const isEmpty = (closing: string): boolean => {
    i += 1
    space()
    if (text[i] !== closing) return false
    i += 1
    return true
  }
  const members = (form: Form, path: string): void => {
    if (isEmpty("}")) return
    const seen = new Set<string>()
    do {
      const raw = word()
      const name: string = raw.includes("\\") ? JSON.parse(raw) : raw.slice(1, -1)
      const at = path === "" ? name : `${path}.${name}`
      space()
      i += 1
      const of = form._tag === "Each" ? form.of : form._tag === "Fields" ? form.fields.get(name) : form
      if (of === undefined) fault("unknown", at)
      else if (form._tag !== "Any") {
        if (seen.has(name)) fault("duplicate", at)
        seen.add(name)
      }
      value(of ?? any, at)
    } while (more())
  }
  const value = (form: Form, path: string): void => {
    space()
    switch (text.charAt(i)) {
      case '"':
        word()
        return
      case "{":
        members(form, path)
        return
      case "[": {
        if (isEmpty("]")) return
        const of = form._tag === "Each" ? form.of : form._tag === "Open" ? open : any
        let index = 0
        do value(of, form._tag === "Any" ? path : `${path}[${index++}]`)
        while (more())
        return
      }
      default:
        while (i < text.length && !/[\s,\]}]/.test(text.charAt(i))) i += 1
    }
  }
  value(top, "")
  return [...found]
}

const isUnknown = (fault: string): boolean => fault.startsWith("unknown")

/** The unknown fields of an object that was parsed before, sorted. */
const unknownIn = (value: unknown, form: Form): ReadonlyArray<string> =>
  // Unchanged, and so without any, in all but a few cases.
  known(value, form) === value ? [] : faultsOf(JSON.stringify(value), form).filter(isUnknown).toSorted()

const operations = each(fields({ op: any, path: any, from: any, value: open }))

const strict = (faults: ReadonlyArray<string>): string => `strict decoding error: ${faults.join(", ")}`

/** The field validation of one write. */
export class Strictness {
  readonly #directive: Directive
  readonly #names: FieldNames | undefined
  readonly #warnings = new Set<string>()

  /** Without names no field is unknown, and none is dropped. */
  constructor(directive: Directive, names: FieldNames | undefined) {
    this.#directive = directive
    this.#names = names
  }

  /** One for each fault of a write that was to be warned of. */
  get warnings(): ReadonlyArray<string> {
    return [...this.#warnings]
  }

  #judge(faults: () => ReadonlyArray<string>, refusal: (why: string) => Refusal): void {
    if (this.#directive === "Ignore") return
    const found = faults()
    if (found.length === 0) return
    if (this.#directive === "Strict") throw refusal(strict(found))
    for (const each of found) this.#warnings.add(each)
  }

  #known(draft: Draft, form: Form): Draft {
    const kept = known(draft, form)
    return isDraft(kept) ? kept : draft
  }

  /** The object of a POST or PUT without what is unknown. `text`: the body that it came in. */
  body(type: ResourceType, version: string, text: string, draft: Draft): Draft {
    if (this.#names === undefined) return draft
    const form = this.#names.of(type)
    this.#judge(
      () =>
        type.custom
          ? // A definition's fields are looked at after the whole text was read.
            [...faultsOf(text, open), ...unknownIn(draft, form)]
          : faultsOf(text, form),
      (why) =>
        badRequest(
          `${type.kind} in version ${JSON.stringify(version)} cannot be handled as a ${type.kind}: ${why}`
        )
    )
    return this.#known(draft, form)
  }

  /** The Scale of a PUT. */
  scale(text: string, draft: Draft): Draft {
    if (this.#names === undefined) return draft
    const form = this.#names.scale
    this.#judge(
      () => faultsOf(text, form),
      (why) => badRequest(`Scale in version "v1" cannot be handled as a Scale: ${why}`)
    )
    return this.#known(draft, form)
  }

  /** The result of a patch, without unknown fields. `type` is undefined for a Scale. */
  patched(type: ResourceType | undefined, text: string, mediaType: string, draft: Draft): Draft {
    if (this.#names === undefined) return draft
    const form = type === undefined ? this.#names.scale : this.#names.of(type)
    this.#judge(
      () => [
        ...(mediaType.startsWith("application/json-patch")
          ? faultsOf(text, operations).map((fault) => `json patch ${fault}`)
          : faultsOf(text, open)),
        ...unknownIn(draft, form)
      ],
      unpatchable
    )
    return this.#known(draft, form)
  }
}
