import type { Clock } from '#core/clock.ts'
import type { FakeServer } from '#core/testing/fake-server.ts'
import type { Delta, Target } from './types.ts'

/** A target at a fake upstream, with one key. */
export const fakeTarget = (server: Pick<FakeServer, 'url'>, overrides: Partial<Target> = {}): Target => ({
  provider_id: 'fake',
  provider_kind: 'openai',
  base_url: `${server.url}/v1`,
  keys: [{ id: 'k1', value: 'secret-key-1', weight: 1 }],
  upstream_model: 'fake-1',
  echo_reasoning: false,
  weight: 1,
  ...overrides,
})

/** A clock that a test moves. */
export function manualClock(start = 1_700_000_000_000): Clock & { advance(ms: number): void } {
  let now = start
  return {
    now: () => now,
    advance(ms) {
      now += ms
    },
  }
}

export const textIn = (deltas: readonly Delta[]): string =>
  deltas.map(delta => (delta.type === 'text' ? delta.text : '')).join('')
