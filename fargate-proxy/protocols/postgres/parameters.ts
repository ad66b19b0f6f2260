import type { Target } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import { SETTABLE } from '#core/protocols/postgres/harmless.ts';
import { optionsForTarget, settingsIn } from './greet.ts';
import type { ExactTerms } from './link.ts';

type Parameters = ReadonlyMap<string, string>;
type Exact = Pick<ExactTerms, 'settings' | 'beside'>;

/** Drivers ask for these unasked. The gateway sets them itself, as it sets all that says how a command is read. */
const PASSED_OVER = ['client_encoding', 'datestyle', 'timezone', 'extra_float_digits', 'intervalstyle'];
/** Of the startup message itself. */
const OWN = ['user', 'database'];

/**
 * What the client asked for at its start, but the target's own user and database. With `exact`, for a session that may run
 * approved commands alone, only what leaves their meaning as it is. Throws `not-approved` for a setting that would be missed.
 */
export function parametersForTarget(
  asked: Parameters,
  target: Target,
  exact: Exact | undefined,
): Map<string, string> {
  const parameters = exact === undefined ? ordinary(asked) : exactly(asked, exact);
  return parameters.set('user', target.credential.user).set('database', target.database);
}

function ordinary(asked: Parameters): Map<string, string> {
  const parameters = new Map(asked);
  const options = optionsForTarget(asked.get('options') ?? '');
  if (options === '') parameters.delete('options');
  else parameters.set('options', options);
  return parameters;
}

function exactly(asked: Parameters, exact: Exact): Map<string, string> {
  const kept = new Map<string, string>();
  for (const [name, value] of settings(asked)) {
    if (PASSED_OVER.includes(name)) continue;
    if (!isHarmless(name, value, exact)) throw missed(name);
    kept.set(name, value);
  }
  for (const [name, value] of exact.settings) kept.set(name, value);
  return kept;
}

/** Parameters and those in `options`, by their names as the server folds them. */
function settings(asked: Parameters): (readonly [name: string, value: string])[] {
  const own = [...asked].filter(([name]) => name !== 'options' && !OWN.includes(name));
  const options = settingsIn(optionsForTarget(asked.get('options') ?? '')).map(inOptions);
  return [...own.map(([name, value]) => [name.toLowerCase(), value] as const), ...options];
}

/** `-c name=value` or `--name=value`; hyphens in the name stand for underscores. */
function inOptions(setting: string): readonly [name: string, value: string] {
  const [, name, value] = /^(?:-c\s*|--)([\w.-]+)=(.*)$/s.exec(setting) ?? [];
  if (name === undefined) throw missed('options');
  return [name.toLowerCase().replaceAll('-', '_'), value!.replace(/\\(.)/gs, '$1')];
}

function isHarmless(name: string, value: string, { settings: held, beside }: Exact): boolean {
  if (name === 'application_name') return true;
  if (SETTABLE.has(name)) return beside.includes('settings');
  return held.get(name) === value;
}

function missed(setting: string): CustodyError {
  return new CustodyError(
    'not-approved',
    `this grant is for exact commands, without the setting "${shown(setting)}"`,
    {
      hint: 'connect without it (the grant is not used by that), or ask for access that is not bound to commands',
    },
  );
}

function shown(setting: string): string {
  return setting.slice(0, 63).replaceAll(/[^ -~]/g, '?');
}
