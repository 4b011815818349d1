import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { missingNames } from './check-docs.ts'

test('everything that the documents name exists', () => {
  expect(missingNames(fileURLToPath(new URL('../', import.meta.url)))).toEqual([])
})

test('a name that nothing answers to is found, with its document', () => {
  const root = mkdtempSync(join(tmpdir(), 'banyan-docs-'))
  const files = {
    '.gitignore': '/data/\n',
    'package.json': '{"scripts": {"start": "x"}}',
    'src/access-matrix.test.ts': "const routes = { 'GET /api/v1/cards/:id': signedIn }",
    'src/core/ids.ts': 'export const newId = () => 1 // PORT',
    'README.md': [
      '`newId()` `ids.ts` `src/core/ids.ts` `#core/ids.ts` `src/core/*.ts` `PORT` `data/` `npm start` [page](docs/a.md#part)',
      '`GET /api/v1/cards/:id` `/api/v1` `two words` [out](https://example.com) `git log`',
      '```sh\nnpm start\ncurl localhost/api/v1/cards/$CARD?x=1\n```',
    ].join('\n'),
    'docs/a.md': [
      '`oldId()` `src/core/gone.ts` `PORTS` `POST /api/v1/deck` `npm run stop` [gone](b.md)',
      '```sh\nnpm run halt\ncurl localhost/api/v1/decks/$DECK\n```',
    ].join('\n'),
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const missing = ['oldId()', 'src/core/gone.ts', 'PORTS', 'POST /api/v1/deck', 'npm run stop', 'b.md']
  expect(missingNames(root)).toEqual(
    [...missing, 'npm run halt', '/api/v1/decks/$DECK'].map(name => `docs/a.md: ${name}`),
  )
  rmSync(root, { recursive: true })
})
