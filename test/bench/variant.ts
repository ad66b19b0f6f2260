/**
 * Further gateways that differ in one thing, beside the others in the same run: `--variant "NAME=WORD …"`, where a word is
 *   -FLAG          a flag of node
 *   VARIABLE=…     its environment
 *   arg:--FLAG     an argument of the gateway
 *   under:WORD     a word of the command that starts it, in order: under:chrt under:--batch under:0
 *   dir:PATH       another checkout of the gateway
 *   of:CONTENDER   which one it is a variant of; custody-tls when left out
 */
export interface Variant {
  readonly name: string;
  readonly of: string;
  readonly nodeFlags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly under: readonly string[];
  /** This checkout when absent. */
  readonly dir?: string;
}

const OF = 'custody-tls';
const VARIABLE = /^[A-Z_][A-Z0-9_]*=/;
const WORD = /^(?:-|[A-Z_][A-Z0-9_]*=|(?:arg|under|dir|DIR|of):)/;

/** Throws when it is not written like that. */
export function parseVariant(text: string): Variant {
  const [, name, rest] = /^([a-z0-9-]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined)
    throw new Error(`--variant ${text}: NAME=WORD …, the name of small letters, digits and -`);
  const words = rest!.split(/\s+/).filter(Boolean);
  const after = (prefix: string): string[] =>
    words.filter((word) => word.toLowerCase().startsWith(prefix)).map((word) => word.slice(prefix.length));
  const unknown = words.find((word) => !WORD.test(word));
  if (unknown !== undefined) throw new Error(`--variant ${name}: what is ${unknown}?`);
  const variables = words.filter((word) => VARIABLE.test(word));
  const [dir] = after('dir:');
  const of = after('of:')[0] ?? OF;
  return {
    name: `${of}+${name}`,
    of,
    nodeFlags: words.filter((word) => word.startsWith('-')),
    environment: Object.fromEntries(
      variables.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
    ),
    args: after('arg:'),
    under: after('under:'),
    ...(dir === undefined ? {} : { dir }),
  };
}

/** What is different in it. Of another checkout only that it is one: where it lies means nothing elsewhere. */
export function variantText({ nodeFlags, environment, args, under, dir }: Variant): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return [
    ...under,
    ...variables,
    ...nodeFlags,
    ...args,
    ...(dir === undefined ? [] : ['another checkout']),
  ].join(' ');
}
