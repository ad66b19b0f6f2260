import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import { Tracer } from '@aws-lambda-powertools/tracer';
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { escapeLines } from '#core/replay/text.ts';
import type { FaultLog } from './problem.ts';

/** The namespace of all metrics where the stack names none of its own. */
const NAMESPACE = 'Custody';

/** A call that counts nothing is no news. */
const QUIET = { debug: nothing, info: nothing, warn: nothing, error: nothing };

function nothing(): void {
  // Not even that.
}

export interface Telemetry {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracer: Tracer;
  /** For what is the server's own fault. */
  readonly log: FaultLog;
  /** For news that are an alarm: somebody broke the glass. An alarm of the stack goes by it. */
  readonly alarm: () => void;
}

export function telemetryFor(serviceName: string): Telemetry {
  const logger = new Logger({ serviceName, jsonReplacerFn: escapeStrings });
  const metrics = new Metrics({ namespace: namespaceOf(process.env), serviceName, logger: QUIET });
  return {
    logger,
    metrics,
    tracer: new Tracer({ serviceName }),
    log: ({ code, message, detail = '' }) => logger.error(message, { code, detail }),
    alarm: () => void metrics.addMetric('BreakGlass', MetricUnit.Count, 1),
  };
}

/** Whatever is logged may quote what a client sent (security case 18). */
function escapeStrings(_name: string, value: unknown): unknown {
  return typeof value === 'string' ? escapeLines(value) : value;
}

function namespaceOf(environment: NodeJS.ProcessEnv): string {
  return environment['POWERTOOLS_METRICS_NAMESPACE'] ?? NAMESPACE;
}

/** A Lambda handler that logs, counts and traces: neither events nor answers, which hold tokens and what people did. */
export function instrumented<Event, Answer>(
  { logger, metrics, tracer }: Telemetry,
  work: (event: Event, context: Context) => Promise<Answer>,
): (event: Event, context: Context) => Promise<Answer> {
  return middy<Event, Answer>()
    .use(captureLambdaHandler(tracer, { captureResponse: false }))
    .use(injectLambdaContext(logger, { logEvent: false }))
    .use(logMetrics(metrics, { captureColdStartMetric: true }))
    .handler(work);
}
