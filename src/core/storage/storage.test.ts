import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLocalDisk } from './local-disk.ts'
import { storageContract } from './storage.contract.ts'

let dataDir: string
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'banyan-storage-'))
})
afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

storageContract('local disk', () => createLocalDisk({ dataDir }))

test('local disk: nobody else can read the files, and no draft stays', async () => {
  await createLocalDisk({ dataDir }).put('private/one', Buffer.from('x'), { media_type: 'text/plain' })
  expect(statSync(join(dataDir, 'files')).mode & 0o077).toBe(0)
  expect(statSync(join(dataDir, 'files', 'private', 'one~')).mode & 0o077).toBe(0)
  expect(readdirSync(join(dataDir, 'files', '.unfinished'))).toEqual([])
})

test('local disk: drafts of processes that died are cleared after a day', async () => {
  const drafts = join(dataDir, 'files', '.unfinished')
  mkdirSync(drafts, { recursive: true })
  for (const name of ['dead', 'busy']) writeFileSync(join(drafts, name), 'half')
  const yesterday = new Date(Date.now() - 25 * 60 * 60 * 1000)
  utimesSync(join(drafts, 'dead'), yesterday, yesterday)
  await createLocalDisk({ dataDir }).put('any', Buffer.from('x'), { media_type: 'text/plain' })
  expect(readdirSync(drafts)).toEqual(['busy'])
})

test('local disk: a file that was cut short is an error, not a shorter file', async () => {
  const storage = createLocalDisk({ dataDir })
  await storage.put('cut', Buffer.from('0123456789'), { media_type: 'text/plain' })
  truncateSync(join(dataDir, 'files', 'cut~'), 8)
  await expect(storage.get('cut')).rejects.toThrow('lost its end')
})
