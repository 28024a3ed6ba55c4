import { spawn } from "node:child_process"
import { once } from "node:events"
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Heard, lines, script } from "../../packages/sdk/src/QuiesceScript.ts"

const found = (file: string): string | undefined =>
  ["/bin", "/usr/bin"].map((at) => join(at, file)).find((path) => existsSync(path))

/** Everywhere there is a `sh`; the others where they are installed and are not that one. */
const shells = [["sh"], ["dash"], ["bash"], ["busybox", "sh"]]
  .map(([file = "", ...rest]) => ({ name: [file, ...rest].join(" "), file: found(file), rest }))
  .flatMap(({ name, file, rest }) => (file === undefined ? [] : [{ name, argv: [file, ...rest] }]))
  .filter(
    ({ argv: [file = ""] }, index, all) =>
      all.findIndex(({ argv: [other = ""] }) => realpathSync(other) === realpathSync(file)) === index
  )

/** A freeze as a file tells it: it is there while somebody holds. */
const freeze = 'echo on >"$0"; echo held; cat >/dev/null; rm "$0"'

let folder = ""
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "held-"))
})
afterAll(() => rmSync(folder, { recursive: true }))

const sleep = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

/** All processes that have a mark in their environment, by what they run. */
const marked = (mark: string): ReadonlyArray<string> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const isOurs = readFileSync(`/proc/${pid}/environ`, "latin1").includes(`HELD_MARK=${mark}\0`)
        return isOurs ? [readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").trim()] : []
      } catch {
        return []
      }
    })

let runs = 0

const start = (
  shell: ReadonlyArray<string>,
  seconds: number,
  argv: (file: string) => ReadonlyArray<string>,
  environment: Record<string, string> = {}
) => {
  const mark = `${process.pid}-${++runs}`
  const file = join(folder, mark)
  const [name = "", ...rest] = shell
  const child = spawn(name, [...rest, "-c", script, "kubectl-stateful", "T", `${seconds}`, ...argv(file)], {
    env: { ...process.env, HELD_MARK: mark, ...environment }
  })
  const said = { out: "", err: "", bytes: 0 }
  child.stdout.on("data", (chunk: Buffer) => {
    said.bytes += chunk.length
    // Looked through every 10 ms: megabytes of nothing would be all that this process does.
    said.out += chunk.toString("latin1").replaceAll("\0", "")
  })
  child.stderr.on("data", (chunk: Buffer) => (said.err += chunk.toString("latin1")))
  // The script may be gone before it read what was sent to it.
  child.stdin.on("error", () => {})
  const ended = once(child, "close").then(([code]: ReadonlyArray<unknown>) => code)
  const until = async (isSo: () => boolean, millis = 20_000) => {
    const begin = performance.now()
    while (!isSo()) {
      if (performance.now() - begin > millis)
        throw new Error(`not in ${millis} ms; it said ${said.out.slice(-200)} ${said.err}`)
      await sleep(10)
    }
    return performance.now() - begin
  }
  return {
    child,
    said,
    ended,
    until,
    says: (text: string, millis?: number) => until(() => said.out.includes(text), millis),
    send: (text: string) => child.stdin.write(text),
    isFrozen: () => existsSync(file),
    processes: () => marked(mark)
  }
}

const frozen = (shell: ReadonlyArray<string>, seconds: number) =>
  start(shell, seconds, (file) => ["sh", "-c", freeze, file])

// Nearly all of their time is waiting.
describe.concurrent.each(shells)(
  "the script of a held command, by $name,",
  { timeout: 60_000 },
  ({ argv: shell }) => {
    it("holds until the word `end`, and answers each question while it holds", async () => {
      const run = frozen(shell, 20)
      run.send("T\n")
      await run.says("held\n")
      assert.isTrue(run.isFrozen())
      run.send("ask 1a\n")
      await run.says("\nT still 1a\n")
      run.send("ask 2b\n")
      await run.says("\nT still 2b\n")
      run.send("end\n")
      assert.strictEqual(await run.ended, 0)
      assert.strictEqual(run.said.out, "held\n\nT still 1a\n\nT still 2b\n\nT ended 0\n")
      assert.isFalse(run.isFrozen())
      assert.strictEqual(run.said.err, "")
    })

    it("undoes the hold at its deadline, says that it lapsed, and answers no question after", async () => {
      // Several, since what the script's processes say to each other may come in another order each time.
      const runs = [1, 2, 3, 4].map(() => frozen(shell, 3))
      // What a shell takes to be started, to wait three seconds and to be heard of is the machine's.
      const begin = performance.now()
      const plain = once(spawn("sh", ["-c", "sleep 3"]), "close").then(() => performance.now() - begin)
      const lapsing = runs.map(async (run) => {
        const sent = performance.now()
        run.send("T\n")
        await run.says("held\n")
        const held = await run.until(() => !run.isFrozen())
        assert.isAtLeast(performance.now() - sent, 2900)
        const machine = await plain
        assert.isAtMost(held, 4000 + 10 * (machine - 3000))
        run.send("ask 1a\n")
        assert.strictEqual(await run.ended, 0)
        assert.strictEqual(run.said.out, "held\n\nT lapsed\n\nT ended 0\n")
      })
      await Promise.all(lapsing)
    })

    it("answers a question that comes before it has heard that the command began", async () => {
      for (let round = 0; round < 8; round++) {
        const run = frozen(shell, 20)
        run.send("T\nask 1a\n")
        await run.says("\nT still 1a\n")
        run.send("end\n")
        assert.strictEqual(await run.ended, 0)
      }
    })

    it("undoes the hold when its connection ends, in the middle of a line or not", async () => {
      for (const last of ["", "ask 1", "en"]) {
        const run = frozen(shell, 20)
        run.send("T\n")
        await run.says("held\n")
        run.child.stdin.end(last)
        assert.strictEqual(await run.ended, 0)
        assert.strictEqual(run.said.out, "held\n\nT ended 0\n")
        assert.isFalse(run.isFrozen())
      }
    })

    it("begins only on the word to begin, and not a second later", async () => {
      for (const word of ["another\n", "\n", "T T\n"]) {
        const run = frozen(shell, 20)
        run.child.stdin.end(word)
        assert.strictEqual(await run.ended, 1)
        assert.strictEqual(run.said.out, "\nT none late\n")
      }
      // What a shell takes to start and to say its last word is the machine's, and measured beside it.
      const [silent, refused] = [frozen(shell, 20), frozen(shell, 20)]
      refused.child.stdin.end("another\n")
      const [waited, machine] = await Promise.all(
        [silent, refused].map((run) => run.says("\nT none late\n", 20_000))
      )
      assert.isBelow(waited ?? Infinity, 3000 + 3 * (machine ?? 0))
      const late = frozen(shell, 20)
      late.send("T")
      // Not before the shell reads: it would find both in one line.
      await sleep(1300 + 3 * (machine ?? 0))
      late.send("\n")
      await late.says("\nT none late\n")
      assert.isFalse(late.isFrozen())
    })

    it("gives the argv and the lines of input to the command as they are", async () => {
      const odd = `a b;$(id)"'\\n`
      const run = start(shell, 20, () => ["sh", "-c", 'printf "%s|" "$@"; cat', "name", odd, ""])
      run.send(`T\n+${odd}\n+\n+  two  \\\n++end\n`)
      await run.says("+end\n")
      run.send("end\n")
      assert.strictEqual(await run.ended, 0)
      assert.strictEqual(run.said.out, `${odd}||${odd}\n\n  two  \\\n+end\n\nT ended 0\n`)
    })

    it("says at once that the command ended by itself, and answers nothing for it", async () => {
      const run = start(shell, 20, () => ["sh", "-c", "echo held; exit 3"])
      run.send("T\nask 1a\n")
      assert.strictEqual(await run.ended, 3)
      // The question may have been in time, and then its answer is.
      const words = run.said.out.split("\n").filter((line) => line !== "" && line !== "T still 1a")
      assert.deepEqual(words, ["held", "T ended 3"])
      const none = start(shell, 20, () => ["/no/such/program"])
      none.send("T\n")
      assert.strictEqual(await none.ended, 127)
      assert.strictEqual(none.said.out, "\nT ended 127\n")
    })

    it("gives no answer for a command that is dead, though nobody has waited for it yet", async () => {
      // Its parent is stopped, so it stays a zombie, which a signal still reaches.
      const run = start(shell, 20, () => ["sh", "-c", "kill -STOP $PPID; echo held; exit 0"])
      run.send("T\n")
      await run.says("held\n")
      await sleep(100)
      run.send("ask 1a\n")
      await sleep(300)
      assert.notInclude(run.said.out, "still")
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        try {
          const state = readFileSync(`/proc/${pid}/stat`, "latin1").replace(/^.*\) /s, "")
          const isOurs = readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("kill -STOP $PPID")
          if (state.startsWith("T") && isOurs) process.kill(Number(pid), "SIGCONT")
        } catch {
          // Gone meanwhile.
        }
      }
      assert.strictEqual(await run.ended, 0)
    })

    it("ends a command that does not obey the end of its input, in 5 seconds by TERM", async () => {
      const run = start(shell, 20, () => ["sh", "-c", "echo held; exec sleep 60"])
      run.send("T\n")
      await run.says("held\n")
      run.send("end\n")
      const took = await run.says("\nT ended 143\n")
      assert.isAtLeast(took, 4000)
      assert.strictEqual(await run.ended, 143)
    })

    it("ends at its deadline a command that is stuck since nobody reads its output", async () => {
      const run = start(shell, 1, (file) => [
        "sh",
        "-c",
        'echo on >"$0"; echo held; exec cat /dev/zero',
        file
      ])
      run.send("T\n")
      await run.says("held\n")
      run.child.stdout.pause()
      // The one who answers gets stuck as well.
      run.send("ask 1a\n")
      const isOver = () => !run.processes().some((command) => command === "cat /dev/zero")
      await run.until(isOver, 10_000)
      run.child.stdout.resume()
      assert.strictEqual(await run.ended, 143)
    })

    it("passes megabytes of output on, and proves the hold among them", async () => {
      const loud = "echo held; head -c 5000000 /dev/zero; echo; cat >/dev/null"
      const run = start(shell, 40, () => ["sh", "-c", loud])
      run.send("T\n")
      await run.says("held\n")
      run.send("ask 1a\n")
      await run.says("\nT still 1a\n")
      // It hears of the end once it has written all: where that takes more than 5 seconds it is ended by TERM.
      await run.until(() => run.said.bytes > 5_000_000)
      run.send("end\n")
      assert.strictEqual(await run.ended, 0)
      assert.match(run.said.out, /\nT ended 0\n$/)
      assert.isAbove(run.said.bytes, 5_000_000)
    })

    it("leaves nothing behind but a sleep of a second", async () => {
      const run = frozen(shell, 20)
      run.send("T\n")
      await run.says("held\n")
      run.send("end\n")
      await run.ended
      assert.deepEqual(
        run.processes().filter((command) => !/^(\/\S+\/)?(busybox )?sleep (1|0\.\d+)$/.test(command)),
        []
      )
      await run.until(() => run.processes().length === 0, 2500)
    })

    it("begins nothing where there is no sleep to stop it in time", async () => {
      // A busybox has a sleep of its own whatever the path says.
      if (shell[0]?.endsWith("busybox") === true) return
      const bin = mkdtempSync(join(folder, "bin-"))
      for (const name of ["cat", "rm", "sh"]) symlinkSync(join("/bin", name), join(bin, name))
      const run = start(shell, 20, (path) => ["sh", "-c", freeze, path], { PATH: bin })
      run.send("T\n")
      assert.strictEqual(await run.ended, 1)
      assert.strictEqual(run.said.out, "\nT none sleep\n")
    })

    it("ends sooner, never later, where sleep takes no fractions of a second", async () => {
      if (shell[0]?.endsWith("busybox") === true) return
      const bin = mkdtempSync(join(folder, "bin-"))
      writeFileSync(join(bin, "sleep"), '#!/bin/sh\ncase $1 in *.*) exit 1;; esac\nexec /bin/sleep "$1"\n', {
        mode: 0o755
      })
      const run = start(shell, 4, (file) => ["sh", "-c", freeze, file], { PATH: `${bin}:/usr/bin:/bin` })
      // As long a wait of a shell, on this machine.
      const begin = performance.now()
      const plain = once(spawn("sh", ["-c", "sleep 4"]), "close").then(() => performance.now() - begin)
      run.send("T\n")
      await run.says("held\n")
      const held = await run.until(() => !run.isFrozen())
      const machine = await plain
      assert.isAtMost(held, 4500 + 10 * (machine - 4000))
      await run.says("\nT lapsed\n")
    })
  }
)

describe("what is heard of a hold", () => {
  it("is no answer when it comes behind a word of a lapse or of the end", () => {
    for (const over of ["T lapsed", "T ended 0"]) {
      const heard = new Heard()
      for (const line of ["held", "T still 1", over, "T still 2", "held"]) heard.word("T", line, 7n)
      assert.deepEqual([...heard.still], ["1"])
      assert.isTrue(heard.isOver)
    }
    const never = new Heard()
    for (const line of ["T lapsed", "held"]) never.word("T", line, 7n)
    assert.isNull(never.heldAt)
  })
})

describe("lines that come in pieces", () => {
  it("are heard whole, wherever they were torn, and none that is too long to be a word", () => {
    const text = `a\n\n${"x".repeat(5000)}\nT still 1\n${"y".repeat(4095)}z\nhalf`
    for (let size = 1; size < 60; size++) {
      const heard: Array<string> = []
      const hear = lines((line) => heard.push(line))
      for (let from = 0; from < text.length; from += size) hear(text.slice(from, from + size))
      assert.deepEqual(heard, ["a", "", "T still 1", `${"y".repeat(4095)}z`], `pieces of ${size}`)
    }
  })

  it("cost no more memory than one word, however long a line gets", () => {
    // More than a string can be.
    const piece = "x".repeat(201)
    let heard = 0
    const hear = lines(() => heard++)
    for (let round = 0; round < 5_500_000; round++) hear(piece)
    hear("\nT still 1\n")
    assert.strictEqual(heard, 1)
  })
})
