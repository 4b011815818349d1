import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

type Definition = { name: string; help: string; labels?: readonly string[] }

/**
 * The metrics of this process. Labels take values from small fixed sets (route patterns, models of the catalogue,
 * outcomes), never ids, or the number of series would grow without end.
 */
export type Metrics = {
  registry: Registry
  counter(definition: Definition): Counter
  histogram(definition: Definition & { buckets?: readonly number[] }): Histogram
  gauge(
    definition: Definition & {
      /** Called when the metrics are read. */ collect?: (gauge: Gauge) => void | Promise<void>
    },
  ): Gauge
}

/** A metric of the same name is made once and handed out again. */
export function createMetrics(options: { process?: boolean } = {}): Metrics {
  const registry = new Registry()
  if (options.process) collectDefaultMetrics({ register: registry })
  const once = <T>(name: string, make: () => T): T =>
    (registry.getSingleMetric(name) as T | undefined) ?? make()
  return {
    registry,
    counter: ({ name, help, labels = [] }) =>
      once(name, () => new Counter({ name, help, labelNames: [...labels], registers: [registry] })),
    histogram: ({ name, help, labels = [], buckets }) =>
      once(
        name,
        () =>
          new Histogram({
            name,
            help,
            labelNames: [...labels],
            registers: [registry],
            ...(buckets ? { buckets: [...buckets] } : {}),
          }),
      ),
    gauge: ({ name, help, labels = [], collect }) =>
      once(
        name,
        () =>
          new Gauge({
            name,
            help,
            labelNames: [...labels],
            registers: [registry],
            ...(collect
              ? {
                  collect(this: Gauge) {
                    return collect(this)
                  },
                }
              : {}),
          }),
      ),
  }
}
