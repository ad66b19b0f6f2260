import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LocalEvidenceLinks } from '#adapters/local/evidence-links.ts';
import { newSessionId } from '#core/recording/session-id.ts';

const NOW = new Date('2026-11-23T09:00:00.000Z').getTime();
const SECRET = new Uint8Array(32).fill(7);
const [A, B] = [newSessionId(NOW, new Uint8Array(10)), newSessionId(NOW + 1, new Uint8Array(10))];
const KEY = `sessions/${A}/00000000.seg`;

function at(ms: number, secret = SECRET): LocalEvidenceLinks {
  return new LocalEvidenceLinks('http://127.0.0.1:7402', secret, () => new Date(ms));
}

async function link(key = KEY): Promise<URL> {
  return new URL(await at(NOW).linkTo(key));
}

/** The link, with its text changed. */
async function changed(change: (href: string) => string, key = KEY): Promise<string | undefined> {
  return at(NOW).keyOf(new URL(change((await link(key)).href)));
}

describe('a link to evidence', () => {
  it.each(['open.json', 'open.json.sig', 'close.json', 'close.json.sig', '00000000.seg', '12345678.seg'])(
    'gives out %s',
    async (name) => {
      const key = `sessions/${A}/${name}`;
      expect(at(NOW).keyOf(await link(key))).toBe(key);
    },
  );

  it('lives for a minute (security case 12)', async () => {
    const url = await link();
    expect(at(NOW + 59_999).keyOf(url)).toBe(KEY);
    expect(at(NOW + 60_000).keyOf(url)).toBeUndefined();
  });

  it('is worth nothing to another server, or after a restart', async () => {
    expect(at(NOW, new Uint8Array(32).fill(8)).keyOf(await link())).toBeUndefined();
  });

  it.each<[what: string, change: (href: string) => string]>([
    ['to another session', (href) => href.replace(A, B)],
    ['to another object', (href) => href.replace('00000000.seg', '00000001.seg')],
    ['to a later end', (href) => href.replace(/expires=\d+/, `expires=${NOW + 90_000}`)],
    ['to an end without end', (href) => href.replace(/expires=\d+/, 'expires=Infinity')],
    ['to the same end, written otherwise', (href) => href.replace('expires=', 'expires=0')],
    ['to no end', (href) => href.replace(/expires=\d+&/, '')],
    ['to no signature', (href) => href.replace(/&sig=.*/, '')],
    ['to an empty signature', (href) => href.replace(/&sig=.*/, '&sig=')],
    ['to half a signature', (href) => href.slice(0, -32)],
    ['to a longer signature', (href) => `${href}00`],
    [
      'to a signature of capitals',
      (href) => href.replace(/[0-9a-f]+$/, (hex) => `${hex.slice(0, -1).toUpperCase()}A`),
    ],
    ['by a slash', (href) => href.replace('/objects/', '/objects//')],
    ['by a folder', (href) => href.replace('/objects/', '/objects/x/')],
    ['by a way round', (href) => href.replace('sessions/', 'sessions/%2e%2e%2fsessions/')],
    ['by an end of text', (href) => href.replace('.seg', '.seg%00')],
    ['to another path', (href) => href.replace('/objects/', '/object/')],
  ])('holds no longer when changed %s (security cases 7, 14)', async (_what, change) => {
    expect(await changed(change)).toBeUndefined();
  });

  it('does not lend its signature to another (security cases 7, 14)', async () => {
    const other = await link(`sessions/${B}/00000000.seg`);
    const mine = await link();
    mine.search = other.search;
    expect(at(NOW).keyOf(mine)).toBeUndefined();
  });

  it.each([
    'custody.yaml',
    '../custody.yaml',
    `sessions/${A}/../../signer.key`,
    `sessions/${A}/x/open.json`,
    `sessions/${A}/`,
    `sessions/${A}`,
    `sessions/${A}/extra.bin`,
    `sessions/${A}/1.seg`,
    `sessions/${A}/signer.pem`,
    'sessions/../open.json',
    'sessions/------------------------------------/open.json',
    `journal/${A}/open.json`,
    `sessions/${A}/open.json\n`,
    '/etc/passwd',
    '',
  ])('serves nothing but evidence, even with a genuine signature: %j (security case 10)', async (key) => {
    expect(at(NOW).keyOf(await link(key))).toBeUndefined();
  });

  it('is never taken from any other text', () => {
    fc.assert(
      fc.property(fc.webPath(), fc.string(), fc.string(), (path, expires, sig) => {
        const url = new URL(`http://127.0.0.1/objects/${path}`);
        url.searchParams.set('expires', expires);
        url.searchParams.set('sig', sig);
        expect(at(NOW).keyOf(url)).toBeUndefined();
      }),
    );
  });
});
