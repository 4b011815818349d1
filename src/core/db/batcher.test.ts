import { expect, test } from 'vitest'
import { createBatcher } from './batcher.ts'

/** A statement that doubles numbers, and fails when 13 is among them. */
function doubling(most: number) {
  const runs: number[][] = []
  const double = createBatcher<number, number>({
    async run(inputs) {
      runs.push([...inputs])
      await new Promise(setImmediate)
      if (inputs.includes(13)) throw new Error('not 13')
      return inputs.map(input => 2 * input)
    },
    most,
  })
  return { runs, double }
}

test('the first call runs at once, and what comes meanwhile shares the next statements', async () => {
  const { runs, double } = doubling(4)
  const numbers = Array.from({ length: 10 }, (_, n) => n)
  expect(await Promise.all(numbers.map(double))).toEqual(numbers.map(n => 2 * n))
  expect(runs).toEqual([[0], [1, 2, 3, 4], [5, 6, 7, 8], [9]])
  expect(await double(10)).toBe(20)
})

test('one that fails takes nobody with it', async () => {
  const { double } = doubling(50)
  const numbers = [1, 12, 13, 14, 13]
  const answers = await Promise.allSettled(numbers.map(double))
  expect(
    answers.map(answer => (answer.status === 'fulfilled' ? answer.value : answer.reason.message)),
  ).toEqual([2, 24, 'not 13', 28, 'not 13'])
})
