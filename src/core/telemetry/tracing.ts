import { type Attributes, type Span, SpanStatusCode, trace } from '@opentelemetry/api'

export type Tracing = { stop(): Promise<void> }

/** Sends the spans of this process through OTLP/HTTP when an endpoint is given; the SDK is loaded only then. */
export async function createTracing(endpoint: string): Promise<Tracing> {
  if (endpoint === '') return { stop: async () => {} }
  const [{ BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ])
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
    timeoutMillis: 10_000,
  })
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'banyan' }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  })
  provider.register()
  return {
    async stop() {
      // A collector that is away must not keep the process from leaving in order.
      await provider.shutdown().catch(() => undefined)
      trace.disable()
    },
  }
}

/** A span inside the one that is running, for work that ends elsewhere. Without an endpoint it comes to nothing. */
export const startSpan = (name: string, attributes: Attributes): Span =>
  trace.getTracer('banyan').startSpan(name, { attributes })

/** Runs work inside a span. Without an endpoint it only runs the work. */
export function inSpan<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  return trace.getTracer('banyan').startActiveSpan(name, { attributes }, async span => {
    try {
      return await work()
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'error' })
      throw error
    } finally {
      span.end()
    }
  })
}
