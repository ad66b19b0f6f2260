import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { APIGatewayRequestAuthorizerEventV2 } from 'aws-lambda';
import { currentVerifier } from '#adapters/oidc/current-verifier.ts';
import { TokenFailures } from '#core/identity/token-failures.ts';
import { type Authorizer, type AuthorizerAnswer, authorizerHandler } from '../authorizer/handler.ts';
import { once } from '../once.ts';
import { Surroundings } from '../surroundings.ts';
import { instrumented, telemetryFor } from '../telemetry.ts';

const telemetry = telemetryFor('authorizer');
const prepared = once(prepare);

/** Verifies bearer tokens, before every function of the API. */
export const handler = instrumented<APIGatewayRequestAuthorizerEventV2, AuthorizerAnswer>(
  telemetry,
  async (event) => {
    const { policy, authorize } = await prepared();
    await policy.look();
    const answer = await authorize(event);
    if (!answer.isAuthorized) telemetry.metrics.addMetric('RefusedTokens', MetricUnit.Count, 1);
    return answer;
  },
);

async function prepare(): Promise<{
  policy: Awaited<ReturnType<Surroundings['policy']>>;
  authorize: Authorizer;
}> {
  const policy = await new Surroundings(process.env).policy();
  const verifier = currentVerifier(() => policy.config().identity);
  const failures = new TokenFailures(() => performance.now());
  return { policy, authorize: authorizerHandler({ verifier, failures, log: telemetry.log }) };
}
