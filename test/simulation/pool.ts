/** Works a queue of runs off on all cores: what is told to a thread, and what it tells. */
import { availableParallelism } from "node:os"
import { parentPort, Worker } from "node:worker_threads"

export interface Failure<Task> {
  readonly task: Task
  /** What was wrong, and what callers were told. */
  readonly faults: ReadonlyArray<string>
  readonly story: ReadonlyArray<string>
}

/** What came of tasks: one of them may be many runs. */
export interface Done<Task> {
  readonly runs: number
  readonly failures: ReadonlyArray<Failure<Task>>
}

/** How many tasks a thread is given at a time. */
export const batch = 20

/** In batches each of which has tasks from everywhere: cut short, a queue has seen of each. */
export const batches = <Task>(
  tasks: ReadonlyArray<Task>,
  size = batch
): ReadonlyArray<ReadonlyArray<Task>> => {
  const all = Array.from({ length: Math.ceil(tasks.length / size) }, (): Array<Task> => [])
  for (const [place, task] of tasks.entries()) all[place % all.length]?.push(task)
  return all
}

/** Answers once every thread has nothing left, or it is no longer time. */
export const onAllCores = <Task>(
  worker: URL,
  queue: Array<ReadonlyArray<Task>>,
  over: (tasks: ReadonlyArray<Task>, failures: ReadonlyArray<Failure<Task>>, runs: number) => void,
  isTime: () => boolean
): Promise<unknown> =>
  Promise.all(
    Array.from(
      { length: Math.min(availableParallelism(), queue.length) },
      () =>
        new Promise<void>((resolve, reject) => {
          const thread = new Worker(worker, {
            // Each run is a world of its own that is garbage soon after.
            resourceLimits: { maxYoungGenerationSizeMb: 64 }
          })
          let tasks: ReadonlyArray<Task> | undefined
          const next = () => {
            tasks = queue.length > 0 && isTime() ? queue.shift() : undefined
            if (tasks === undefined) void thread.terminate().then(() => resolve())
            // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
            else thread.postMessage(tasks)
          }
          thread.on("message", ({ runs, failures }: Done<Task>) => {
            over(tasks ?? [], failures, runs)
            next()
          })
          thread.on("error", reject)
          next()
        })
    )
  )

/** In a thread: runs what it is told, and tells what was wrong. */
export const serveMany = <Task>(run: (task: Task) => Promise<Done<Task>>): void => {
  parentPort?.on("message", (tasks: ReadonlyArray<Task>) => {
    const all = async () => {
      const failures: Array<Failure<Task>> = []
      let runs = 0
      for (const task of tasks) {
        const done = await run(task)
        runs += done.runs
        failures.push(...done.failures)
      }
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
      parentPort?.postMessage({ runs, failures } satisfies Done<Task>)
    }
    void all()
  })
}

/** The same where each task is one run. */
export const serve = <Task>(run: (task: Task) => Promise<Failure<Task> | null>): void =>
  serveMany(async (task: Task) => {
    const failure = await run(task)
    return { runs: 1, failures: failure === null ? [] : [failure] }
  })
