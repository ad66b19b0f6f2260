import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretPost,
  type Configuration,
  type CustomFetch,
  customFetch,
  type DeviceAuthorizationResponse,
  discovery,
  initiateDeviceAuthorization,
  None,
  pollDeviceAuthorizationGrant,
  type TokenEndpointResponse,
} from 'openid-client';
import type { IssuerConfig } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import type { DeviceLogin, DeviceLogins } from '#core/identity/device-login.ts';
import { fetchSmall, isHttpLoopback } from './fetch-bounded.ts';

/** For each answer of the issuer. */
const PATIENCE_S = 10;
/** How often in a row the issuer may fail while a person is on their way through it. */
const FAILURES_MAX = 3;
/** What is shown on a terminal of 80 columns, and is sent over SSH. */
const CODE = /^[\x21-\x7e]{1,64}$/;
const URL_MAX = 2048;

/** Device authorization (RFC 8628) at the issuer that the configuration names at the moment, as the public client of its `login`. */
export function deviceLogins(issuers: () => readonly IssuerConfig[], now: () => number): DeviceLogins {
  return {
    begin: async (signal) => {
      const issuer = issuerForCodes(issuers());
      const config = await discovered(issuer, signal);
      const device = await started(issuer, config, signal);
      return {
        ...shown(issuer, device),
        expiresAt: new Date(now() + device.expires_in * 1000),
        token: (left) => confirmed(issuer, config, device, left),
      };
    },
  };
}

/** The first issuer of people that says `flow: device`; the first one of people where none does. */
export function issuerForCodes(issuers: readonly IssuerConfig[]): IssuerConfig {
  const people = issuers.filter(({ kind }) => kind === 'person');
  const found = people.find(({ login }) => login?.flow === 'device') ?? people[0];
  if (found !== undefined) return found;
  throw new CustodyError('unsupported', 'this gateway knows no identity provider at which people log in');
}

async function discovered(issuer: IssuerConfig, signal: AbortSignal): Promise<Configuration> {
  const url = new URL(issuer.issuer);
  const execute = isHttpLoopback(url) ? [allowInsecureRequests] : [];
  const { clientId = issuer.audience[0]!, clientSecret } = issuer.login ?? {};
  const auth: ClientAuth = clientSecret === undefined ? None() : ClientSecretPost(clientSecret);
  const options = { execute, timeout: PATIENCE_S, [customFetch]: fetchSmall as CustomFetch };
  const config = await asked(issuer, signal, () => discovery(url, clientId, undefined, auth, options));
  if (config.serverMetadata().device_authorization_endpoint !== undefined) return config;
  throw new CustodyError('unsupported', `the identity provider ${issuer.name} has no login with a code`, {
    hint: 'get a certificate with custody ssh-login, or give a token as the password',
  });
}

function started(
  issuer: IssuerConfig,
  config: Configuration,
  signal: AbortSignal,
): Promise<DeviceAuthorizationResponse> {
  const parameters = { ...issuer.login?.params, scope: scopeOf(issuer, config) };
  return asked(issuer, signal, () => initiateDeviceAuthorization(config, parameters));
}

/** A refresh token is never asked for: the gateway would have to keep it. */
function scopeOf({ login }: IssuerConfig, config: Configuration): string {
  const offered = config.serverMetadata().scopes_supported ?? ['email'];
  const scopes = login?.scopes ?? ['openid', ...(offered.includes('email') ? ['email'] : [])];
  return scopes.filter((scope) => scope !== 'offline_access').join(' ');
}

/** What a person is shown. An issuer that sends what no terminal should see is broken, or is none. */
function shown(issuer: IssuerConfig, device: DeviceAuthorizationResponse): Pick<DeviceLogin, 'url' | 'code'> {
  const { user_code: code, verification_uri: short, verification_uri_complete: url = short } = device;
  const { href } = URL.parse(url) ?? {};
  if (href !== undefined && /^https?:/.test(href) && href.length <= URL_MAX && CODE.test(code))
    return { url: href, code };
  throw unreachable(issuer, new Error('it gave an address or a code that cannot be shown'));
}

/**
 * Waits as the issuer asks for, `slow_down` (RFC 8628 section 3.5) included, and over its hiccups: somebody may be at its login page,
 * and their code is still good.
 */
async function confirmed(
  issuer: IssuerConfig,
  config: Configuration,
  device: DeviceAuthorizationResponse,
  left: AbortSignal,
): Promise<string> {
  const expired = AbortSignal.timeout(device.expires_in * 1000);
  const signal = AbortSignal.any([left, expired]);
  for (let failures = 0; ; failures++) {
    try {
      signal.throwIfAborted();
      const polled = pollDeviceAuthorizationGrant(config, device, undefined, { signal });
      return tokenOf(issuer, await unlessAborted(polled, signal));
    } catch (cause) {
      left.throwIfAborted();
      if (expired.aborted) throw notConfirmed('expired_token');
      const error = saidBy(cause);
      if (error !== undefined) throw notConfirmed(error);
      if (cause instanceof CustodyError) throw cause;
      if (failures >= FAILURES_MAX) throw unreachable(issuer, cause);
    }
  }
}

function tokenOf(issuer: IssuerConfig, response: TokenEndpointResponse): string {
  const token = issuer.login?.token === 'access' ? response.access_token : response.id_token;
  if (token !== undefined) return token;
  throw new CustodyError('token-invalid', 'the identity provider gave no ID token', {
    hint: 'whoever keeps custody.yaml: login.scopes of the issuer has to hold openid',
  });
}

const WORDS: Readonly<Record<string, string>> = {
  access_denied: 'the login was refused in the browser',
  expired_token: 'the code was not confirmed in time',
  invalid_grant: 'the code is not good any more',
};

function notConfirmed(error: string): CustodyError {
  const words = WORDS[error] ?? 'the identity provider did not let you in';
  return new CustodyError('token-invalid', words, {
    hint: 'connect again for a new code',
    detail: `device flow: ${error}`,
  });
}

/** The answer, or why there is none. */
async function asked<T>(issuer: IssuerConfig, left: AbortSignal, ask: () => Promise<T>): Promise<T> {
  left.throwIfAborted();
  try {
    return await unlessAborted(ask(), left);
  } catch (cause) {
    left.throwIfAborted();
    const error = saidBy(cause);
    throw error === undefined ? unreachable(issuer, cause) : refused(issuer, error);
  }
}

/** The library takes no signal for some calls, and looks at it every five seconds in others: who has left waits for neither. */
async function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The client is not registered for this, or not at all: nothing that who logs in could change. */
function refused({ name }: IssuerConfig, error: string): CustodyError {
  return new CustodyError(
    'unsupported',
    `the identity provider ${name} does not let this gateway ask for a code`,
    {
      hint: 'get a certificate with custody ssh-login, or give a token as the password',
      detail: `device flow at ${name}: ${error}`,
    },
  );
}

function unreachable({ name }: IssuerConfig, cause: unknown): CustodyError {
  const detail = `device flow at ${name}: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new CustodyError('issuer-unreachable', `the identity provider ${name} does not answer`, {
    hint: 'try again in a moment',
    detail,
    cause,
  });
}

/** The error of RFC 6749 section 5.2, where the issuer gave one. */
function saidBy(cause: unknown): string | undefined {
  const { error } = Object(cause) as { error?: unknown };
  return typeof error === 'string' ? error : undefined;
}
