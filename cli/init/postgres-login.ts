import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { DATABASE_USER, type Plan, type PlannedTarget } from './plan.ts';

const PASSWORD_BYTES = 30;
const SALT_BYTES = 16;
/** PostgreSQL's own number (scram_iterations). */
const ITERATIONS = 4096;
const HASH_BYTES = 32;

/** A password that nobody has to type. */
export function newPassword(): string {
  return randomBytes(PASSWORD_BYTES).toString('base64url');
}

/** What PostgreSQL keeps of a password (RFC 5803): given in its place, the password itself never comes near a terminal or a log. */
export function scramVerifier(password: string, salt = randomBytes(SALT_BYTES)): string {
  const salted = pbkdf2Sync(password, salt, ITERATIONS, HASH_BYTES, 'sha256');
  const keyed = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(keyed('Client Key')).digest('base64');
  const server = keyed('Server Key').toString('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${stored}:${server}`;
}

/** What makes the gateway's login in a database. What it may do there is whatever people may do through it. */
export function loginSql({ login }: PlannedTarget, verifier: string | undefined): string {
  if ('rdsIam' in login) return `CREATE ROLE ${DATABASE_USER} LOGIN; GRANT rds_iam TO ${DATABASE_USER};`;
  const password = verifier === undefined ? '…' : verifier;
  return `CREATE ROLE ${DATABASE_USER} LOGIN PASSWORD '${password}';`;
}

/** What the owner of each database does once. `verifiers`: by the names of targets. */
export function databaseStep({ targets }: Plan, verifiers: Readonly<Record<string, string>>): string[] {
  // A cluster's readers have the roles of its writer.
  const writers = targets.filter(({ name }) => !name.endsWith('-reader'));
  if (writers.length === 0) return [];
  const lines = writers.flatMap((target) => [
    `   -- ${target.name}, database ${target.database}${target.notes.map((note) => `; ${note}`).join('')}`,
    `   ${loginSql(target, verifiers[target.name])}`,
  ]);
  return [
    `The gateway's login, as each database's owner; then GRANT it what people may do there (such as pg_read_all_data):\n${lines.join('\n')}`,
  ];
}
