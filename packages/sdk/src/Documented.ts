/**
 * A schema whose type is an interface: an editor shows that by its name, and its fields with their docs. Of a
 * type that is inferred from a schema it shows the types of all fields at once, and no docs.
 */
import * as Schema from "effect/Schema"

/** The schemas of an interface's fields, to be spread into another's. */
export type FieldsOf<A> = {
  readonly [Key in keyof A]-?: object extends Pick<A, Key>
    ? Schema.optionalKey<Schema.Codec<Exclude<A[Key], undefined>>>
    : Schema.Codec<A[Key]>
}

/** The schema of an interface. */
export interface Documented<A> extends Schema.Codec<A> {
  readonly fields: FieldsOf<A>
}

/** The schema of an interface: with that one's fields, neither more nor less. */
export const documented = <A extends object>(fields: {
  readonly [Key in keyof A]-?: Schema.Codec<Exclude<A[Key], undefined>>
}): Documented<A> => Schema.Struct(fields) as unknown as Documented<A>
