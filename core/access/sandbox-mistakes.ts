/** Mistakes in custody.yaml's sandboxes that it takes two keys, or two targets, to see. */

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
  if (from === name) return 'is the target itself: a sandbox is made of another one';
  if (source === undefined) return `no target is named "${from}"`;
  if (source.protocol !== protocol) return `"${from}" speaks another protocol than its sandbox`;
  if (source.sandbox !== undefined && source.sandbox !== true)
    return `"${from}" is made itself: name the target that holds the data`;
  return undefined;
}
