/** Targets that are made: `sandbox: { from }` in custody.yaml. */
import { CustodyError } from '../errors.ts';
import type { Target } from './config.ts';
import type { Address } from './target-schema.ts';

/** What custody.yaml says of how one is made. */
export type MadeSandbox = Exclude<NonNullable<Target['sandbox']>, true>;

/** Undefined for a target that is there by itself, be it a sandbox or not. */
export function madeSandboxOf({ sandbox }: Target): MadeSandbox | undefined {
  return sandbox === true ? undefined : sandbox;
}

interface Located {
  readonly name: string;
  readonly address?: Address | undefined;
}

/** Where a target is. One that is made is nowhere before a session says which of them it means: see `Authorization.placedAt`. */
export function addressOf({ name, address }: Located): Address {
  if (address !== undefined) return address;
  throw new CustodyError('internal', `the target "${name}" is made, and nobody said which of them is meant`);
}

/** A target, as far as it takes to judge its sandbox. */
interface Declared {
  readonly protocol: string;
  readonly address?: unknown;
  readonly sandbox?: true | { readonly from: string } | undefined;
}

interface Mistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** The protocols whose data can be had as it was at a time. */
const RESTORABLE: readonly string[] = ['postgres'];

/** What is wrong with addresses and sandboxes; paths are below `targets`. */
export function sandboxMistakes(targets: Readonly<Record<string, Declared>>): readonly Mistake[] {
  return Object.entries(targets).flatMap(([name, target]) => mistakesOf(name, target, targets));
}

function mistakesOf(
  name: string,
  { protocol, address, sandbox }: Declared,
  targets: Readonly<Record<string, Declared>>,
): readonly Mistake[] {
  const isMade = sandbox !== undefined && sandbox !== true;
  if (!isMade)
    return address === undefined
      ? [{ path: [name, 'address'], message: 'is missing: expected a string' }]
      : [];
  const own = address === undefined ? [] : [{ path: [name, 'address'], message: WHERE }];
  const message = sourceMistake(name, protocol, sandbox.from, targets);
  return message === undefined ? own : [...own, { path: [name, 'sandbox', 'from'], message }];
}

const WHERE = 'is for no target with sandbox.from: its address is that of the sandbox that was made';

function sourceMistake(
  name: string,
  protocol: string,
  from: string,
  targets: Readonly<Record<string, Declared>>,
): string | undefined {
  const source = Object.hasOwn(targets, from) ? targets[from] : undefined;
  if (!RESTORABLE.includes(protocol))
    return 'only a database can be had as it was at a time: for a server of SSH give an address and sandbox: true';
  if (from === name) return 'is the target itself: a sandbox is made of another one';
  if (source === undefined) return `no target is named "${from}"`;
  if (source.protocol !== protocol) return `"${from}" speaks another protocol than its sandbox`;
  if (source.sandbox !== undefined && source.sandbox !== true)
    return `"${from}" is made itself: name the target that holds the data`;
  return undefined;
}
