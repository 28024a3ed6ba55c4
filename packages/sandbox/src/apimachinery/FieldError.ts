/** Validation errors of a field, in the server's wording. */

/** One validation error of an object, as in a 422. */
export interface FieldError {
  readonly field: string
  readonly reason:
    | "FieldValueRequired"
    | "FieldValueInvalid"
    | "FieldValueTypeInvalid"
    | "FieldValueForbidden"
    | "FieldValueNotSupported"
    | "FieldValueTooLong"
    | "FieldValueDuplicate"
    | "FieldValueNotFound"
  /** Without the field, such as `Required value: name or generateName is required`. */
  readonly message: string
}

const shown = (value: unknown): string => JSON.stringify(value) ?? "null"

export const required = (field: string, detail = ""): FieldError => ({
  field,
  reason: "FieldValueRequired",
  message: detail === "" ? "Required value" : `Required value: ${detail}`
})

export const wrong = (field: string, value: unknown, detail: string): FieldError => ({
  field,
  reason: "FieldValueInvalid",
  message: `Invalid value: ${shown(value)}: ${detail}`
})

export const prohibited = (field: string, detail: string): FieldError => ({
  field,
  reason: "FieldValueForbidden",
  message: `Forbidden: ${detail}`
})

export const unsupported = (field: string, value: unknown, supported: ReadonlyArray<string>): FieldError => ({
  field,
  reason: "FieldValueNotSupported",
  message: `Unsupported value: ${shown(value)}: supported values: ${supported.map(shown).join(", ")}`
})

const labelPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const subdomainPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** An RFC 1123 label: StatefulSets, Services, namespaces, containers. */
export const label = (field: string, name: string): ReadonlyArray<FieldError> => [
  ...(name.length > 63 ? [wrong(field, name, "must be no more than 63 characters")] : []),
  ...(labelPattern.test(name)
    ? []
    : field === "metadata.name" && subdomainPattern.test(name)
      ? [wrong(field, name, "must not contain dots")]
      : [
          wrong(
            field,
            name,
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
          )
        ])
]

/** An RFC 1123 subdomain: nearly every other name. */
export const subdomain = (field: string, name: string): ReadonlyArray<FieldError> => [
  ...(name.length > 253 ? [wrong(field, name, "must be no more than 253 characters")] : []),
  ...(subdomainPattern.test(name)
    ? []
    : [
        wrong(
          field,
          name,
          "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        )
      ])
]

const partPattern = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const part =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

/** Errors in the key of a label: a name, optionally after a DNS subdomain and a slash. */
export const keyProblems = (key: string): ReadonlyArray<string> => {
  const parts = key.split("/")
  if (parts.length > 2) {
    return [
      `a valid label key ${part} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`
    ]
  }
  const [prefix, name = ""] = parts.length === 1 ? [undefined, parts[0]] : parts
  return [
    ...(prefix === undefined
      ? []
      : prefix === ""
        ? ["prefix part must be non-empty"]
        : subdomain("", prefix).map(
            ({ message }) => `prefix part ${message.slice(`Invalid value: ${shown(prefix)}: `.length)}`
          )),
    ...(name === "" ? ["name part must be non-empty"] : []),
    ...(name.length > 63 ? ["name part must be no more than 63 bytes"] : []),
    ...(partPattern.test(name) ? [] : [`name part ${part}`])
  ]
}

/** `value` is the original text, if it is validated in another form. */
export const qualifiedName = (field: string, key: string, value = key): ReadonlyArray<FieldError> =>
  keyProblems(key).map((problem) => wrong(field, value, problem))

const valuePattern = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/

/** Errors in the value of a label. */
export const valueProblems = (value: string): ReadonlyArray<string> => [
  ...(value.length > 63 ? ["must be no more than 63 bytes"] : []),
  ...(valuePattern.test(value)
    ? []
    : [
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
      ])
]

/** Keys and values of labels. */
export const labels = (field: string, found: Readonly<Record<string, string>>): ReadonlyArray<FieldError> =>
  Object.entries(found).flatMap(([key, value]) => [
    ...qualifiedName(field, key),
    ...valueProblems(value).map((problem) => wrong(field, value, problem))
  ])

export const notNegative = (field: string, value: unknown): ReadonlyArray<FieldError> =>
  typeof value === "number" && value < 0 ? [wrong(field, value, "must be greater than or equal to 0")] : []
