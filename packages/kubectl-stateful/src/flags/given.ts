/** The values that were set. */
type Given<A> = { readonly [K in keyof A]?: Exclude<A[K], undefined> }

/** Without what is undefined: the SDK tells an option that is left out from one that is undefined. */
export const given = <A extends object>(values: A): Given<A> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<A>
