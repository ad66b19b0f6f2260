import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { dynamoClient, rdsClient, s3Client } from '#adapters/aws/clients.ts';
import { readAwsSettings } from '#adapters/aws/env.ts';
import { rdsSandboxes } from '#adapters/aws/sandbox-databases.ts';
import { dynamoSandboxes } from '#adapters/aws/sandbox-store.ts';
import { madeSandboxOf } from '#core/access/made-sandboxes.ts';
import { asCustodyError } from '#core/errors.ts';
import { type Kept, keepSandboxes } from '#core/sandboxes/keeper.ts';
import { isOpen } from '#core/sandboxes/sandbox.ts';
import { once } from '../once.ts';
import { freshPolicy, leavesOf, now } from '../surroundings.ts';
import { instrumented, telemetryFor } from '../telemetry.ts';

const telemetry = telemetryFor('sandbox');
/** What should be gone by now, and is not. */
const LATE_MS = 30 * 60_000;

const ports = once(async () => {
  const settings = readAwsSettings(process.env);
  const client = { region: settings.AWS_REGION };
  const dynamo = dynamoClient(client);
  const policy = await freshPolicy(settings, s3Client(client));
  const sourceOf = (name: string) => {
    const target = policy.config().targets.get(name);
    return target && madeSandboxOf(target)?.rds;
  };
  const sandboxes = dynamoSandboxes({ dynamo, table: settings.CUSTODY_TABLE_ACCESS });
  const maker = rdsSandboxes({ rds: rdsClient(client), sourceOf });
  return { policy, sandboxes, maker, leaves: leavesOf(settings, dynamo), now };
});

/** Every minute, one step for each sandbox: none of them is waited for. */
export const handler = instrumented<unknown, void>(telemetry, async () => {
  const { policy, ...keeping } = await ports();
  // What has to go goes, whatever custody.yaml says by now, and whether or not it can be seen.
  await policy.look().catch((thrown: unknown) => {
    const { message, code, detail = '' } = asCustodyError(thrown);
    telemetry.logger.error(message, { code, detail });
  });
  tell(await keepSandboxes(keeping));
  const late = (await keeping.sandboxes.present()).filter(
    (one) => !isOpen(one) && now().getTime() - new Date(one.until).getTime() > LATE_MS,
  );
  telemetry.metrics.addMetric('SandboxesNotRemoved', MetricUnit.Count, late.length);
});

function tell({ ready, failed, failures }: Kept): void {
  const { logger } = telemetry;
  for (const { id, target } of ready) logger.info('a sandbox is ready', { sandbox: id, target });
  for (const { id, problem } of failed)
    logger.warn('a sandbox failed', { sandbox: id, problem: problem?.message ?? '' });
  for (const { id, error } of failures)
    logger.error(error.message, { sandbox: id, code: error.code, detail: error.detail ?? '' });
}
