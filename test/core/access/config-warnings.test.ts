import { describe, expect, it } from 'vitest';
import { configWarnings } from '#core/access/config-warnings.ts';

const rule = (allow: readonly string[], device: string) =>
  ({ name: 'look', allow, when: { device } }) as never;

describe('a rule for devices that no device can satisfy', () => {
  it.each(['registered', 'verified'])('is warned of where it only gives what the API does: %s', (device) => {
    const [warning, ...others] = configWarnings({ issuers: [], rules: [rule(['replay', 'export'], device)] });
    expect(warning).toMatch(/^rules\.0\.when\.device: the rule look never allows anything/);
    expect(others).toEqual([]);
  });

  it('is not where it lets somebody connect, or where the token has the device', () => {
    const rules = [rule(['connect', 'replay'], 'registered'), rule(['replay'], 'bound')];
    expect(configWarnings({ issuers: [], rules })).toEqual([]);
  });
});
