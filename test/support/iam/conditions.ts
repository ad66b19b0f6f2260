import { BlockList, isIPv6 } from 'node:net';
import { type Context, filledIn, isLike, isLikeArn } from './patterns.ts';

export type Conditions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Whether all conditions of a statement hold for what a call is made with. */
export function holdAll(conditions: Conditions, context: Context): boolean {
  return Object.entries(conditions).every(([operator, keys]) =>
    Object.entries(keys).every(([key, values]) =>
      holds(operator, context.get(key.toLowerCase()), textsOf(values), context),
    ),
  );
}

function textsOf(values: unknown): string[] {
  return [values].flat().map(String);
}

/**
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html and, of sets,
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
 */
function holds(
  operator: string,
  found: readonly string[] | undefined,
  wanted: readonly string[],
  context: Context,
): boolean {
  if (operator === 'Null') return (found === undefined || found.length === 0) === (wanted[0] === 'true');
  const [, quantifier, name, ifExists] = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(
    operator,
  )!;
  const one = comparison(name!, wanted, context);
  if (quantifier === 'ForAllValues') return (found ?? []).every(one);
  if (found === undefined) return ifExists !== undefined || (quantifier === undefined && isNegated(name!));
  if (quantifier === 'ForAnyValue') return found.some(one);
  // Without a quantifier, a key with several values is asked of nothing: such a policy means something else than it says.
  if (found.length > 1)
    throw new Error(`${operator} is for a key with one value, found ${found.join(' and ')}`);
  return found.every(one);
}

/** A negated operator holds where the key is not there. */
function isNegated(name: string): boolean {
  return /Not(?:Equals|Like|IpAddress)/.test(name) || name === 'NotIpAddress';
}

/** How a value is compared: to all that are wanted where the operator is negated, to any else. */
function comparison(name: string, wanted: readonly string[], context: Context): (value: string) => boolean {
  const negated = isNegated(name);
  const compare = COMPARISONS[negated ? name.replace('Not', '') : name];
  if (compare === undefined) throw new Error(`this judge does not know the operator ${name}`);
  const filled = wanted.map((text) => filledIn(text, context)).filter((text) => text !== undefined);
  return (value) => filled.some((text) => compare(value, text)) !== negated;
}

type Comparison = (found: string, wanted: string) => boolean;

const equal: Comparison = (found, wanted) => found === wanted;
const alike: Comparison = (found, wanted) => isLikeArn(wanted, found);
const numbers =
  (compare: (found: number, wanted: number) => boolean): Comparison =>
  (found, wanted) =>
    compare(Number(found), Number(wanted));
const dates =
  (compare: (found: number, wanted: number) => boolean): Comparison =>
  (found, wanted) =>
    compare(timeOf(found), timeOf(wanted));

const ORDERS = {
  Equals: (found: number, wanted: number) => found === wanted,
  LessThan: (found: number, wanted: number) => found < wanted,
  LessThanEquals: (found: number, wanted: number) => found <= wanted,
  GreaterThan: (found: number, wanted: number) => found > wanted,
  GreaterThanEquals: (found: number, wanted: number) => found >= wanted,
};

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  StringEquals: (found, wanted) => isLike(escaped(wanted), found),
  StringEqualsIgnoreCase: (found, wanted) => isLike(escaped(wanted), found, 'folded'),
  StringLike: (found, wanted) => isLike(wanted, found),
  Bool: (found, wanted) => found.toLowerCase() === wanted.toLowerCase(),
  BinaryEquals: equal,
  // AWS: both are the same.
  ArnEquals: alike,
  ArnLike: alike,
  IpAddress: isWithin,
  ...Object.fromEntries(
    Object.entries(ORDERS).map(([name, compare]) => [`Numeric${name}`, numbers(compare)]),
  ),
  ...Object.fromEntries(Object.entries(ORDERS).map(([name, compare]) => [`Date${name}`, dates(compare)])),
};

/** Where wildcards are characters as any other. */
function escaped(text: string): string {
  return text.replaceAll('*', '\uE000').replaceAll('?', '\uE001');
}

/** ISO 8601, or seconds. */
function timeOf(text: string): number {
  return /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}

function isWithin(address: string, network: string): boolean {
  const [start, bits] = network.split('/');
  const family = isIPv6(start!) ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  list.addSubnet(start!, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family);
  return isIPv6(address) === (family === 'ipv6') && list.check(address, family);
}
