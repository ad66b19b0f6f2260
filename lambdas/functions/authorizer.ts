import { randomUUID } from 'node:crypto';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type {
  APIGatewayAuthorizerResult,
  APIGatewayRequestAuthorizerEvent,
  APIGatewayRequestAuthorizerEventV2,
  Context,
} from 'aws-lambda';
import { dynamoClient, s3Client, secretsClient } from '#adapters/aws/clients.ts';
import { dynamoDevices } from '#adapters/aws/devices.ts';
import { type AwsSettings, readAwsSettings } from '#adapters/aws/env.ts';
import { dynamoLogouts } from '#adapters/aws/logouts.ts';
import { dynamoPulses } from '#adapters/aws/pulses.ts';
import { dynamoScim } from '#adapters/aws/scim-directory.ts';
import { directorySecrets, readSecret } from '#adapters/aws/secrets.ts';
import { currentDirectories } from '#adapters/directory/current-directories.ts';
import { currentVerifier } from '#adapters/oidc/current-verifier.ts';
import { Keyring } from '#adapters/oidc/keyring.ts';
import { asCustodyError, CustodyError, type ErrorCode } from '#core/errors.ts';
import { withGroups } from '#core/identity/added-groups.ts';
import { directoryGroups, withDirectoryGroups } from '#core/identity/scim/groups-verifier.ts';
import { standingVerifier } from '#core/identity/standing.ts';
import { TokenFailures } from '#core/identity/token-failures.ts';
import { toldStanding } from '#core/identity/told-standing.ts';
import { RefusalTeller } from '#core/status/refusal-teller.ts';
import { throughEdge } from '../authorizer/address.ts';
import { type Authorizer, type AuthorizerAnswer, authorizerHandler } from '../authorizer/handler.ts';
import type { FreshPolicy } from '../fresh-policy.ts';
import { once } from '../once.ts';
import { authorizerEventOf, restAnswerOf } from '../rest-event.ts';
import { freshPolicy, now } from '../surroundings.ts';
import { instrumented, telemetryFor } from '../telemetry.ts';

type Asked = APIGatewayRequestAuthorizerEvent | APIGatewayRequestAuthorizerEventV2;

const telemetry = telemetryFor('authorizer');
const prepared = once(prepare);
const CANNOT_TELL: readonly string[] = [
  'internal',
  'issuer-unreachable',
  'store-unavailable',
] satisfies ErrorCode[];

/** Verifies bearer tokens, before every function of the API, of either kind. */
export const handler = instrumented<Asked, AuthorizerAnswer | APIGatewayAuthorizerResult>(
  telemetry,
  async (asked) => {
    const answer = await answerTo(authorizerEventOf(asked));
    return 'methodArn' in asked ? restAnswerOf(answer, asked.methodArn) : answer;
  },
) as Handler;

/** Each kind is answered in its own form. */
interface Handler {
  (event: APIGatewayRequestAuthorizerEventV2, context: Context): Promise<AuthorizerAnswer>;
  (event: APIGatewayRequestAuthorizerEvent, context: Context): Promise<APIGatewayAuthorizerResult>;
}

async function answerTo(event: APIGatewayRequestAuthorizerEventV2): Promise<AuthorizerAnswer> {
  const { policy, keyring, refusals, authorize } = await prepared();
  await policy.look();
  const answer = await authorize(event);
  tellAway(keyring);
  await tellRefusals(refusals);
  if (answer.isAuthorized) return answer;
  // Not the token's fault: API Gateway makes a 500 of it, and an alarm watches this function's errors.
  const { code, message } = answer.context;
  if (CANNOT_TELL.includes(code)) throw new CustodyError(code as ErrorCode, message);
  telemetry.metrics.addMetric('RefusedTokens', MetricUnit.Count, 1);
  return answer;
}

/** Their last keys serve on, and not for ever: an alarm of the stack goes by it. */
function tellAway(keyring: Keyring): void {
  const away = keyring.away();
  if (away.length === 0) return;
  telemetry.metrics.addMetric('IssuersAway', MetricUnit.Count, away.length);
  telemetry.logger.warn('issuers do not answer', { away });
}

/** Who is let in does not depend on it. */
async function tellRefusals(refusals: RefusalTeller): Promise<void> {
  try {
    await refusals.tellDue();
  } catch (thrown) {
    telemetry.log(asCustodyError(thrown));
  }
}

async function prepare(): Promise<{
  policy: FreshPolicy;
  keyring: Keyring;
  refusals: RefusalTeller;
  authorize: Authorizer;
}> {
  const settings = readAwsSettings(process.env);
  const client = { region: settings.AWS_REGION };
  const policy = await freshPolicy(settings, s3Client(client));
  const issuers = () => policy.config().issuers;
  const directoryOf = currentDirectories({
    // A client of its own once an hour: most gateways have no directory.
    readSecret: (place) => directorySecrets(secretsClient(client))(place),
    wallClock: now,
    onTrouble: (error) => {
      telemetry.log(error);
      telemetry.metrics.addMetric('DirectoryFailures', MetricUnit.Count, 1);
    },
  });
  const keyring = new Keyring();
  const current = withGroups(currentVerifier(issuers, keyring), issuers, directoryOf);
  const dynamo = dynamoClient(client);
  const place = { dynamo, table: settings.CUSTODY_TABLE_ACCESS, now };
  const known = { policy: policy.config, store: dynamoScim(place) };
  const standing = toldStanding({ ...known, logouts: dynamoLogouts(place), devices: dynamoDevices(place) });
  const groups = directoryGroups(known);
  const verifier = () => withDirectoryGroups(standingVerifier(current(), standing), groups);
  const failures = new TokenFailures(() => performance.now());
  const addressOf = throughEdge(edgeSecret(settings), () => performance.now());
  const pulses = dynamoPulses({ dynamo, table: settings.CUSTODY_TABLE_COORDINATION });
  const refusals = new RefusalTeller({ pulses, name: randomUUID(), issuers, now });
  const { refused } = refusals;
  const authorize = authorizerHandler({ verifier, failures, refused, addressOf, log: telemetry.log });
  return { policy, keyring, refusals, authorize };
}

/** What CloudFront shows, where the console is behind it. */
function edgeSecret({ AWS_REGION: region, CUSTODY_EDGE_SECRET: secret }: AwsSettings) {
  return secret === undefined ? undefined : () => readSecret(secretsClient({ region }), secret);
}
