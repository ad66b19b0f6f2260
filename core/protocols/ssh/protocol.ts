import type { Context } from '../../access/conditions.ts';
import { CustodyError } from '../../errors.ts';
import type { PartObstacle, ProtocolFacts, SecretReference } from '../protocol.ts';
import { parsePrivateKey } from './keys/private-key.ts';
import type { SshRule, SshTarget } from './schema.ts';

const KEY = 'private key';

type Login = SshTarget['logins'][string];

/** SSH, as others know it. */
export const ssh: ProtocolFacts<SshTarget> = {
  name: 'ssh',
  label: 'SSH',
  port: 22,
  fileKey: 'keyFile or a passwordFile',
  logins: ({ logins }) => Object.keys(logins),
  loginFor: loginOf,
  obstacles: ({ ssh: part = {} }, target, context) => [
    ...wrongLogin(part, target, context),
    ...noTouch(part, context),
  ],
  secrets: ({ logins }) => Object.values(logins).flatMap((login) => referenceOf(login) ?? []),
  secretFor: (target, login) => referenceOf(target.logins[loginOf(target, login)]!),
  refuseUnusable,
  trustFiles: () => [],
  leftOut: ({ recording: { files } }) => (files === 'digest' ? { files } : {}),
  withFiles,
  refuseUnapprovable,
  // As exec is asked for it: what ends a line of a file is no part of the command.
  commandsIn: (text) => [text.replace(/\r?\n$/, '')],
};

/** The login at the target that a client asked for; the only one where it named none. Throws `access-denied`. */
export function loginOf({ name, logins }: SshTarget, asked: string | undefined): string {
  const known = Object.keys(logins);
  const [only, ...others] = known;
  if (asked === undefined && others.length === 0) return only!;
  if (asked !== undefined && Object.hasOwn(logins, asked)) return asked;
  const found = asked === undefined ? 'no login was named' : `there is no login "${asked}"`;
  throw new CustodyError('access-denied', `${found} for the target "${name}"`, {
    hint: `name one in the user, as in ${only!}+${name}`,
  });
}

/** Which login it is going to be where nobody has named one is known for a target with a single one only. */
function wrongLogin({ logins: wanted }: SshRule, { logins }: SshTarget, asked: Context): PartObstacle[] {
  const [only, ...others] = Object.keys(logins);
  const login = asked.login ?? (others.length === 0 ? only : undefined);
  if (wanted === undefined || (login !== undefined && wanted.includes(login))) return [];
  return [{ kind: 'login', wanted, ...(login === undefined ? {} : { login }) }];
}

function noTouch({ touch }: SshRule, { userVerified = false }: Context): PartObstacle[] {
  return touch === 'required' && !userVerified ? [{ kind: 'touch' }] : [];
}

function referenceOf({ keyFile, passwordFile, keySecret, secret }: Login): SecretReference | undefined {
  if (keyFile !== undefined) return { kind: 'file', what: KEY, file: keyFile };
  if (passwordFile !== undefined) return { kind: 'file', what: 'password', file: passwordFile };
  if (keySecret !== undefined) return { kind: 'secret', what: KEY, secret: keySecret };
  return secret === undefined ? undefined : { kind: 'secret', what: 'password', secret };
}

function refuseUnusable(reference: SecretReference, text: string): void {
  if ('what' in reference && reference.what === KEY) parsePrivateKey(text);
}

function withFiles(target: SshTarget, rename: (file: string) => string): SshTarget {
  const renamed = ({ keyFile, passwordFile, ...login }: Login): Login => ({
    ...login,
    ...(keyFile === undefined ? {} : { keyFile: rename(keyFile) }),
    ...(passwordFile === undefined ? {} : { passwordFile: rename(passwordFile) }),
  });
  const logins = Object.entries(target.logins).map(([name, login]) => [name, renamed(login)] as const);
  return { ...target, logins: Object.fromEntries(logins) };
}

/** A command is what `exec` is asked for, whole (RFC 4254 section 6.5): a text, in which a NUL would end it for the target. */
function refuseUnapprovable(texts: readonly string[]): void {
  const at = texts.findIndex((text) => text.includes('\0'));
  if (at < 0) return;
  throw new CustodyError('format-invalid', `command ${at + 1} cannot be approved: there is a NUL in it`);
}
