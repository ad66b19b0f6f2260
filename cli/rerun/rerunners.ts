import { CustodyError } from '#core/errors.ts';
import { postgresRerunner } from './postgres/rerunner.ts';
import type { Rerunner } from './rerunner.ts';
import { sshRerunner } from './ssh/rerunner.ts';

const BY_PROTOCOL: ReadonlyMap<string, Rerunner> = new Map([
  ['postgres', postgresRerunner],
  ['ssh', sshRerunner],
]);

/** Throws `unsupported`. */
export function rerunnerOf(protocol: string): Rerunner {
  const found = BY_PROTOCOL.get(protocol);
  if (found !== undefined) return found;
  throw new CustodyError('unsupported', `sessions of ${protocol} are not run again`);
}
