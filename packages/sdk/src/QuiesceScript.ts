/** The script in the pod that reports the state of a quiesce command, and the parser of its output here. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"

/**
 * The constant script. `$1` is the token, `$2` the seconds of the deadline, the rest the argv. It writes no
 * file, and needs `sh`, `sleep` and `/proc`; without them it says `none` and begins nothing.
 *
 * Its processes, left to right in two pipelines, each with one thing to do:
 * - `reader` reads the caller's lines, and is the only one that has the command's input open: while it is
 *   alive, the input has not ended. The first line must be the token, within a second; without it, it ends
 *   after two, since a sleep without fractions would end a second early.
 * - its parent says how it ended: 0 by `end`, 1 with the connection, 137 by the deadline.
 * - the command's parent says that it began, and its exit code.
 * - the last one receives the output of all of them through one pipe, and is the only one that writes to the
 *   caller. The output of two of them may arrive in either order: the go signal before the name of its
 *   reader, and a question that was asked as soon as the command printed `held` before the name of the
 *   command, which it waits for. It may block if nothing reads its output; so the deadline is enforced by a
 *   separate process, `watch`, with TERM and KILL for a command that is blocked in the same way. Time is the
 *   uptime, since a machine that was suspended continues with the rest of a sleep.
 *
 * `still` is true although the reader may have ended in the meantime: it was alive when it passed the
 * question on, and the command was alive after that. The command's state is read from the kernel, since its
 * parent may report its end late.
 *
 * Whatever gets a signal has a parent that waits for it, and only sleeps of a second are left to the
 * container's first process: a PostgreSQL that is that takes one that was killed for a crash of its own.
 */
export const script = `t=$1; s=$2; shift 2; l= p= f= m= w= c= g= z= q=
say() { printf '\\n%s %s\\n' "$t" "$1" >&3; }
now() { read -r u _ </proc/uptime && u=$((\${u%.*}*100+1\${u#*.}-100)); }
till() { while now; r=$(($1-u)); [ "$r" -gt 0 ]; do case $r in ?) r=0.0$r;; ??) r=0.$r;; *) r=1;; esac; sleep "$r" || break; done; }
born() { read -r a <"/proc/$1/stat" || return; set -- \${a##*) }; case $1 in [ZX]) return 1;; esac; b=\${20}; [ -n "$b" ]; }
is() { [ -n "$2" ] && born "$1" && [ "$b" = "$2" ]; } 2>/dev/null
free() { [ -z "$w" ] || { kill -KILL "$w"; wait "$w"; } >/dev/null 2>&1; w=; }
watch() { free; ( till "$e"; is "$l" "$m" && kill -KILL "$l"; till $((e+500)); is "$p" "$f" && kill -TERM "$p"; till $((e+1000)); is "$p" "$f" && kill -KILL "$p" ) </dev/null >/dev/null 2>&1 3>&- & w=$!; }
answer() { [ -n "$p" ] || return; for x in $q; do now; [ -z "$z" ] && [ "$u" -lt "$e" ] && is "$p" "$f" && say "still $x"; done; q=; }
reader() {
  IFS= read -r x; now; [ "$x" = "$t" ] && [ "$u" -le "$d" ] || exit 2
  echo "go $((u+s*100))" >&6; echo go
  while IFS= read -r x; do case $x in +*) printf '%s\\n' "\${x#+}";; 'ask '*) printf '%s\\n' "$x" >&6;; end) exit 0;; esac; done
  exit 1
}
exec 3>&1 4<&0
sleep 0 2>/dev/null || { say 'none sleep'; exit 1; }
{ now && born self; } 2>/dev/null || { say 'none proc'; exit 1; }
d=$((u+100))
{ exec 6>&1
  { reader <&4 3>&- 4<&- & l=$!; exec >/dev/null; echo "reader $l" >&6; wait "$l" 2>/dev/null; echo "closed $?" >&6; } |
  { read -r x || { echo 'over -' >&6; exit; }
    exec 5<&0; ( exec "$@" ) <&5 >&3 3>&- 4<&- 5<&- 6>&- & p=$!
    exec 5<&- </dev/null; echo "pid $p" >&6; wait "$p" 2>/dev/null; echo "over $?" >&6; }
} | { exec 4<&- 2>/dev/null
while read -r k x; do
  case $k in
    reader) l=$x; [ -n "$g" ] || e=$((d+100)); born "$l" && m=$b; watch;;
    go) e=$x; g=1; watch;;
    pid) p=$x; born "$p" && f=$b; watch; answer;;
    ask) q="$q $x"; answer;;
    closed) l=; z=1; [ -n "$c" ] || { now; e=$u; watch; }; [ "$g$x" != 1137 ] || say lapsed;;
    over) c=$x;;
  esac
  [ -z "$c" ] || { [ -z "$z" ] || break; is "$l" "$m" && kill -TERM "$l"; }
done
[ -z "$c" ] || free
case $c in [0-9]*) say "ended $c"; exit "$c";; -) say 'none late';; esac; exit 1; }`

/** No word of the script's is longer, nor is a line of a text that is kept. */
const longest = 4096

/** The maximum size of the texts that a command saves. */
const mostKept = 65_536

/** Parses the lines of a text that arrives in pieces; drops what is too long to be a line of the protocol. */
export const lines = (heard: (line: string) => void) => {
  let rest = ""
  return (text: string): void => {
    let from = 0
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
      const line = rest + text.slice(from, Math.min(at, from + longest + 1))
      if (line.length <= longest) heard(line)
      rest = ""
      from = at + 1
    }
    if (rest.length <= longest) rest += text.slice(from, from + longest + 1)
  }
}

/** The output from the pod, in order of arrival. */
export class Heard {
  heldAt: bigint | null = null
  hasLapsed = false
  code: number | null = null
  none: string | null = null
  isLost = false
  /** The nonces that were answered before any word of a lapse or of an end. */
  readonly still = new Set<string>()
  /** The number of `next` lines of the command, and the lines that it saves, as `NAME LINE`. */
  nexts = 0
  readonly kept: Array<string> = []
  #keptLength = 0
  #changed = Deferred.makeUnsafe<void>()

  word(token: string, line: string, now: bigint): void {
    const [who, what, more = ""] = line.split(" ")
    if (line.trimEnd() === "held" && !this.isOver) this.heldAt ??= now
    else if (line.trimEnd() === "next" && this.heldAt !== null && !this.isOver) this.nexts += 1
    else if (line.startsWith("keep ") && this.heldAt !== null && !this.isOver) {
      this.#keptLength += line.length
      if (this.#keptLength <= mostKept) this.kept.push(line.slice("keep ".length))
    } else if (who !== token) return
    else if (what === "still" && !this.isOver) this.still.add(more)
    else if (what === "lapsed") this.hasLapsed = true
    else if (what === "ended") this.code ??= Number(more)
    else if (what === "none") this.none ??= more
    this.changed()
  }

  /** More was kept than is heard. */
  get keepsTooMuch(): boolean {
    return this.#keptLength > mostKept
  }

  /** True if it is no longer quiesced, as reported by the pod. */
  get isOver(): boolean {
    return this.hasLapsed || this.isEnded
  }

  get isEnded(): boolean {
    return this.code !== null || this.none !== null
  }

  lose(): void {
    this.isLost = true
    this.changed()
  }

  changed(): void {
    const before = this.#changed
    this.#changed = Deferred.makeUnsafe<void>()
    Deferred.doneUnsafe(before, Effect.void)
  }

  /** Returns when something is so, when nothing more can come, or after some time. */
  until(isSo: () => boolean, millis: number): Effect.Effect<void> {
    const loop: Effect.Effect<void> = Effect.suspend(() =>
      isSo() || this.isLost ? Effect.void : Effect.flatMap(Deferred.await(this.#changed), () => loop)
    )
    return Effect.asVoid(Effect.timeoutOption(Effect.interruptible(loop), millis))
  }
}
