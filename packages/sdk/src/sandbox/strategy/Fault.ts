/** The server's wording for what is wrong with a field. */
import type { Fault } from "../ResourceType.ts"

const shown = (value: unknown): string => JSON.stringify(value) ?? "null"

export const required = (field: string, detail = ""): Fault => ({
  field,
  reason: "FieldValueRequired",
  message: detail === "" ? "Required value" : `Required value: ${detail}`
})

export const wrong = (field: string, value: unknown, detail: string): Fault => ({
  field,
  reason: "FieldValueInvalid",
  message: `Invalid value: ${shown(value)}: ${detail}`
})

export const prohibited = (field: string, detail: string): Fault => ({
  field,
  reason: "FieldValueForbidden",
  message: `Forbidden: ${detail}`
})

export const unsupported = (field: string, value: unknown, supported: ReadonlyArray<string>): Fault => ({
  field,
  reason: "FieldValueNotSupported",
  message: `Unsupported value: ${shown(value)}: supported values: ${supported.map(shown).join(", ")}`
})

const labelPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const subdomainPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** An RFC 1123 label: StatefulSets, Services, namespaces, containers. */
export const label = (field: string, name: string): ReadonlyArray<Fault> => [
  ...(name.length > 63 ? [wrong(field, name, "must be no more than 63 bytes")] : []),
  ...(labelPattern.test(name)
    ? []
    : [
        wrong(
          field,
          name,
          "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        )
      ])
]

/** An RFC 1123 subdomain: nearly every other name. */
export const subdomain = (field: string, name: string): ReadonlyArray<Fault> => [
  ...(name.length > 253 ? [wrong(field, name, "must be no more than 253 bytes")] : []),
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

const keyPattern = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const valuePattern = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/

/** Keys and values of labels. */
export const labels = (field: string, found: Readonly<Record<string, string>>): ReadonlyArray<Fault> =>
  Object.entries(found).flatMap(([key, value]) => [
    ...(keyPattern.test(key)
      ? []
      : [
          wrong(
            field,
            key,
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
          )
        ]),
    ...(value.length > 63 ? [wrong(field, value, "must be no more than 63 bytes")] : []),
    ...(valuePattern.test(value)
      ? []
      : [
          wrong(
            field,
            value,
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
          )
        ])
  ])

export const notNegative = (field: string, value: unknown): ReadonlyArray<Fault> =>
  typeof value === "number" && value < 0 ? [wrong(field, value, "must be greater than or equal to 0")] : []
