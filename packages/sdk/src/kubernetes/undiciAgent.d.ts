/**
 * Only the pool. All of undici includes fetch, WebSocket, caches and mocks, and costs twice the start-up time
 * (80 ms of CPU against 40, Node 26, compile cache warm).
 */
declare module "undici/lib/dispatcher/agent.js" {
  import { Agent } from "undici"
  export default Agent
}
