import type { Target } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import { optionsForTarget } from './greet.ts';

type Parameters = ReadonlyMap<string, string>;

/** What changes how a command is read: without them, approved commands mean what the approval meant. */
const LEFT_OUT = ['datestyle', 'timezone', 'extra_float_digits', 'intervalstyle', 'options'];
const KEPT = ['user', 'database', 'application_name', 'client_encoding'];

/**
 * What the client asked for at its start, but the target's own user and database. With `exact`, for a session that may run
 * approved commands alone, no settings of the client's. Throws `not-approved` for one that would be missed.
 */
export function parametersForTarget(asked: Parameters, target: Target, exact: boolean): Map<string, string> {
  const parameters = exact ? exactParameters(asked) : new Map(asked);
  parameters.set('user', target.credential.user).set('database', target.database);
  const options = optionsForTarget(parameters.get('options') ?? '');
  if (options === '') parameters.delete('options');
  else parameters.set('options', options);
  return parameters;
}

function exactParameters(asked: Parameters): Map<string, string> {
  const isUnknown = (name: string): boolean => !KEPT.includes(name) && !LEFT_OUT.includes(name);
  const unknown = [...asked.keys()].map((name) => name.toLowerCase()).find(isUnknown);
  const setting = unknown ?? (optionsForTarget(asked.get('options') ?? '') === '' ? undefined : 'options');
  if (setting !== undefined) {
    throw new CustodyError(
      'not-approved',
      `this grant is for exact commands, without the setting "${shown(setting)}"`,
      {
        hint: 'connect without it, or ask for access that is not bound to commands',
      },
    );
  }
  const kept = new Map([...asked].filter(([name]) => KEPT.includes(name)));
  // The approval is of a text; in another encoding its bytes could say something else.
  return kept.set('client_encoding', 'UTF8');
}

function shown(setting: string): string {
  return setting.slice(0, 63).replaceAll(/[^ -~]/g, '?');
}
