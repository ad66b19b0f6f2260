import { describe, expect, test } from 'vitest';
import { checkListing } from '#core/recording/verify/listing.ts';

describe('a listing of evidence', () => {
  test('may hold every name of FORMAT.md, at its greatest size', () => {
    const statements = ['open.json', 'close.json'].map((name) => ({ name, size: 4352 }));
    const names = ['open.json.sig', 'close.json.sig', 'signer.pem'];
    const small = [...statements, ...names.map((name) => ({ name, size: 4096 }))];
    const segments = ['00000000.seg', '99999999.seg'].map((name) => ({ name, size: 64 << 20 }));
    expect(() => checkListing([...small, ...segments])).not.toThrow();
  });

  // Security cases 9 and 10 turned round: a server must not write where it likes on the auditor's machine.
  test.each([
    ['../escaped'],
    ['/etc/passwd'],
    ['sub/open.json'],
    ['..'],
    ['.'],
    [''],
    ['.bashrc'],
    ['00000000.seg/../../escaped'],
    ['..\\escaped'],
    ['open.json\u0000'],
    ['open.json\n'],
    ['00000000.seg\n'],
    ['\u001b[2Jopen.json'],
    ['OPEN.JSON'],
    ['0000000.seg'],
  ])('with the name %j is refused', (name) => {
    expect(() => checkListing([{ name, size: 4 }])).toThrow('is not a name of an evidence file');
  });

  test('with a name twice is refused', () => {
    const twice = { name: 'open.json', size: 4 };
    expect(() => checkListing([twice, twice])).toThrow('is listed twice');
  });

  test('with a name of an earlier page is refused', () => {
    const seen = new Set<string>();
    const again = { name: 'open.json', size: 4 };
    checkListing([again], seen);
    expect(() => checkListing([again], seen)).toThrow('is listed twice');
  });

  // Security case 21.
  test('of more objects than a session has is refused', () => {
    const seen = { has: () => false, add: () => undefined, size: 1_000_000 } as unknown as Set<string>;
    const one = { name: 'open.json', size: 4 };
    expect(() => checkListing([one], seen)).toThrow('more than 1000000 objects');
  });

  // Security case 21.
  test.each([
    ['open.json', 4353],
    ['close.json.sig', 1 << 20],
    ['00000000.seg', 1 << 30],
  ])('with %s of %i bytes is refused', (name, size) => {
    expect(() => checkListing([{ name, size }])).toThrow(`would have ${size} bytes`);
  });
});
