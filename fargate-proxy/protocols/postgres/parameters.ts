import { CustodyError } from '#core/errors.ts';
import { SETTABLE } from '#core/protocols/postgres/harmless.ts';
import type { Setting } from '#core/protocols/postgres/options.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';
import type { StartupParameter } from '#core/protocols/postgres/startup.ts';
import { bytesOf, charactersOf } from '#core/protocols/postgres/wire.ts';
import type { GateTerms } from './gate-terms.ts';
import { isForGateway, optionsForTarget } from './settings.ts';

type Parameters = readonly (readonly [name: string, value: string | Uint8Array])[];
type Gated = Pick<GateTerms, 'what' | 'settings' | 'beside' | 'allowsSetting'>;

/** Drivers ask for these unasked. The gateway sets them itself, as it sets all that says how a command is read. */
const PASSED_OVER = ['client_encoding', 'datestyle', 'timezone', 'extra_float_digits', 'intervalstyle'];
/** Of the startup message itself: the gateway's own to say. `options` are looked at by themselves. */
const OWN = ['user', 'database', 'options'];

/**
 * What the client asked for at its start, as it asked, but for the target's own user and database. With `gated`, for a
 * session in which not everything may pass, only what leaves their meaning as it is. Throws `not-approved` for a setting
 * that would be missed.
 */
export function parametersForTarget(
  given: readonly StartupParameter[],
  target: PostgresTarget,
  gated: Gated | undefined,
): Parameters {
  const asked = given.filter((one) => !OWN.includes(one.name) && !isForGateway(one));
  const own = [
    ['user', target.credential.user],
    ['database', target.database],
  ] as const;
  return [...own, ...(gated === undefined ? ordinary(asked, given) : held(asked, given, gated))];
}

function ordinary(asked: readonly StartupParameter[], given: readonly StartupParameter[]): Parameters {
  const { rest } = optionsForTarget(given);
  const options = rest === '' ? [] : [['options', bytesOf(rest)] as const];
  return [...asked.map(({ name, value }) => [name, value] as const), ...options];
}

function held(
  asked: readonly StartupParameter[],
  given: readonly StartupParameter[],
  gated: Gated,
): Parameters {
  const kept = new Map<string, string | Uint8Array>();
  for (const [name, value] of settings(asked, given, gated)) {
    if (PASSED_OVER.includes(name)) continue;
    if (!isHarmless(name, value, gated)) throw missed(name, gated);
    kept.set(name, bytesOf(value));
  }
  for (const [name, value] of gated.settings) kept.set(name, value);
  return [...kept];
}

/** Those in `options` and parameters, by their names as the server folds them; a parameter counts more. */
function settings(
  asked: readonly StartupParameter[],
  given: readonly StartupParameter[],
  gated: Gated,
): Setting[] {
  const inOptions = optionsForTarget(given).settings;
  if (inOptions === undefined) throw missed('options', gated);
  return [
    ...inOptions,
    ...asked.map(({ name, value }) => [name.toLowerCase(), charactersOf(value)] as const),
  ];
}

function isHarmless(
  name: string,
  value: string,
  { settings: wanted, beside, allowsSetting }: Gated,
): boolean {
  if (name === 'application_name') return true;
  if (SETTABLE.has(name)) return beside.includes('settings');
  return wanted.get(name) === value || allowsSetting?.(name, value) === true;
}

function missed(setting: string, { what }: Pick<Gated, 'what'>): CustodyError {
  return new CustodyError('not-approved', `${what}, without the setting "${shown(setting)}"`, {
    hint: 'connect without it (nothing is used by that), or ask for access that is not bound to commands',
  });
}

function shown(setting: string): string {
  return setting.slice(0, 63).replaceAll(/[^ -~]/g, '?');
}
