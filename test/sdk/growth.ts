/**
 * How a cost grows with what it is for. Reads are counted rather than time: that is the same on
 * every machine, whatever else runs on it.
 */

/** Plain data that counts each read of a field or an element, however deep. */
const counted = <A extends object>(data: A): { readonly data: A; readonly reads: () => number } => {
  let reads = 0
  const seen = new WeakMap<object, object>()
  const wrap = (value: object): object => {
    const known = seen.get(value)
    if (known !== undefined) return known
    const wrapped = new Proxy(value, {
      get: (target, key, receiver) => {
        reads += 1
        const found: unknown = Reflect.get(target, key, receiver)
        return typeof found === "object" && found !== null ? wrap(found) : found
      }
    })
    seen.set(value, wrapped)
    return wrapped
  }
  return { data: wrap(data) as A, reads: () => reads }
}

/** How often `run` reads from twice the data, per read from the data: 2 is linear, 4 quadratic. */
export const growth = <A extends object>(
  of: (size: number) => A,
  size: number,
  run: (data: A) => unknown
): number => {
  const [once = 0, twice = 0] = [size, size * 2].map((count) => {
    const { data, reads } = counted(of(count))
    run(data)
    return reads()
  })
  return twice / once
}

// This thread's own time: what else runs on the machine does not count.
const timed = (run: () => unknown): number => {
  const began = process.threadCpuUsage()
  run()
  const { user, system } = process.threadCpuUsage(began)
  return (user + system) / 1000
}

/**
 * The same in time, for work that reads no data of ours, such as matching a text. What takes less
 * than ten milliseconds is told as 1: choose a size at which quadratic time takes far more.
 */
export const slowdown = (run: (size: number) => unknown, size: number): number => {
  const least = (of: number) => Math.min(...[1, 2, 3].map(() => timed(() => run(of))))
  if (timed(() => run(size)) < 10) return 1
  return least(size * 2) / Math.max(10, least(size))
}
