import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { dynamoClient, kmsClient, s3Client } from '#adapters/aws/clients.ts';
import { readAwsSettings } from '#adapters/aws/env.ts';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';
import { CustodyError } from '#core/errors.ts';
import { parseLeaf } from '#core/ledger/leaf.ts';
import { Sequencer } from '#core/ledger/sequencer.ts';
import { leafPlacesOf, leavesOf, ledgerHeadOf, now, storeOf } from '../surroundings.ts';
import { instrumented, telemetryFor } from '../telemetry.ts';

/** A commit may take so long: none is begun with less time left. */
const ENOUGH_MS = 15_000;
/** Other sequencers are at most the one before, still running. */
const RACES_MAX = 10;

const telemetry = telemetryFor('sequencer');
const settings = readAwsSettings(process.env);
const client = { region: settings.AWS_REGION };
const s3 = s3Client(client);
const dynamo = dynamoClient(client);
const queue = leavesOf(settings, dynamo);
const sequencer = new Sequencer(
  {
    objects: storeOf(settings, s3),
    head: ledgerHeadOf(settings, s3),
    queue,
    signer: kmsSigner(kmsClient(client), settings.CUSTODY_SIGNING_KEY),
    places: leafPlacesOf(settings, dynamo),
  },
  settings.CUSTODY_LEDGER_ORIGIN,
);

/** Every minute: moves what is queued into the ledger, until nothing is or the time is over. */
export const handler = instrumented<unknown, void>(telemetry, async (_event, context) => {
  telemetry.metrics.addMetric('LedgerLagSeconds', MetricUnit.Seconds, await lag());
  let leaves = 0;
  let races = 0;
  while (context.getRemainingTimeInMillis() > ENOUGH_MS) {
    const step = await sequencer.step();
    if (step.kind === 'nothing') break;
    if (step.kind === 'committed') leaves += step.leaves;
    races = step.kind === 'lost-race' ? races + 1 : 0;
    if (races === RACES_MAX) throw neverWins();
  }
  telemetry.metrics.addMetric('LedgerLeaves', MetricUnit.Count, leaves);
});

/** A store that refuses every conditional write would otherwise look like a busy one. */
function neverWins(): CustodyError {
  return new CustodyError('store-unavailable', 'the head of the ledger cannot be swapped', {
    hint: 'look at what else writes ledger/checkpoint, and whether the store has conditional writes (If-Match)',
    detail: `lost ${RACES_MAX} races in a row`,
  });
}

/** How old the oldest is of some that wait. */
async function lag(): Promise<number> {
  const waiting = await queue.list(100);
  const times = waiting.flatMap(({ leaf }) => Date.parse(parseLeaf(leaf)?.at ?? '') || []);
  const at = now().getTime();
  return (at - Math.min(at, ...times)) / 1000;
}
