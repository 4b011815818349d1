import { withServices } from './with-services.ts'

/** `banyan migrate`: brings the schema up to date without serving. */
export const migrateCommand = (): Promise<void> =>
  // Opening the services migrates.
  withServices(async () => void process.stdout.write('The database schema is up to date.\n'))
