import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { parseLeaf } from '#core/ledger/leaf.ts';
import { Sequencer } from '#core/ledger/sequencer.ts';
import { Surroundings } from '../surroundings.ts';
import { instrumented, telemetryFor } from '../telemetry.ts';

/** A commit may take so long: none is begun with less time left. */
const ENOUGH_MS = 15_000;

const telemetry = telemetryFor('sequencer');
const surroundings = new Surroundings(process.env);
const queue = surroundings.leaves();
const sequencer = new Sequencer(
  { objects: surroundings.store(), head: surroundings.head(), queue, signer: surroundings.signer() },
  surroundings.settings.CUSTODY_LEDGER_ORIGIN,
);

/** Every minute: moves what is queued into the ledger, until nothing is or the time is over. */
export const handler = instrumented<unknown, void>(telemetry, async (_event, context) => {
  telemetry.metrics.addMetric('LedgerLagSeconds', MetricUnit.Seconds, await lag());
  let leaves = 0;
  while (context.getRemainingTimeInMillis() > ENOUGH_MS) {
    const step = await sequencer.step();
    if (step.kind === 'nothing') break;
    if (step.kind === 'committed') leaves += step.leaves;
  }
  telemetry.metrics.addMetric('LedgerLeaves', MetricUnit.Count, leaves);
});

/** How old the oldest is of some that wait. */
async function lag(): Promise<number> {
  const waiting = await queue.list(100);
  const times = waiting.flatMap(({ leaf }) => Date.parse(parseLeaf(leaf)?.at ?? '') || []);
  return Math.max(0, surroundings.now().getTime() - Math.min(surroundings.now().getTime(), ...times)) / 1000;
}
