/** Which of these were given: the SDK tells an option that is left out from one that is undefined. */
export const given = <A extends object>(values: A): { readonly [K in keyof A]?: Exclude<A[K], undefined> } =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is left out is what is undefined
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof A]?: Exclude<A[K], undefined>
  }
