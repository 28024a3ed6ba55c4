/**
 * Scripts that complete `kubectl-stateful` in a shell without kubectl's completion: each passes the words to
 * `__complete`, and evaluates nothing that comes back.
 *
 * Of a value after `--flag=` the program offers the value alone: whether a shell wants the flag before it
 * depends on the characters at which that shell breaks words.
 */

/** For bash 3.2 and newer. What readline replaces is the part after the last break, such as `=` or `:`. */
const bash = `# bash completion for kubectl-stateful
_kubectl_stateful() {
  local line="\${COMP_LINE:0:COMP_POINT}" word="\${COMP_WORDS[COMP_CWORD]}" current offer directive=4
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  current="\${words[\${#words[@]}-1]}"
  [[ $word == [=:] ]] && word=""
  COMPREPLY=()
  while IFS= read -r offer; do
    if [[ $offer == :* ]]; then
      directive="\${offer#:}"
      continue
    fi
    offer="\${offer%%$'\\t'*}"
    [[ $current == --*=* ]] && offer="\${current%%=*}=$offer"
    COMPREPLY+=("\${offer#"\${current%"$word"}"}")
  done < <(kubectl-stateful __complete "\${words[@]:1}" 2>/dev/null)
  if [[ $directive == 0 ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r offer; do COMPREPLY+=("$offer"); done < <(compgen -f -- "$word")
  fi
}
complete -F _kubectl_stateful kubectl-stateful
`

const zsh = `#compdef kubectl-stateful
# zsh completion for kubectl-stateful
_kubectl_stateful() {
  local offer directive=4 none=1
  local -a offers
  while IFS= read -r offer; do
    if [[ $offer == :* ]]; then
      directive="\${offer#:}"
    elif [[ $offer == *$'\\t'* ]]; then
      offers+=("\${\${offer%%$'\\t'*}//:/\\\\:}:\${offer#*$'\\t'}")
    else
      offers+=("\${offer//:/\\\\:}")
    fi
  done < <(kubectl-stateful __complete "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)
  [[ $PREFIX == --*=* ]] && compset -P '*='
  (( \${#offers} )) && _describe kubectl-stateful offers && none=0
  [[ $directive == 0 ]] && _files && none=0
  return $none
}
if [[ $funcstack[1] == _kubectl_stateful ]]; then
  _kubectl_stateful "$@"
else
  compdef _kubectl_stateful kubectl-stateful
fi
`

const fish = `# fish completion for kubectl-stateful
function __kubectl_stateful_offers
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l flag (string match -r -- '^--[^=]*=' "$current")
  for offer in (kubectl-stateful __complete $words[2..-1] "$current" 2>/dev/null)
    if test "$offer" = ':0'
      __fish_complete_path "$current"
    else if not string match -q -- ':*' "$offer"
      printf '%s\\n' "$flag$offer"
    end
  end
end
complete -c kubectl-stateful -f -a '(__kubectl_stateful_offers)'
`

/** Before version 7.3 PowerShell drops an argument that is empty, and later ones pass the quotes on. */
const powershell = `# PowerShell completion for kubectl-stateful
Register-ArgumentCompleter -Native -CommandName 'kubectl-stateful' -ScriptBlock {
  param($current, $command, $cursor)
  $words = @($command.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.StartOffset -lt $cursor } | ForEach-Object { "$_" })
  if ($current -eq '') { $words += '""' }
  $flag = if ($current -match '^--[^=]*=') { $Matches[0] } else { '' }
  & kubectl-stateful __complete @words 2>$null | Where-Object { $_ -notmatch '^:' } | ForEach-Object {
    $value, $summary = $_ -split "\`t", 2
    if (-not $summary) { $summary = $value }
    [System.Management.Automation.CompletionResult]::new("$flag$value", $value, 'ParameterValue', $summary)
  }
}
`

/** By shell. */
export const completionScripts = { bash, zsh, fish, powershell } as const

export type Shell = keyof typeof completionScripts
