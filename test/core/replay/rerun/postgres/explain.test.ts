import { describe, expect, it } from 'vitest';
import { areAlikeButMoments } from '#core/replay/rerun/postgres/explain.ts';

const HOUR = 3_600_000;
const at = (time: string) => ({ from: Date.parse(time), to: Date.parse(time) + 1_000 });
const moments = { recorded: at('2026-11-29T15:12:44Z'), rerun: at('2026-11-30T09:00:00Z') };
const refused = (time: string) => `ERROR 23514 new row (Failing row contains (5, -1.00, ${time}).)`;

describe('two errors', () => {
  it('are alike where only the moments of their own sessions differ, that a default wrote', () => {
    const [was, is] = [refused('2026-11-29 15:12:44.700825+00'), refused('2026-11-30 10:00:00.2+01')];
    expect(areAlikeButMoments(was, is, moments)).toBe(true);
    expect(areAlikeButMoments(refused('2026-11-29 15:12:44'), refused('2026-11-30 09:00:00'), moments)).toBe(
      true,
    );
  });

  it('are not alike where a time is of the data, or where anything else differs', () => {
    const was = refused('2026-11-29 15:12:44.7+00');
    expect(areAlikeButMoments(was, refused('2026-01-05 08:00:00+00'), moments)).toBe(false);
    expect(areAlikeButMoments(refused('2026-01-05 08:00:00+00'), was, moments)).toBe(false);
    expect(areAlikeButMoments(was, refused('2026-11-30 09:00:00+00').replace('5,', '6,'), moments)).toBe(
      false,
    );
    const late = { ...moments, rerun: { from: moments.rerun.from + HOUR, to: moments.rerun.to + HOUR } };
    expect(areAlikeButMoments(was, refused('2026-11-30 09:00:00+00'), late)).toBe(false);
  });
});
