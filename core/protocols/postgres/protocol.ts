import type { ProtocolFacts, SecretReference } from '../protocol.ts';
import { refuseUnapprovable } from './approvable.ts';
import type { PostgresTarget } from './schema.ts';
import { splitStatements } from './split.ts';

/** PostgreSQL, as others know it. */
export const postgres: ProtocolFacts<PostgresTarget> = {
  name: 'postgres',
  label: 'PostgreSQL',
  port: 5432,
  fileKey: 'passwordFile',
  loginFor: () => undefined,
  obstacles: () => [],
  logins: () => [],
  secrets: (target) => [credentialOf(target)],
  secretFor: credentialOf,
  // The database knows its passwords.
  refuseUnusable: () => undefined,
  trustFiles: ({ tls }) => (tls.mode === 'disable' || tls.caFile === undefined ? [] : [tls.caFile]),
  leftOut: () => ({}),
  withFiles,
  refuseUnapprovable,
  commandsIn: splitStatements,
};

function credentialOf({ credential }: PostgresTarget): SecretReference {
  const { user, passwordFile: file, secret, assumeRole: role } = credential;
  if (file !== undefined) return { kind: 'file', what: 'password', file };
  if (secret !== undefined)
    return { kind: 'secret', what: 'password', secret, ...(role === undefined ? {} : { role }) };
  return { kind: 'rds', user, ...(role === undefined ? {} : { role }) };
}

function withFiles(target: PostgresTarget, rename: (file: string) => string): PostgresTarget {
  const { credential, tls } = target;
  const password =
    credential.passwordFile === undefined ? {} : { passwordFile: rename(credential.passwordFile) };
  const ca = tls.mode === 'disable' || tls.caFile === undefined ? {} : { caFile: rename(tls.caFile) };
  return { ...target, credential: { ...credential, ...password }, tls: { ...tls, ...ca } };
}
