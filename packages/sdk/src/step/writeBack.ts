/**
 * The script by which a check pod writes saved files back to a volume. A file is written completely or not at
 * all, and never replaces another one: an interrupted write can be repeated.
 */

/** A file, the file that its directory must contain, and its content. */
export interface WrittenFile {
  readonly text: string
  readonly beside: string
  readonly content: string
}

/** Exit codes. */
export const noPlace = 4
export const otherThere = 5

/** Number of directory levels that are searched. No link is followed: it may lead off the volume. */
const deep = 4

/** Arguments: the volumes, `--`, and for each file its name, the file next to it, and its text. */
export const script = `
umask 077
look() {
  if [ -f "$1/$beside" ] && ! [ -L "$1/$beside" ]; then [ -z "$place" ] || many=1; place=$1; return; fi
  [ "$2" -lt ${deep} ] || return
  for x in "$1"/*; do [ -d "$x" ] && ! [ -L "$x" ] && look "$x" $(($2+1)); done
}
tops=
while [ "$1" != -- ]; do tops="$tops $1"; shift; done
shift
while [ $# -gt 0 ]; do
  name=$1 beside=$2 text=$3 place= many=; shift 3
  for top in $tops; do look "$top" 0; done
  [ -n "$place" ] || { echo "$name is not written back: no directory has $beside"; exit ${noPlace}; }
  [ -z "$many" ] || { echo "$name is not written back: several directories have $beside"; exit ${noPlace}; }
  file=$place/$name half=$place/$name.kubectl-stateful
  if [ -e "$file" ] || [ -L "$file" ]; then
    if [ -f "$file" ] && ! [ -L "$file" ] && [ "$(cat "$file"; echo .)" = "$text." ]; then continue; fi
    echo "$name already exists, with other content than the saved one"; exit ${otherThere}
  fi
  rm -f "$half" && (set -C; printf %s "$text" >"$half") && sync && mv "$half" "$file" && sync ||
    { echo "$name cannot be written"; exit 1; }
done`

/** Kubernetes replaces `$(NAME)` in a container's command, and `$$` with a dollar. */
const literal = (text: string): string => text.replaceAll("$", "$$$$")

export const writeCommand = (
  volumes: ReadonlyArray<string>,
  files: ReadonlyArray<WrittenFile>
): ReadonlyArray<string> => [
  "sh",
  "-c",
  literal(script),
  "write-back",
  ...volumes,
  "--",
  ...files.flatMap(({ text, beside, content }) => [text, beside, literal(content)])
]
