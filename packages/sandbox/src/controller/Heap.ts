/** A binary heap: the first of many at hand, at the cost of a logarithm a change. */
export class Heap<T> {
  readonly #items: Array<T> = []
  readonly #isBefore: (left: T, right: T) => boolean

  constructor(isBefore: (left: T, right: T) => boolean) {
    this.#isBefore = isBefore
  }

  get first(): T | undefined {
    return this.#items[0]
  }

  get size(): number {
    return this.#items.length
  }

  #swapIfBefore(left: number, right: number): boolean {
    const [a, b] = [this.#items[left], this.#items[right]]
    if (a === undefined || b === undefined || !this.#isBefore(b, a)) return false
    this.#items[left] = b
    this.#items[right] = a
    return true
  }

  push(item: T): void {
    this.#items.push(item)
    let at = this.#items.length - 1
    while (at > 0 && this.#swapIfBefore((at - 1) >>> 1, at)) at = (at - 1) >>> 1
  }

  pop(): T | undefined {
    const first = this.#items[0]
    const last = this.#items.pop()
    if (last === undefined || this.#items.length === 0) return first
    this.#items[0] = last
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      const [a, b] = [this.#items[left], this.#items[right]]
      const least = a !== undefined && b !== undefined && this.#isBefore(b, a) ? right : left
      if (!this.#swapIfBefore(at, least)) return first
      at = least
    }
  }
}
