import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StartError } from '#core/errors.ts'

/** The data directory has an owner already. The message is a sentence for the person at the terminal. */
export class DataDirectoryInUse extends StartError {
  override name = 'DataDirectoryInUse'
  readonly dataDir: string

  constructor(dataDir: string) {
    super(
      `Another Banyan is running on the data directory ${dataDir}. Stop that one first, or give this one a directory of its own: DATA_DIR=another-directory`,
    )
    this.dataDir = dataDir
  }
}

/**
 * Makes this process the owner of a data directory until it releases the lock or ends, however it ends: the lock is
 * the kernel's, held through an empty SQLite file because Node itself cannot lock files. It covers the time before
 * a server runs (two first starts at once), and containers that share a volume but see no process of each other.
 * @throws {DataDirectoryInUse}
 */
export function lockDataDirectory(dataDir: string): { release(): void } {
  const path = join(dataDir, 'owner.lock')
  const file = new DatabaseSync(path, { timeout: 0 })
  try {
    // With the journal in memory nothing is ever written: the file stays empty.
    file.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    chmodSync(path, 0o600)
  } catch (error) {
    file.close()
    if (isBusy(error)) throw new DataDirectoryInUse(dataDir)
    throw error
  }
  return {
    release() {
      if (file.isOpen) file.close()
    },
  }
}

const sqliteBusy = 5

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy
