import type { Metrics } from '#core/telemetry/metrics.ts'
import { stages } from './timeline.ts'
import type { TurnResult } from './turn.ts'

/** Counts turns, and how long each stage took. */
export function turnMetrics(metrics: Metrics): (result: TurnResult, source: 'voice' | 'text') => void {
  const turns = metrics.counter({
    name: 'devices_turns_total',
    help: 'Exchanges with devices, by how they ended',
    labels: ['source', 'outcome'],
  })
  const seconds = metrics.histogram({
    name: 'devices_turn_stage_seconds',
    help: 'From the end of the speech to each stage of the answer',
    labels: ['stage'],
    buckets: [0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.2, 2, 3, 5, 10, 30],
  })
  return (result, source) => {
    turns.inc({ source, outcome: result.outcome })
    for (const stage of stages) {
      const ms = result[stage]
      if (ms !== null) seconds.observe({ stage: stage.replace(/_ms$/, '') }, ms / 1000)
    }
  }
}
