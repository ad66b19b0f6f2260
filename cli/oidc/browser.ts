import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
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
import { SCOPE } from './discover.ts';
import { oidcError } from './words.ts';

const PATIENCE_MS = 5 * 60_000;
const PATH = '/callback';

/** Authorization code with PKCE (RFC 7636) and a callback on a free loopback port (RFC 8252 section 7.3). */
export async function browserLogin(
  cli: Cli,
  config: Configuration,
  openBrowser: boolean,
): Promise<TokenEndpointResponse> {
  const [verifier, state, nonce] = [randomPKCECodeVerifier(), randomState(), randomNonce()];
  const server = createServer();
  try {
    const redirect = await listen(server);
    const url = buildAuthorizationUrl(config, {
      redirect_uri: redirect,
      scope: SCOPE,
      prompt: 'consent',
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
    const callback = awaitCallback(server, redirect, state);
    say(cli, `log in here: ${url.href}`);
    if (openBrowser) open(url);
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
    return await authorizationCodeGrant(config, await callback, checks);
  } catch (thrown) {
    if (thrown instanceof CustodyError) throw thrown;
    throw oidcError(
      'the login failed',
      thrown,
      'try again, or without a browser here: custody login --device',
    );
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`;
}

/** The first call of our own login; others may come, from pages that guess at ports, and change nothing. */
async function awaitCallback(server: Server, redirect: string, state: string): Promise<URL> {
  const { promise, resolve, reject } = Promise.withResolvers<URL>();
  const patience = setTimeout(() => reject(tooSlow()), PATIENCE_MS);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const url = URL.parse(request.url ?? '', redirect);
    const isOurs = url?.pathname === PATH && url.searchParams.get('state') === state;
    answer(response, isOurs);
    if (isOurs) resolve(url);
  });
  return promise.finally(() => clearTimeout(patience));
}

function answer(response: ServerResponse, isOurs: boolean): void {
  const text = isOurs ? 'You can close this window and go back to the terminal.' : 'Not found.';
  response.writeHead(isOurs ? 200 : 404, {
    'content-type': 'text/plain; charset=utf-8',
    connection: 'close',
  });
  response.end(`${text}\n`);
}

/** Best effort: the address is on the terminal too. */
function open(url: URL): void {
  const command = process.platform === 'darwin' ? 'open' : 'xdg-open';
  const child = spawn(command, [url.href], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}

function tooSlow(): CustodyError {
  return new CustodyError('too-slow', 'nobody logged in within five minutes', {
    hint: 'run custody login again, or custody login --device on a machine without a browser',
  });
}
