/**
 * Finds the settings of an etcd server for the scripts: names, addresses and paths, in its arguments and its
 * environment.
 */

/**
 * `value FLAG VARIABLE "$@"`: the setting of the server from either, in $v. A word that is a shell script is
 * split at its blanks, and variables in it are replaced; nothing of it is executed.
 */
export const words = `fail() { printf '%s\\n' "$*" >&2; exit 4; }
filled() {
  r=$v v=
  while case $r in *'$'*) :;; *) break;; esac; do
    v=$v\${r%%'$'*} r=\${r#*'$'}
    case $r in
      '{'*'}'*) n=\${r#'{'} n=\${n%%'}'*} r=\${r#*'}'};;
      '(hostname)'*) n=HOSTNAME r=\${r#*')'};;
      *) n=\${r%%[!A-Za-z0-9_]*} r=\${r#"$n"};;
    esac
    case $n in ''|[0-9]*|*[!A-Za-z0-9_]*) fail "--$f is only known to the shell that starts etcd: give it by an argument or by $e";; esac
    eval "v=\\$v\\\${$n:-}"
  done
  v=$v$r
}
value() {
  f=$1 e=$2 t= v=
  shift 2
  set -f
  for w in $*; do
    w=\${w#[\\"\\']}
    case $w in --*) ;; -*) w=-$w;; esac
    if [ -n "$t" ]; then v=$w t=; continue; fi
    case $w in "--$f="*) v=\${w#*=};; "--$f") t=1;; esac
  done
  set +f
  v=\${v#[\\"\\']} v=\${v%[\\"\\']}
  if [ -n "$v" ]; then filled; else eval "v=\\\${$e:-}"; fi
}
needed() {
  value "$@"
  [ -n "$v" ] || fail "etcd has no --$1 among its arguments, and no $2 in its environment: a file of its configuration is not read"
}
`
