import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.services.test.ts'],
    globalSetup: ['src/core/testing/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
