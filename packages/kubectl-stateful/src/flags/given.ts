/** The values that were set. */
type Given<A> = { readonly [K in keyof A]?: Exclude<A[K], undefined> }

/** The values without undefined ones: the SDK distinguishes an absent option from an undefined one. */
export const given = <A extends object>(values: A): Given<A> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<A>
