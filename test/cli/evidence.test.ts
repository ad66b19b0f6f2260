import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SESSION } from '#test/support/evidence-builder.ts';
import {
  custody,
  environment,
  evidenceOf,
  type FakeApi,
  fakeApi,
  type PagedAnswer,
  serveEvidence,
  temporary,
  VECTORS,
  vector,
} from './support.ts';

const SIGNER = join(VECTORS, 'trusted-signer.pem');

async function servedVector(name = 'three-segments'): Promise<FakeApi> {
  const api = await fakeApi(readFileSync(SIGNER, 'utf8'));
  serveEvidence(api, vector(name));
  return api;
}

describe('verify', () => {
  test.each([
    ['three-segments', ['--key', SIGNER], 0, 'VERIFIED'],
    ['recovered', ['--key', SIGNER], 0, 'VERIFIED'],
    ['three-segments', [], 3, 'UNANCHORED'],
    ['unsealed', ['--key', SIGNER], 4, 'INCOMPLETE'],
  ])('%s with %j ends with %i and says %s last', async (name, args, code, word) => {
    const ran = await custody(['verify', join(VECTORS, name), ...args]);
    expect(ran.stdout.trimEnd().split('\n').at(-1)).toMatch(new RegExp(`^${word} `));
    expect(ran.code).toBe(code);
  });

  test('an altered byte ends with 1 and a line that names it', async () => {
    const folder = temporary();
    for (const [name, bytes] of vector('three-segments')) writeFileSync(join(folder, name), bytes);
    const segment = readFileSync(join(folder, '00000001.seg'));
    segment[20]! ^= 1;
    writeFileSync(join(folder, '00000001.seg'), segment);
    const ran = await custody(['verify', folder, '--key', SIGNER]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/^finding .*00000001\.seg/m);
    expect(ran.stdout).toMatch(/^FAILED /m);
    expect(ran.stdout).not.toMatch(/^complete /m);
  });

  test('another signer than the trusted one ends with 1', async () => {
    const { files } = evidenceOf([{ timeUs: 1, payload: Buffer.from('x') }]);
    const folder = temporary();
    for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
    expect((await custody(['verify', folder, '--key', SIGNER])).code).toBe(1);
  });

  test('a session is fetched and checked against the id that was asked for', async () => {
    const api = await servedVector();
    const other = '019aaf3e-6d1c-7a61-9f43-000000000000';
    serveEvidence(api, vector('three-segments'), other);
    const env = environment(api);
    expect(await custody(['verify', SESSION], { env })).toMatchObject({ code: 0 });
    const swapped = await custody(['verify', other, '--json'], { env });
    expect(swapped.code).toBe(1);
    expect(JSON.parse(swapped.stdout).findings).toContainEqual(
      expect.objectContaining({ code: 'session-mismatch' }),
    );
  });

  test.each([
    [['verify', '/nonexistent/folder']],
    [['verify', join(VECTORS, 'empty'), '--key', '/nonexistent.pem']],
    [['verify']],
    [['verify', join(VECTORS, 'empty'), '--unknown']],
  ])('%j cannot be checked: 2, with a reason and no stack', async (args) => {
    const ran = await custody(args);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/^(custody|error): .+/);
    expect(ran.stderr).not.toMatch(/^ +at /m);
  });
});

describe('pull', () => {
  test('writes a folder that verifies offline under the pinned key', async () => {
    const env = environment(await servedVector());
    const out = join(temporary(), 'evidence');
    const pulled = await custody(['pull', SESSION, '--out', out], { env });
    expect(pulled).toMatchObject({ code: 0, stdout: '' });
    expect(readdirSync(out).sort()).toEqual([...vector('three-segments').keys()].sort());
    const offline = { CUSTODY_HOME: env.CUSTODY_HOME };
    expect(await custody(['verify', out], { env: offline })).toMatchObject({ code: 0 });
  });

  test('adds signer.pem where the server lists none', async () => {
    const api = await fakeApi(readFileSync(SIGNER, 'utf8'));
    const files = vector('three-segments');
    files.delete('signer.pem');
    serveEvidence(api, files);
    const out = join(temporary(), 'evidence');
    await custody(['pull', SESSION, '--out', out], { env: environment(api) });
    expect((await custody(['verify', out, '--key', SIGNER])).code).toBe(0);
  });

  test('refuses a folder that holds something, and leaves it as it was', async () => {
    const env = environment(await servedVector());
    const out = temporary();
    writeFileSync(join(out, 'mine.txt'), 'mine');
    const ran = await custody(['pull', SESSION, '--out', out], { env });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/is not empty\nhint: /);
    expect(readdirSync(out)).toEqual(['mine.txt']);
  });

  test('sends the token to the API and never to the objects', async () => {
    const api = await servedVector();
    const env = environment(api);
    await custody(['pull', SESSION, '--out', join(temporary(), 'evidence')], { env });
    const withToken = api.requests.filter(({ authorization }) => authorization !== undefined);
    const ledger = EVIDENCE.replace('evidence', 'ledger');
    expect(withToken.map(({ path }) => path)).toEqual([`${EVIDENCE}?limit=1000&purpose=export`, ledger]);
    expect(withToken[0]!.authorization).toBe(`Bearer ${env.CUSTODY_TOKEN}`);
    expect(api.requests.filter(({ path }) => path.startsWith('/objects/'))).toHaveLength(8);
  });

  test('a listing with a name outside the folder is refused before anything is fetched', async () => {
    const api = await servedVector();
    const name = '../\u001b[2Jescaped';
    listing(api).objects.push({ name, size: 4, url: `${api.url}/objects/open.json` });
    const parent = temporary();
    const ran = await custody(['pull', SESSION, '--out', join(parent, 'deep', 'evidence')], {
      env: environment(api),
    });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('../\\x1b[2Jescaped is not a name of an evidence file');
    expect(readdirSync(join(parent, 'deep'))).toEqual([]);
    expect(api.requests.some(({ path }) => path.startsWith('/objects/'))).toBe(false);
  });

  // Security case 21: sizes are bounded whatever the server says.
  test.each([
    ['a statement of a gigabyte', (object: Listed) => ({ ...object, size: 1 << 30 })],
    ['fewer bytes than come', (object: Listed) => ({ ...object, size: object.size - 1 })],
    ['more bytes than come', (object: Listed) => ({ ...object, size: object.size + 1 })],
    ['an address that is not https', (object: Listed) => ({ ...object, url: 'file:///etc/passwd' })],
  ])('%s is refused, and nothing stays behind', async (_, change) => {
    const api = await servedVector();
    const { objects } = listing(api);
    objects.splice(0, 1, ...objects.filter(({ name }) => name === 'open.json').map(change));
    const parent = temporary();
    const ran = await custody(['pull', SESSION, '--out', join(parent, 'evidence')], {
      env: environment(api),
    });
    expect(ran.code).toBe(1);
    expect(readdirSync(parent)).toEqual([]);
  });

  test('asks again for an address that expired before its turn came', async () => {
    const api = await servedVector();
    const { objects } = listing(api);
    const expired = objects.map((object) => ({ ...object, url: `${object.url}?expired` }));
    api.expiring.set(`/v1/sessions/${SESSION}/evidence`, { session: SESSION, objects: expired });
    const out = join(temporary(), 'evidence');
    const env = environment(api);
    expect(await custody(['pull', SESSION, '--out', out], { env })).toMatchObject({ code: 0 });
    expect((await custody(['verify', out, '--key', SIGNER])).code).toBe(0);
  });

  describe('of a session with more objects than the server lists at a time', () => {
    const NAMES = [...vector('three-segments').keys()].sort();

    test.each([
      ['pull', ['pull', SESSION, '--out']],
      ['verify', ['verify', SESSION]],
    ])('%s follows the pages to the last', async (command, args) => {
      const api = await servedVector();
      servePages(api, 3);
      const out = join(temporary(), 'evidence');
      const all = command === 'pull' ? [...args, out] : args;
      expect(await custody(all, { env: environment(api) })).toMatchObject({ code: 0 });
      expect(asked(api)).toEqual(['', NAMES[2], NAMES[5]]);
      if (command === 'verify') return;
      expect(readdirSync(out).sort()).toEqual(NAMES);
      expect((await custody(['verify', out, '--key', SIGNER])).code).toBe(0);
    });

    test('asks for the addresses of a page again, once, when they expired', async () => {
      const api = await servedVector();
      servePages(api, 3, ({ listings, cursor }) => listings < 3 && cursor === NAMES[2]);
      const out = join(temporary(), 'evidence');
      expect(await custody(['pull', SESSION, '--out', out], { env: environment(api) })).toMatchObject({
        code: 0,
      });
      expect(asked(api)).toEqual(['', NAMES[2], NAMES[5], NAMES[2]]);
      expect((await custody(['verify', out, '--key', SIGNER])).code).toBe(0);
    });

    test('finds an object again that went to the next page, as a session was sealed meanwhile', async () => {
      const api = await servedVector();
      const late = 'close.json';
      servePages(api, 3, ({ listings, cursor }) => listings < 3 && cursor === NAMES[2], late);
      const out = join(temporary(), 'evidence');
      expect(await custody(['pull', SESSION, '--out', out], { env: environment(api) })).toMatchObject({
        code: 0,
      });
      expect(asked(api)).toEqual(['', NAMES[2], 'open.json.sig', NAMES[2], NAMES[2], 'open.json']);
      expect(readdirSync(out).sort()).toEqual(NAMES.filter((name) => name !== late));
    });

    // Security case 21: whatever the pages say, they end.
    test.each<[what: string, page: PagedAnswer, why: string]>([
      ['turn in a circle', () => ({ session: SESSION, objects: [OBJECT], next: 'x' }), 'is listed twice'],
      [
        'are empty and go on',
        () => ({ session: SESSION, objects: [], next: 'x' }),
        'an empty page that goes on',
      ],
      [
        'bring a bad name only later',
        (query) =>
          query.has('cursor')
            ? { session: SESSION, objects: [{ ...OBJECT, name: '../escaped' }] }
            : { session: SESSION, objects: [OBJECT], next: 'x' },
        'is not a name of an evidence file',
      ],
    ])('refuses pages that %s, before anything is fetched', async (_what, page, why) => {
      const api = await servedVector();
      api.answers.set(EVIDENCE, page);
      const parent = temporary();
      const ran = await custody(['pull', SESSION, '--out', join(parent, 'evidence')], {
        env: environment(api),
      });
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain(why);
      expect(readdirSync(parent)).toEqual([]);
      expect(api.requests.some(({ path }) => path.startsWith('/objects/'))).toBe(false);
    });
  });

  test('takes an existing empty folder', async () => {
    const out = join(temporary(), 'evidence');
    mkdirSync(out);
    expect(
      await custody(['pull', SESSION, '--out', out], { env: environment(await servedVector()) }),
    ).toMatchObject({
      code: 0,
    });
  });
});

const EVIDENCE = `/v1/sessions/${SESSION}/evidence`;
const OBJECT = { name: 'open.json', size: 4, url: 'http://127.0.0.1:1/objects/open.json' };

interface Asked {
  /** How many times a page was asked for before. */
  readonly listings: number;
  readonly cursor: string | null;
}

/**
 * The listing in pages of `size` names in order, as the server makes them. Addresses of a page are bad where `expired`
 * says so; `late` is not there before the fourth listing.
 */
function servePages(
  api: FakeApi,
  size: number,
  expired: (asked: Asked) => boolean = () => false,
  late?: string,
): void {
  const all = listing(api).objects.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  let listings = 0;
  api.answers.set(EVIDENCE, (query: URLSearchParams) => {
    const cursor = query.get('cursor');
    const bad = expired({ listings, cursor });
    listings += 1;
    const there = all.filter(({ name }) => name > (cursor ?? '') && (name !== late || listings > 3));
    const objects = there
      .slice(0, size)
      .map((object) => (bad ? { ...object, url: `${object.url}?expired` } : object));
    return { session: SESSION, objects, ...(there.length > size && { next: objects.at(-1)!.name }) };
  });
}

/** The cursors that the listing was asked with, in order; '' for none. */
function asked(api: FakeApi): string[] {
  const urls = api.requests.map(({ path }) => new URL(path, api.url));
  return urls
    .filter(({ pathname }) => pathname === EVIDENCE)
    .map(({ searchParams }) => searchParams.get('cursor') ?? '');
}

interface Listed {
  readonly name: string;
  readonly size: number;
  readonly url: string;
}

function listing(api: FakeApi): { objects: Listed[] } {
  return api.answers.get(`/v1/sessions/${SESSION}/evidence`) as { objects: Listed[] };
}
