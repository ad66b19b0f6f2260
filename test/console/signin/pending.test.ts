import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keepPending, pathWithin, takePending } from '../../../console/signin/pending.ts';

const ORIGIN = 'https://custody.example';

describe('the way back', () => {
  test.each([
    '/',
    '/requests',
    '/sessions?q=a%20b&target=x',
    '/sessions/019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f/proof',
  ])('to %s is as it was', (path) => {
    expect(pathWithin(ORIGIN, path)).toBe(path);
  });

  test.each([
    '//evil.example',
    '//evil.example/requests',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    '/.//evil.example',
    '/callback?code=x',
    '',
  ])('to %j is to the first page (security case 19)', (path) => {
    expect(pathWithin(ORIGIN, path)).toBe('/');
  });

  test('never leaves, whatever is asked for', () => {
    const pieces = fc.constantFrom(
      '/',
      '\\',
      '.',
      '..',
      '\t',
      '\n',
      'evil.example',
      '@',
      ':',
      'https:',
      '?',
      '#',
      'a',
    );
    fc.assert(
      fc.property(
        fc.array(pieces).map((all) => all.join('')),
        (path) => {
          const back = pathWithin(ORIGIN, path);
          expect(new URL(back, ORIGIN).origin).toBe(ORIGIN);
          expect(back).toMatch(/^\/(?![/\\])/);
        },
      ),
    );
  });
});

describe('what is kept for the way back', () => {
  const PENDING = { issuer: 'people', clientId: 'c', state: 's', nonce: 'n', verifier: 'v', back: '/runs' };
  const storage = (): Storage & { all: Map<string, string> } => {
    const all = new Map<string, string>();
    return {
      all,
      getItem: (name: string) => all.get(name) ?? null,
      setItem: (name: string, text: string) => void all.set(name, text),
      removeItem: (name: string) => void all.delete(name),
    } as never;
  };

  test('is taken once', () => {
    const kept = storage();
    keepPending(kept, PENDING);
    expect([takePending(kept), takePending(kept)]).toEqual([PENDING, undefined]);
  });

  test('is nothing where a part of it is missing', () => {
    const kept = storage();
    kept.setItem('custody-pending', JSON.stringify({ ...PENDING, verifier: undefined }));
    expect(takePending(kept)).toBeUndefined();
    expect(kept.all.size).toBe(0);
  });
});
