import type { Target } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import type { StartupParameter } from '#core/protocols/postgres/startup.ts';
import { isForGateway, optionsForTarget } from './settings.ts';

type Parameters = readonly (readonly [name: string, value: string | Uint8Array])[];

/** What changes how a command is read: without them, approved commands mean what the approval meant. */
const LEFT_OUT = ['datestyle', 'timezone', 'extra_float_digits', 'intervalstyle', 'client_encoding'];
const KEPT = ['application_name'];
/** The gateway's own to say; `options` are looked at by themselves. */
const OWN = ['user', 'database', 'options'];

/**
 * What the client asked for at its start, as it asked, but for the target's own user and database. With `exact`, for a
 * session that may run approved commands alone, no settings of the client's. Throws `not-approved` for one that would be
 * missed.
 */
export function parametersForTarget(
  given: readonly StartupParameter[],
  target: Target,
  exact: boolean,
): Parameters {
  const options = optionsForTarget(given);
  const asked = given.filter((one) => !OWN.includes(one.name) && !isForGateway(one));
  const own = [
    ['user', target.credential.user],
    ['database', target.database],
  ] as const;
  if (exact) return [...own, ...exactParameters(asked, options)];
  const settings = asked.map(({ name, value }) => [name, value] as const);
  return [...own, ...settings, ...(options.length === 0 ? [] : [['options', options] as const])];
}

function exactParameters(asked: readonly StartupParameter[], options: Uint8Array): Parameters {
  const isUnknown = (name: string): boolean => !KEPT.includes(name) && !LEFT_OUT.includes(name);
  const unknown = asked.map(({ name }) => name.toLowerCase()).find(isUnknown);
  const setting = unknown ?? (options.length === 0 ? undefined : 'options');
  if (setting !== undefined) {
    throw new CustodyError(
      'not-approved',
      `this grant is for exact commands, without the setting "${shown(setting)}"`,
      {
        hint: 'connect without it, or ask for access that is not bound to commands',
      },
    );
  }
  const kept = asked
    .filter(({ name }) => KEPT.includes(name))
    .map(({ name, value }) => [name, value] as const);
  // The approval is of a text; in another encoding its bytes could say something else.
  return [...kept, ['client_encoding', 'UTF8']];
}

function shown(setting: string): string {
  return setting.slice(0, 63).replaceAll(/[^ -~]/g, '?');
}
