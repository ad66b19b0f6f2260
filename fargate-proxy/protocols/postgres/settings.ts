import { NAME } from '#core/access/names.ts';
import { type SeparatedOptions, separateOptions } from '#core/protocols/postgres/options.ts';
import type { StartupMessage, StartupParameter } from '#core/protocols/postgres/startup.ts';
import { bytesOf, charactersOf, decodeText } from '#core/protocols/postgres/wire.ts';

/** What a client told the gateway, by the name behind `custody.`: auth, reason, rerun, run, sandbox, target, task, ticket, traceparent. */
export type GatewaySettings = ReadonlyMap<string, string>;

const OWN = /^custody\./i;
/** Empty, these name a task or a sandbox that is not there: whoever forgot to fill them in must not come as no task at all. */
const MEANS_ONE: readonly string[] = ['run', 'task', 'sandbox'];
/** It may be a target; an address such as dana+work@example.com cannot. */
const TARGET_SUFFIX = new RegExp(`\\+(${NAME})$`);

/**
 * From `options=-c custody.<name>=<value>`, or from a parameter `custody.<name>` of its own. The names of settings have
 * no case, the last value counts, and a parameter counts more than `options`: all as at the server.
 */
export function gatewaySettings(given: readonly StartupParameter[]): GatewaySettings {
  const inOptions = separateOptions(charactersOf(optionsOf(given))).own;
  const apart = given
    .filter(isForGateway)
    .map(({ name, value }) => [name.replace(OWN, '').toLowerCase(), charactersOf(value)] as const);
  const all = [...inOptions, ...apart].filter(([name, value]) => value !== '' || MEANS_ONE.includes(name));
  return new Map(all.map(([name, value]) => [name, decodeText(bytesOf(value))]));
}

export function isForGateway({ name }: StartupParameter): boolean {
  return OWN.test(name);
}

/** `options` as the target is to see them: without what was meant for the gateway. One character a byte. */
export function optionsForTarget(
  given: readonly StartupParameter[],
): Pick<SeparatedOptions, 'rest' | 'settings'> {
  return separateOptions(charactersOf(optionsOf(given)));
}

/** The last ones: the server takes no others. */
function optionsOf(given: readonly StartupParameter[]): Uint8Array {
  return given.findLast(({ name }) => name === 'options')?.value ?? new Uint8Array(0);
}

/**
 * The target that a client means: `custody.target`, or behind a plus in its user name, for clients that cannot choose their
 * database (pg_basebackup before 17 always names "replication"); else its database, which is its user's name when it
 * names none.
 */
export function namedTarget({ parameters }: StartupMessage, settings: GatewaySettings): string {
  const user = parameters.get('user')!;
  // Not `||` alone: a database that is empty is none, as at the server.
  const database = parameters.get('database') || user;
  return settings.get('target') ?? TARGET_SUFFIX.exec(user)?.[1] ?? database;
}

/** The task of a run that a client names, unchecked: with one of both alone it names none that there is. */
export function namedTask(
  settings: GatewaySettings,
): { readonly run: string; readonly task: string } | undefined {
  const [run, task] = [settings.get('run'), settings.get('task')];
  return run === undefined && task === undefined ? undefined : { run: run ?? '', task: task ?? '' };
}
