/** What a call is made with, by the key's name in small letters: IAM does not tell capitals in names of keys. */
export type Context = ReadonlyMap<string, readonly string[]>;

export type Keys = Readonly<Record<string, string | readonly string[]>>;

export function contextOf(...several: readonly Keys[]): Context {
  const entries = several.flatMap((keys) => Object.entries(keys));
  return new Map(entries.map(([key, value]) => [key.toLowerCase(), [value].flat()]));
}

/** A character that a variable's value had, which is then no wildcard. */
const LITERAL: Readonly<Record<string, string>> = { '*': '\uE000', '?': '\uE001' };

/**
 * A text of a policy with its variables filled in; undefined where one has no single value: then it is like nothing.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
export function filledIn(text: string, context: Context): string | undefined {
  let known = true;
  const filled = text.replaceAll(/\$\{([^}]*)\}/g, (_whole, inside: string) => {
    if (inside === '$') return '$';
    if (inside in LITERAL) return LITERAL[inside]!;
    const [, key, fallback] = /^([^,]+?)\s*(?:,\s*'([^']*)')?$/.exec(inside) ?? [];
    const values = context.get(key?.toLowerCase() ?? '');
    const value = values?.length === 1 ? values[0] : fallback;
    known &&= value !== undefined;
    return (value ?? '').replaceAll(/[*?]/g, (one) => LITERAL[one]!);
  });
  return known ? filled : undefined;
}

const patterns = { exact: '', folded: 'i' } as const;

/** Whether `*` and `?` of a pattern can stand for what makes it the text. */
export function isLike(pattern: string, text: string, capitals: keyof typeof patterns = 'exact'): boolean {
  if (!/[*?\uE000\uE001]/.test(pattern)) {
    return capitals === 'exact' ? pattern === text : pattern.toLowerCase() === text.toLowerCase();
  }
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
    .replaceAll('\uE000', '\\*')
    .replaceAll('\uE001', '\\?');
  return new RegExp(`^${source}$`, `s${patterns[capitals]}`).test(text);
}

/** Each of the six parts of an ARN by itself. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN */
export function isLikeArn(pattern: string, arn: string): boolean {
  if (pattern === '*') return true;
  const [wanted, found] = [partsOf(pattern), partsOf(arn)];
  return wanted.length === found.length && wanted.every((part, at) => isLike(part, found[at]!));
}

function partsOf(arn: string): string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), ...(parts.length > 5 ? [parts.slice(5).join(':')] : [])];
}
