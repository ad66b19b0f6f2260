import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';

function scimOf(written: string) {
  const text = `version: 1\nidentity: { issuer: https://id.example, audience: custody, scim: ${written} }\ntargets: {}\n`;
  return parseConfig(text, 'custody.yaml').issuers[0]!.scim;
}

describe('scim of an issuer', () => {
  it('is a secret and little else', () => {
    const defaults = { userClaim: 'sub', groups: 'deactivate-only', unknown: 'allow' };
    expect(scimOf('{ tokenFile: secrets/scim }')).toEqual({ tokenFile: 'secrets/scim', ...defaults });
    expect(scimOf('{ secret: custody/scim }')).toEqual({ secret: 'custody/scim', ...defaults });
    const all = '{ secret: a, userClaim: oid, groups: also-as-groups, unknown: deny }';
    expect(scimOf(all)).toEqual({ secret: 'a', userClaim: 'oid', groups: 'also-as-groups', unknown: 'deny' });
  });

  it.each([
    '{}',
    '{ tokenFile: a, secret: b }',
    '{ tokenFile: a, unknown: ask }',
    '{ tokenFile: a, token: b }',
  ])('is refused with its place: %s', (written) => {
    expect(() => scimOf(written)).toThrow(/custody\.yaml:2:\d+: identity\.scim/);
  });
});
