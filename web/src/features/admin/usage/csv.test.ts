import { expect, test } from 'vitest'
import { toCsv } from './csv.ts'

test('cells are quoted where they must be, and formulas made harmless', () => {
  expect(
    toCsv(
      ['名称', 'n'],
      [
        ['a,b', 1],
        ['say "hi"', 0.5],
        ['=1+1', 2],
      ],
    ),
  ).toBe('\ufeff名称,n\r\n"a,b",1\r\n"say ""hi""",0.5\r\n\'=1+1,2\r\n')
})
