import type { AskedLimits } from '../descriptors.ts';

/** Which of how many processes: the first is 1. */
export interface PlaceAmong {
  readonly number: number;
  readonly of: number;
}

/**
 * Of what all processes of a gateway may have together, how much one may. Those of all are the whole; but each has one at least, so
 * that a process that is there can do something.
 */
export function shareOf(whole: number, { number, of }: PlaceAmong): number {
  const even = Math.floor(whole / of);
  return Math.max(1, number <= whole % of ? even + 1 : even);
}

/** Descriptors are each process's own: what nobody asked for stays what they allow. */
export function limitsShare(asked: AskedLimits, usual: AskedLimits, place: PlaceAmong): AskedLimits {
  const share = (name: keyof AskedLimits): number | undefined => {
    const whole = asked[name] ?? usual[name];
    return whole === undefined ? undefined : shareOf(whole, place);
  };
  return { sessions: share('sessions'), peers: share('peers'), perAddress: share('perAddress') };
}
