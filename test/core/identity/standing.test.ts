import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import type { Principal } from '#core/identity/principal.ts';
import { anyStanding, type Ending, type Standing, standingVerifier } from '#core/identity/standing.ts';

const who = (subject: string): Principal => ({
  issuer: 'https://id.example',
  subject,
  groups: [],
  expiresAt: new Date(0),
});
const ending = (message: string): Ending => ({
  reason: 'revoked',
  error: new CustodyError('access-revoked', message),
});
const sendsAway = (subject: string, message: string): Standing => ({
  over: async (people) => people.map((one) => (one.subject === subject ? ending(message) : undefined)),
});
const blind: Standing = { over: () => Promise.reject(new Error('cannot see')) };

describe('standing', () => {
  it('is lost where one of several says so, the first in its words', async () => {
    const any = anyStanding(sendsAway('dana', 'a'), sendsAway('eve', 'b'), sendsAway('dana', 'c'));
    const endings = await any.over([who('eve'), who('rui'), who('dana')]);
    expect(endings.map((one) => one?.error.message)).toEqual(['b', undefined, 'a']);
  });

  it('is not known where one of several cannot tell', async () => {
    await expect(anyStanding(sendsAway('dana', 'a'), blind).over([who('dana')])).rejects.toThrow(
      'cannot see',
    );
  });

  it('refuses a token that is good otherwise, and asks for no other', async () => {
    const verifier = {
      verify: async (token: string) => {
        if (token === 'bad') throw new CustodyError('token-invalid', 'bad');
        return who(token);
      },
    };
    const careful = standingVerifier(verifier, sendsAway('dana', 'log in again'));
    expect(await careful.verify('rui')).toEqual(who('rui'));
    await expect(careful.verify('dana')).rejects.toMatchObject({ message: 'log in again' });
    const unseeing = standingVerifier(verifier, blind);
    await expect(unseeing.verify('bad')).rejects.toMatchObject({ code: 'token-invalid' });
    await expect(unseeing.verify('rui')).rejects.toThrow('cannot see');
  });
});
