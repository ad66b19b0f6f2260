import { describe, expect, it } from 'vitest';
import type { CertificateBook, IssuedCertificate } from '#core/access/ssh-certificates/book.ts';
import type { Given } from './given.ts';

const START = Date.parse('2026-11-29T09:00:00.000Z');
const DANA = { issuer: 'https://id.example', subject: 'dana' };
const EVE = { issuer: 'https://id.example', subject: 'eve' };

const issued = (
  serial: string,
  seconds: number,
  person: IssuedCertificate['person'] = DANA,
): IssuedCertificate => ({
  serial,
  key: 'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU',
  keyId: person.subject,
  person,
  issuedAt: new Date(START + seconds * 1000),
  expiresAt: new Date(START + 3_600_000),
});

export function certificateBookContract(name: string, make: () => Given<CertificateBook>): void {
  describe(`${name} keeps certificates that were issued`, () => {
    it('and finds each by its number, whole', async () => {
      const book = await make();
      const whole = {
        ...issued('18446744073709551615', 1, { ...DANA, email: 'dana@example.com', actors: [EVE] }),
        target: 'web-1',
        sourceAddress: '10.0.0.0/8',
        forceCommand: 'echo "ü"',
      };
      await book.keep(whole);
      await book.keep(issued('2', 1));
      expect(await book.find('18446744073709551615')).toEqual(whole);
      expect(await book.find('2')).toEqual(issued('2', 1));
      expect(await book.find('3')).toBeUndefined();
    });

    it('lists those of an account, newest first, page by page', async () => {
      const book = await make();
      const own = [issued('10', 1), issued('9', 2), issued('30', 2), issued('4', 3), issued('5', 4)];
      for (const one of [...own, issued('6', 2, EVE), issued('7', 2, { ...DANA, issuer: 'https://other' })])
        await book.keep(one);
      const seen: string[] = [];
      for (let cursor: string | undefined, pages = 0; pages < 9; pages += 1) {
        const page = await book.of(DANA, { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
        expect(page.certificates.length).toBeLessThanOrEqual(2);
        seen.push(...page.certificates.map(({ serial }) => serial));
        cursor = page.next;
        if (cursor === undefined) break;
      }
      expect(seen).toEqual(['5', '4', '9', '30', '10']);
      expect((await book.of(EVE, { limit: 5 })).certificates.map(({ serial }) => serial)).toEqual(['6']);
      expect(await book.of({ ...EVE, subject: 'rui' }, { limit: 5 })).toEqual({ certificates: [] });
    });

    it('says that there is no more where a page is just full', async () => {
      const book = await make();
      await book.keep(issued('1', 1));
      await book.keep(issued('2', 2));
      expect(await book.of(DANA, { limit: 2 })).not.toHaveProperty('next');
    });
  });
}
