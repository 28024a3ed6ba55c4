import { assert, describe, it } from "vitest"
import { peersOfSrv } from "../../../packages/sdk/src/kubernetes/dns.ts"

describe("peers by SRV records", () => {
  it("stand in the order of ordinals, and leave out what is no pod of a set", () => {
    const records = [
      "db-10.db.shop.svc.cluster.local.",
      "db-2.db.shop.svc.cluster.local",
      "10-0-0-1.db.x",
      "web.db.x"
    ]
    assert.deepEqual(
      peersOfSrv(records.map((name) => ({ name, port: 5432 }))).map(({ name, fqdn }) => [name, fqdn]),
      [
        ["db-2", "db-2.db.shop.svc.cluster.local"],
        ["db-10", "db-10.db.shop.svc.cluster.local"]
      ]
    )
  })

  it("are each one, and none of an address of either family, nor of another set of the Service", () => {
    const targets = ["db-0", "db-0", "web-0", "fd00--7", "fd00-0-0-0-0-0-0-7", "db-01", "a-b-0"]
    const records = targets.map((name) => ({ name: `${name}.db.shop.svc.cluster.local`, port: 5432 }))
    const names = (set?: string) => peersOfSrv(records, set).map(({ name }) => name)
    assert.deepEqual(names(), ["db-0", "web-0", "a-b-0"])
    assert.deepEqual(names("db"), ["db-0"])
  })
})
