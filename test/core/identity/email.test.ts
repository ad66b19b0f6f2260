import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sameEmail } from '#core/access/person.ts';
import { canonicalEmail, plainEmail } from '#core/identity/email.ts';

const DANA = 'dana@example.com';
/** Each by its number, so that they can be seen here. */
const UNSEEN = [
  ...[0x00, 0x07, 0x09, 0x0a, 0x20, 0x7f, 0x85, 0xa0, 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x1680, 0x17b4],
  ...[0x180b, 0x180e, 0x2000, 0x200b, 0x200c, 0x200d, 0x200e, 0x2028, 0x202e, 0x202f, 0x2060, 0x2064, 0x2066],
  ...[0x206f, 0x2800, 0x3000, 0x3164, 0xd800, 0xe000, 0xfe0f, 0xfeff, 0xffa0, 0xfff9, 0x16fe4, 0x1bca0],
  ...[0x1d173, 0xe0001, 0xe0020, 0xe0100, 0xf0000],
].map((code) => String.fromCodePoint(code));

describe('an e-mail address (security case 11)', () => {
  it.each([
    ['Dana@Example.COM', 'letter case'],
    [` ${DANA}\n`, 'blanks around it'],
    [`\u3000${DANA}\ufeff`, 'wide blanks around it'],
    ['ｄａｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ', 'full-width forms'],
    ['𝐝𝐚𝐧𝐚@example.com', 'mathematical letters'],
    [`${DANA}.`, 'a dot that ends the domain'],
    ['dana@example。com', 'a full stop of another script'],
  ])('%j is the same: %s', (written) => {
    expect(plainEmail(written)).toBe(DANA);
    expect(sameEmail(written, DANA)).toBe(true);
  });

  it.each([
    ['dana@bücher.example', 'dana@xn--bcher-kva.example'],
    ['DANA@BÜCHER.EXAMPLE', 'dana@xn--bcher-kva.example'],
    ['straße@example.com', 'straße@example.com'],
    ['STRAẞE@example.com', 'straße@example.com'],
    ['ΟΔΟΣ@example.com', 'οδοσ@example.com'],
    ['οδος@example.com', 'οδοσ@example.com'],
    [
      '49699333+dependabot[bot]@users.noreply.github.com',
      '49699333+dependabot[bot]@users.noreply.github.com',
    ],
    ['dana@localhost', 'dana@localhost'],
    ['josé@example.com', 'josé@example.com'],
  ])('%s is held as %s', (written, form) => {
    expect(plainEmail(written)).toBe(form);
  });

  it.each(UNSEEN)('with a character that cannot be seen is refused, and counts as the same: %j', (unseen) => {
    for (const at of [1, 4, 5, 9]) {
      const written = DANA.slice(0, at) + unseen + DANA.slice(at);
      expect(plainEmail(written)).toBeUndefined();
      expect(sameEmail(written, DANA)).toBe(true);
    }
    for (const written of [`${unseen}${DANA}`, `${DANA}${unseen}`]) {
      expect([undefined, DANA]).toContain(plainEmail(written));
      expect(sameEmail(written, DANA)).toBe(true);
    }
  });

  it.each([
    '',
    ' ',
    '@',
    'dana',
    'dana@',
    '@example.com',
    'dana@eve@example.com',
    '"dana"@example.com',
    'Dana <dana@example.com>',
    'dana(x)@example.com',
    'dana@[192.0.2.1]',
    'dana@example..com',
    'dana@exa mple.com',
    'da\\na@example.com',
    `${'d'.repeat(65)}@example.com`,
    '\u00a8@example.com',
  ])('%j is none that everybody reads alike', (written) => {
    expect(plainEmail(written)).toBeUndefined();
  });

  it.each([
    ['dınçer@example.com', 'dinçer@example.com'],
    ['DİNÇER@EXAMPLE.COM', 'dinçer@example.com'],
    ['di\u0307nçer@example.com', 'dinçer@example.com'],
    ['D\u0307jJ\u0307o@example.com', 'd\u0307jjo@example.com'],
  ])('%s is not held as what another language makes of it, and counts as the same', (written, other) => {
    expect(plainEmail(written)).toBeUndefined();
    expect(sameEmail(written, other)).toBe(true);
    expect(plainEmail(other)).toBeDefined();
  });

  it('in quotes that say nothing is the same', () => {
    expect(sameEmail('"dana"@example.com', DANA)).toBe(true);
    expect(sameEmail('"d\\ana"@example.com', DANA)).toBe(true);
  });

  it.each(['dana+x@example.com', 'd.ana@example.com', 'dana@example.org', 'dаna@example.com'])(
    '%s is another mailbox',
    (written) => expect(sameEmail(written, DANA)).toBe(false),
  );

  const text = fc.string({ unit: 'binary', maxLength: 20 });
  const address = fc.oneof(
    text,
    fc.emailAddress(),
    fc.tuple(text, text).map((parts) => parts.join('@')),
  );

  it('has one form: that of the form is itself, and it is refused or held in it', () => {
    fc.assert(
      fc.property(address, (written) => {
        const form = canonicalEmail(written);
        expect(canonicalEmail(form)).toBe(form);
        expect([undefined, form]).toContain(plainEmail(written));
        expect(plainEmail(written) === undefined || plainEmail(form) === form).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is the same however blanks, letter case and unseen characters are put into it', () => {
    const put = fc.array(fc.tuple(fc.nat(60), fc.constantFrom(...UNSEEN)));
    fc.assert(
      fc.property(fc.emailAddress(), put, fc.boolean(), (email, unseen, upper) => {
        const letters = Array.from(upper ? email.toUpperCase() : email);
        for (const [at, one] of unseen) letters.splice(at, 0, one);
        const written = letters.join('');
        expect(sameEmail(written, email)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
