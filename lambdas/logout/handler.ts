import { z } from 'zod';
import type { Config, IssuerConfig } from '#core/access/config.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { takeLogout } from '#core/identity/logout-desk.ts';
import { type LogoutTokenVerifier, logoutOf } from '#core/identity/logout-token.ts';
import type { Logouts } from '#core/identity/logouts.ts';
import type { TokenFailures } from '#core/identity/token-failures.ts';
import type { LeafSink } from '#core/ledger/leaves.ts';
import { type ApiEvent, type ApiResult, bytesOf, type HttpHandler, httpHandler } from '../http.ts';
import type { FaultLog } from '../problem.ts';

export interface LogoutPorts extends LogoutIntake {
  readonly policy: () => Pick<Config, 'issuers'>;
  /** Bad tokens by address. */
  readonly failures: TokenFailures;
  readonly leaves: LeafSink;
  readonly now: () => Date;
  readonly log: FaultLog;
}

export interface LogoutIntake {
  readonly logouts: Logouts;
  readonly verifierOf: (issuer: IssuerConfig) => LogoutTokenVerifier;
}

/** A form is a token and little else. */
const FORM_MAX_BYTES = 20 << 10;

export const logoutForm = z.object({
  logout_token: z.string().meta({ description: 'a JWT that the issuer signed' }),
});

/** OpenID Connect Back-Channel Logout 1.0 section 2.8. */
export const logoutFailure = z
  .object({
    error: z.enum(['invalid_request', 'temporarily_unavailable']),
    error_description: z.string(),
  })
  .meta({ id: 'LogoutFailure' });

/** POST /v1/logout/{issuer}: the issuer's own call, which its signature vouches for. */
export function logoutHandler(ports: LogoutPorts): HttpHandler {
  return httpHandler(ports.log, async (event) => {
    const issuer = issuerOf(event, ports.policy());
    const address = event.requestContext.http.sourceIp;
    ports.failures.check(address);
    try {
      await take(event, issuer, ports);
      return { statusCode: 200, headers: { 'cache-control': 'no-store' }, body: '' };
    } catch (thrown) {
      const error = asCustodyError(thrown);
      if (isGuess(error)) ports.failures.failed(address);
      return failure(error, ports.log);
    }
  });
}

const NOT_GOOD: readonly string[] = ['token-invalid', 'format-invalid', 'conflict'];

/** What the issuer signed and sends twice, or late, keeps none of its logouts out. */
function isGuess({ guess, code }: CustodyError): boolean {
  return guess || code === 'format-invalid';
}

async function take(event: ApiEvent, issuer: IssuerConfig, ports: LogoutPorts): Promise<void> {
  const verified = await ports.verifierOf(issuer).verify(tokenOf(event));
  await takeLogout(logoutOf(verified, issuer, ports.now()), ports.logouts, ports.leaves);
}

function issuerOf({ pathParameters }: ApiEvent, { issuers }: Pick<Config, 'issuers'>): IssuerConfig {
  const name = pathParameters?.['issuer'];
  const found = issuers.find((issuer) => issuer.name === name && issuer.backchannelLogout);
  if (found !== undefined) return found;
  throw new CustodyError('not-found', 'no such issuer ends sessions here', {
    hint: 'custody.yaml says backchannelLogout: true of one that does',
  });
}

/** Section 2.5. Other members of the form are passed over; twice the token would be two things to two readers. */
function tokenOf(event: ApiEvent): string {
  if (!/^application\/x-www-form-urlencoded *(?:;|$)/i.test(event.headers['content-type'] ?? ''))
    throw invalid('send a form, with content-type: application/x-www-form-urlencoded');
  const form = bytesOf(event);
  if (form.byteLength > FORM_MAX_BYTES) throw invalid(`the form is longer than ${FORM_MAX_BYTES} bytes`);
  const [token, ...more] = new URLSearchParams(form.toString()).getAll('logout_token');
  if (token === undefined || token === '' || more.length > 0)
    throw invalid('the form needs one logout_token');
  return token;
}

function invalid(message: string): CustodyError {
  return new CustodyError('format-invalid', message);
}

/** Section 2.8 wants 400 for whatever kept a logout from being done, and an issuer may look at nothing else. */
function failure(error: CustodyError, log: FaultLog): ApiResult {
  const isTheirs = NOT_GOOD.includes(error.code);
  if (!isTheirs) log(error);
  const answer: z.infer<typeof logoutFailure> = isTheirs
    ? { error: 'invalid_request', error_description: error.message }
    : { error: 'temporarily_unavailable', error_description: 'the logout could not be done: send it again' };
  return {
    statusCode: 400,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(answer),
  };
}
