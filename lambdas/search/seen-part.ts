const NUMBERS_MAX = 12;

/** What of a session a page of a search shows, as the ledger says it: `step 12, by a search`. */
export function seenPart(steps: readonly number[]): string {
  const told = steps.slice(0, NUMBERS_MAX).join(' ');
  const more = steps.length > NUMBERS_MAX ? ` and ${steps.length - NUMBERS_MAX} more` : '';
  return `${steps.length === 1 ? 'step' : 'steps'} ${told}${more}, by a search`;
}
