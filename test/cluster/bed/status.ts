import { existsSync } from "node:fs"
import { bed, pids } from "./cgroup.ts"
import { remains } from "./down.ts"
import { ready } from "./folder.ts"
import * as network from "./network.ts"
import * as node from "./node.ts"
import { nodes } from "./topology.ts"
import { dead } from "./up.ts"

const line = (name: string, ...words: ReadonlyArray<string>): void =>
  console.log([name.padEnd(12), ...words].join("   "))

export const status = async (): Promise<void> => {
  const gone = dead()
  const up = existsSync(ready) && gone.length === 0
  const left = remains()
  const state = up
    ? "up"
    : left.length === 0
      ? "down"
      : "neither up nor down; `down` cleans, `up` starts anew"
  line("cluster", state)
  if (!up) process.exitCode = 1
  if (left.length === 0) return
  for (const name of gone) line("not running", name)
  for (const each of nodes) {
    const power = pids(`${bed}/${each.name}`).length > 0 ? "on" : "off"
    const cable = network.plugged(each) ? "plugged" : "unplugged"
    const answer = await node.condition(each).catch(() => "unknown")
    line(each.name, `zone ${each.zone}`, `rack ${each.rack}`, `power ${power}`, cable, `Ready=${answer}`)
  }
}
