import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  type TokenEndpointResponse,
} from 'openid-client';
import { CustodyError } from '#core/errors.ts';
import { type Cli, say } from '../cli.ts';
import { openInBrowser } from '../open-browser.ts';
import { scopeOf } from './discover.ts';
import { type Loopback, listenOnLoopback } from './loopback.ts';
import type { Plan } from './plan.ts';
import { adviceFor, oidcError } from './words.ts';

const PATIENCE_MS = 5 * 60_000;

/** Authorization code with PKCE (RFC 7636); a response that names another issuer is refused (RFC 9207). */
export async function browserLogin(
  cli: Cli,
  config: Configuration,
  plan: Plan,
  openBrowser: boolean,
): Promise<TokenEndpointResponse> {
  const [verifier, state, nonce] = [randomPKCECodeVerifier(), randomState(), randomNonce()];
  const scope = scopeOf(plan, config);
  const loopback = await listenOnLoopback(plan);
  try {
    const url = buildAuthorizationUrl(config, {
      ...plan.params,
      redirect_uri: loopback.redirect,
      scope,
      ...(plan.prompt !== undefined && { prompt: plan.prompt }),
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
    const arrival = patiently(loopback, state, plan);
    say(cli, `log in here: ${url.href}`);
    say(cli, `it comes back to ${loopback.redirect}, which has to be registered with ${plan.clientId}`);
    if (openBrowser) openInBrowser(url);
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
    return await authorizationCodeGrant(config, await arrival, checks);
  } catch (thrown) {
    if (thrown instanceof CustodyError) throw thrown;
    throw oidcError('the login failed', thrown, adviceFor(thrown, plan, scope) ?? elsewhere(config));
  } finally {
    loopback.close();
  }
}

async function patiently(loopback: Loopback, state: string, plan: Plan): Promise<URL> {
  const { promise, reject } = Promise.withResolvers<never>();
  const patience = setTimeout(() => reject(tooSlow(loopback, plan)), PATIENCE_MS);
  return Promise.race([promise, loopback.arrival(state)]).finally(() => clearTimeout(patience));
}

/** Some issuers know no codes for other machines; there a tunnel brings the browser back. */
function elsewhere(config: Configuration): string {
  return config.serverMetadata().device_authorization_endpoint === undefined
    ? 'try again: custody login'
    : 'try again, or without a browser here: custody login --device';
}

function tooSlow({ redirect }: Loopback, { clientId }: Plan): CustodyError {
  return new CustodyError('too-slow', 'nobody logged in within five minutes', {
    hint: `if the page did not like the redirect address, register exactly ${redirect} with the client ${clientId}; on a machine without a browser: custody login --device`,
  });
}
