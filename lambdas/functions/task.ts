import { setTimeout as sleep } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import { decodeJwt } from 'jose';
import { webIdentityToken } from '#adapters/aws/web-identity-token.ts';
import { openPostgres } from '#adapters/postgres/executor.ts';
import { asCustodyError } from '#core/errors.ts';
import { CustodyApi } from '../task/custody-api.ts';
import { readOrder } from '../task/order.ts';
import { type Answer, carryOut } from '../task/task-runner.ts';
import { traceparentOfXray } from '../task/xray.ts';

/** Not a part of the stack: it stands beside a state machine, in an account that reaches the API and the gateway. */
const { CUSTODY_API_URL: address = '', CUSTODY_AUDIENCE: audience = 'custody' } = process.env;
const token = (): Promise<string> => webIdentityToken(audience);

/** A task of AWS Step Functions. Its errors have our codes as their names, for `Catch` and `Retry`. */
export async function handler(event: unknown): Promise<Answer> {
  try {
    const api = new CustodyApi(address, token);
    return await carryOut(readOrder(event), {
      ...{ api, token, open: openPostgres, sleep },
      publicCas: () => rootCertificates.join('\n'),
      subjectOf: (jwt) => decodeJwt(jwt).sub ?? '',
      trace: () => traceparentOfXray(process.env['_X_AMZN_TRACE_ID']),
    });
  } catch (thrown) {
    const { code, message, hint = '' } = asCustodyError(thrown);
    throw Object.assign(new Error(`${message} (${hint})`), { name: code });
  }
}
