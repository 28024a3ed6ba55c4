const begin = performance.now()

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)}s`

export const say = (text: string): void => {
  process.stderr.write(`${seconds(begin).padStart(7)}  ${text}\n`)
}

/** Runs one part of the work and says how long it took; parts may overlap. */
export const phase = async <A>(name: string, work: () => Promise<A>): Promise<A> => {
  const start = performance.now()
  try {
    const result = await work()
    say(`${name} (${seconds(start)})`)
    return result
  } catch (cause) {
    say(`${name} failed (${seconds(start)})`)
    throw cause
  }
}

/** Asks again until there is an answer; the state asked for has no event to wait on. */
export const until = async <A>(
  what: string,
  limit: number,
  ask: () => Promise<A | undefined | false>
): Promise<A> => {
  const deadline = performance.now() + limit * 1000
  let last: unknown
  while (performance.now() < deadline) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
    } catch (cause) {
      last = cause
    }
    await new Promise((resume) => setTimeout(resume, 100))
  }
  throw new Error(`${what}: not within ${limit}s${last instanceof Error ? ` (${last.message})` : ""}`)
}
