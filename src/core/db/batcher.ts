/** What waits for its turn. */
type Waiting<I, O> = { input: I; resolve: (output: O) => void; reject: (error: unknown) => void }

/**
 * Makes one statement of calls that come at the same time: the first runs at once, and what comes while a statement is
 * under way is the next one, of up to `most` calls. `run` answers in the order of its inputs. When it fails for
 * several, each is run alone, so that nobody fails for somebody else; so it has to leave nothing behind when it fails.
 */
export function createBatcher<I, O>({
  run,
  most,
}: {
  run: (inputs: readonly I[]) => Promise<readonly O[]>
  most: number
}): (input: I) => Promise<O> {
  const waiting: Waiting<I, O>[] = []
  let isRunning = false

  async function answer(calls: readonly Waiting<I, O>[]): Promise<void> {
    try {
      const outputs = await run(calls.map(({ input }) => input))
      for (const [i, { resolve }] of calls.entries()) resolve(outputs[i] as O)
    } catch (error) {
      if (calls.length === 1) calls[0]?.reject(error)
      else await Promise.all(calls.map(call => answer([call])))
    }
  }

  async function work(): Promise<void> {
    isRunning = true
    while (waiting.length > 0) await answer(waiting.splice(0, most))
    isRunning = false
  }

  return input =>
    new Promise((resolve, reject) => {
      waiting.push({ input, resolve, reject })
      if (!isRunning) void work()
    })
}
