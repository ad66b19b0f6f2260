type Json = Readonly<Record<string, unknown>>;

/**
 * Whether EventBridge would run a rule with this pattern for an event, as AWS documents it; an operator that the stack does not use
 * throws. Its vectors are AWS's own examples.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export function eventMatches(pattern: Json, event: unknown): boolean {
  return Object.entries(pattern).every(([field, wanted]) => {
    if (field === '$or') return (wanted as Json[]).some((one) => eventMatches(one, event));
    const found = valuesAt(event, field);
    if (!Array.isArray(wanted))
      return (
        found.some((value) => eventMatches(wanted as Json, value)) ||
        (found.length === 0 && eventMatches(wanted as Json, undefined))
      );
    return wanted.some((one) => holds(one, found));
  });
}

/** What an event has under a name; an array in an event counts as each of what is in it. */
function valuesAt(event: unknown, field: string): unknown[] {
  const holders = [event].flat().filter((one): one is Json => typeof one === 'object' && one !== null);
  return holders.flatMap((holder) => (Object.hasOwn(holder, field) ? [holder[field]].flat() : []));
}

function holds(wanted: unknown, found: readonly unknown[]): boolean {
  if (typeof wanted !== 'object' || wanted === null) return found.includes(wanted);
  const [[operator, value]] = Object.entries(wanted) as [[string, unknown]];
  const texts = found.filter((one): one is string => typeof one === 'string');
  switch (operator) {
    case 'exists':
      return found.length > 0 === value;
    case 'prefix':
      return texts.some((text) => text.startsWith(String(value)));
    case 'suffix':
      return texts.some((text) => text.endsWith(String(value)));
    case 'wildcard':
      return texts.some((text) => wildcard(String(value)).test(text));
    // A field that is not there is no other value.
    case 'anything-but':
      return found.some((one) => ![value].flat().includes(one));
    default:
      throw new Error(`this judge does not know the operator ${operator}`);
  }
}

function wildcard(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.?+^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
