/** The time that a count of `npm run prove` may take, and what it comes to if that was not enough. */

export interface Limit {
  readonly minutes: number
  /** It was given on the command line: a count that ends with it has not failed. */
  readonly isAsked: boolean
}

const print = (line: string): void => void process.stdout.write(`${line}\n`)

/** The time of one count, which begins now. */
export const started = ({ minutes, isAsked }: Limit, say = print) => {
  const end = performance.now() + minutes * 60_000
  let isCut = false
  return {
    /** Asked before each run that is left, and only then: the first no cuts the count short. */
    isTime: (): boolean => {
      isCut ||= performance.now() >= end
      return !isCut
    },
    /** Says so if the count was cut short. Answers how many failures that is. */
    cut: (): number => {
      if (!isCut) return 0
      const [asked, way] = isAsked ? [", as asked", ""] : ["", "; --minutes sets another limit"]
      say(`CUT SHORT after ${minutes} minutes${asked}: this count has not come to its end${way}`)
      return isAsked ? 0 : 1
    }
  }
}
