import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { APIGatewayRequestAuthorizerEventV2 } from 'aws-lambda';
import { s3Client } from '#adapters/aws/clients.ts';
import { readAwsSettings } from '#adapters/aws/env.ts';
import { currentVerifier } from '#adapters/oidc/current-verifier.ts';
import { Keyring } from '#adapters/oidc/keyring.ts';
import { CustodyError, type ErrorCode } from '#core/errors.ts';
import { TokenFailures } from '#core/identity/token-failures.ts';
import { type Authorizer, type AuthorizerAnswer, authorizerHandler } from '../authorizer/handler.ts';
import { once } from '../once.ts';
import type { FreshPolicy } from '../fresh-policy.ts';
import { freshPolicy } from '../surroundings.ts';
import { instrumented, telemetryFor } from '../telemetry.ts';

const telemetry = telemetryFor('authorizer');
const prepared = once(prepare);
const CANNOT_TELL: readonly string[] = ['internal', 'issuer-unreachable'] satisfies ErrorCode[];

/** Verifies bearer tokens, before every function of the API. */
export const handler = instrumented<APIGatewayRequestAuthorizerEventV2, AuthorizerAnswer>(
  telemetry,
  async (event) => {
    const { policy, keyring, authorize } = await prepared();
    await policy.look();
    const answer = await authorize(event);
    tellAway(keyring);
    if (answer.isAuthorized) return answer;
    // Not the token's fault: API Gateway makes a 500 of it, and an alarm watches this function's errors.
    const { code, message } = answer.context;
    if (CANNOT_TELL.includes(code)) throw new CustodyError(code as ErrorCode, message);
    telemetry.metrics.addMetric('RefusedTokens', MetricUnit.Count, 1);
    return answer;
  },
);

/** Their last keys serve on, and not for ever: an alarm of the stack goes by it. */
function tellAway(keyring: Keyring): void {
  const away = keyring.away();
  if (away.length === 0) return;
  telemetry.metrics.addMetric('IssuersAway', MetricUnit.Count, away.length);
  telemetry.logger.warn('issuers do not answer', { away });
}

async function prepare(): Promise<{
  policy: FreshPolicy;
  keyring: Keyring;
  authorize: Authorizer;
}> {
  const settings = readAwsSettings(process.env);
  const policy = await freshPolicy(settings, s3Client({ region: settings.AWS_REGION }));
  const keyring = new Keyring();
  const verifier = currentVerifier(() => policy.config().issuers, keyring);
  const failures = new TokenFailures(() => performance.now());
  return { policy, keyring, authorize: authorizerHandler({ verifier, failures, log: telemetry.log }) };
}
