/** The startup packet of a rerun: as it was recorded, for another database and by whoever reruns it. */
import { separateOptions } from '#core/protocols/postgres/options.ts';
import { encodeStartup } from '#core/protocols/postgres/startup.ts';
import type { RecordedStartup } from '../../postgres/startup.ts';

export interface Login {
  readonly user: string;
  readonly password: string;
  /** The target's name. */
  readonly database: string;
  /** What the gateway is told: `rerun`, `sandbox`. */
  readonly settings: Readonly<Record<string, string>>;
}

const OF_GATEWAY = /^custody\./i;
const REPLACED = new Set(['user', 'database', 'options']);

export function startupOf(
  { minor, parameters }: RecordedStartup,
  { user, database, settings }: Login,
): Uint8Array {
  const kept = [...parameters].filter(([name]) => !REPLACED.has(name) && !OF_GATEWAY.test(name));
  const recorded = Buffer.from(parameters.get('options') ?? []).toString('latin1');
  const own = Object.entries(settings).map(
    ([name, value]) => `-c custody.${name}=${value.replaceAll(/[\\ \t\n\v\f\r]/g, '\\$&')}`,
  );
  const options = [separateOptions(recorded).rest, ...own].filter((part) => part !== '').join(' ');
  const all: [string, string | Uint8Array][] = [['user', user], ['database', database], ...kept];
  if (options !== '') all.push(['options', Buffer.from(options, 'latin1')]);
  return encodeStartup({ minor, parameters: all });
}
