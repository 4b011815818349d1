import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.services.test.ts'],
    globalSetup: ['src/core/testing/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // No limits on speed: only what hangs takes as long, on a machine that is as busy as can be.
    testTimeout: 180_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 20_000 } },
  },
})
