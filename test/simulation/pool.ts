/** Works a queue of runs off on all cores: what is told to a thread, and what it tells. */
import { availableParallelism } from "node:os"
import { parentPort, Worker } from "node:worker_threads"

export interface Failure<Task> {
  readonly task: Task
  /** What was wrong, and what callers were told. */
  readonly faults: ReadonlyArray<string>
  readonly story: ReadonlyArray<string>
}

/** How many tasks a thread is given at a time. */
export const batch = 20

/** In batches each of which has tasks from everywhere: cut short, a queue has seen of each. */
export const batches = <Task>(tasks: ReadonlyArray<Task>): ReadonlyArray<ReadonlyArray<Task>> => {
  const all = Array.from({ length: Math.ceil(tasks.length / batch) }, (): Array<Task> => [])
  for (const [place, task] of tasks.entries()) all[place % all.length]?.push(task)
  return all
}

/** Answers once every thread has nothing left, or it is no longer time. */
export const onAllCores = <Task>(
  worker: URL,
  queue: Array<ReadonlyArray<Task>>,
  over: (tasks: ReadonlyArray<Task>, failures: ReadonlyArray<Failure<Task>>) => void,
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
            tasks = isTime() ? queue.shift() : undefined
            if (tasks === undefined) void thread.terminate().then(() => resolve())
            // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
            else thread.postMessage(tasks)
          }
          thread.on("message", (failures: ReadonlyArray<Failure<Task>>) => {
            over(tasks ?? [], failures)
            next()
          })
          thread.on("error", reject)
          next()
        })
    )
  )

/** In a thread: runs what it is told, and tells what was wrong. */
export const serve = <Task>(run: (task: Task) => Promise<Failure<Task> | null>): void => {
  parentPort?.on("message", (tasks: ReadonlyArray<Task>) => {
    const all = async () => {
      const failures: Array<Failure<Task>> = []
      for (const task of tasks) {
        const failure = await run(task)
        if (failure !== null) failures.push(failure)
      }
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
      parentPort?.postMessage(failures)
    }
    void all()
  })
}
