/** The three ways in: a certificate, a login confirmed in a browser, a token as the password. */
import { type SessionTerms, sessionTerms } from '#core/access/ssh-certificates/terms.ts';
import { asCustodyError } from '#core/errors.ts';
import type { Credential, ProvedKey } from '#core/identity/credential.ts';
import type { DeviceLogins } from '#core/identity/device-login.ts';
import type { KeyProof } from '#core/protocols/ssh/auth/key-request.ts';
import { type Attempt, type AuthServer, provedKeyOf } from '#core/protocols/ssh/auth/server.ts';
import type { GreetingTime } from '../../protocol.ts';
import type { ClientSide, DeviceKeys } from './client-side.ts';
import { confirmWords, wordsOf } from './words.ts';

export interface CredentialOptions {
  /** Absent where nobody can confirm a login in a browser. */
  readonly deviceLogins?: DeviceLogins | undefined;
  readonly devices?: DeviceKeys | undefined;
}

/** What a client showed, and nobody has verified yet. */
export interface Shown {
  readonly user: string;
  readonly way: 'certificate' | 'browser' | 'token';
  readonly credential: Credential;
  readonly device?: ProvedKey;
  /** Of a certificate: what the session may do, whoever it is for. */
  readonly terms?: SessionTerms;
}

/**
 * A client may try one after the other, within the bounds that AuthServer has. A device's key is half a login at most (security case 3).
 * Rejects with `peer-left`, `protocol-violation`, `too-many-failures`, and with what ended a login in the browser.
 */
export async function readCredential(
  client: ClientSide,
  time: GreetingTime,
  options: CredentialOptions,
): Promise<Shown> {
  const auth = await client.authentication;
  for (;;) {
    const attempt = await auth.next();
    const shown = await shownBy(attempt, auth, client, time, options);
    if (shown !== undefined) return shown;
  }
}

/** Undefined where the client is to go on with something else. */
async function shownBy(
  attempt: Attempt,
  auth: AuthServer,
  client: ClientSide,
  time: GreetingTime,
  { deviceLogins, devices }: CredentialOptions,
): Promise<Shown | undefined> {
  switch (attempt.kind) {
    case 'certificate':
      return byCertificate(attempt);
    case 'key':
      if ((await devices?.has(provedKeyOf(attempt.proof).key)) === true) auth.goOn();
      else auth.refuse();
      return undefined;
    case 'password':
      if (attempt.password !== '') return byToken(attempt, 'token', attempt.password);
      auth.refuse('custody: the password is an OIDC token: custody token prints one');
      return undefined;
    case 'interactive': {
      const token = deviceLogins && (await confirmed(attempt, auth, client, time, deviceLogins));
      if (token !== undefined) return byToken(attempt, 'browser', token);
      auth.refuse();
      return undefined;
    }
  }
}

function byCertificate({ user, certificate, proof }: Attempt & { kind: 'certificate' }): Shown {
  return {
    user,
    way: 'certificate',
    credential: { kind: 'ssh-certificate', certificate: certificate.blob },
    device: provedKeyOf(proof, certificate),
    terms: sessionTerms(certificate),
  };
}

function byToken(
  { user, device }: { readonly user: string; readonly device?: KeyProof },
  way: 'browser' | 'token',
  token: string,
): Shown {
  const credential = { kind: 'token', token } as const;
  return { user, way, credential, ...(device === undefined ? {} : { device: provedKeyOf(device) }) };
}

/** The token of a person who confirmed in a browser. Undefined when the client turned to something else, or has to. */
async function confirmed(
  { dialogue }: Attempt & { kind: 'interactive' },
  auth: AuthServer,
  client: ClientSide,
  time: GreetingTime,
  logins: DeviceLogins,
): Promise<string | undefined> {
  try {
    return await time.whileConfirming(async (signal) => {
      const until = AbortSignal.any([signal, dialogue.signal, client.left]);
      const login = await logins.begin(until);
      // Some clients answer only when a person has pressed a key: nobody waits for that.
      const [, token] = await Promise.all([dialogue.tell(confirmWords(login)), login.token(until)]);
      return token;
    });
  } catch (thrown) {
    if (dialogue.signal.aborted && !client.left.aborted) return undefined;
    const error = asCustodyError(thrown);
    // There may be another way in than this one.
    if (error.code !== 'unsupported' && error.code !== 'issuer-unreachable') throw error;
    auth.refuse(wordsOf(error));
    return undefined;
  }
}
