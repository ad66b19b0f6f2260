import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { KubeEntry } from '#cli/kubernetes/entry.ts';
import { type Change, changed, isOurs } from '#cli/kubernetes/kubeconfig-text.ts';

const API = 'https://custody.example.com/';

function entry(target: string, api = API, more: object = {}): KubeEntry {
  const name = `custody-${target}`;
  const extensions = [{ name: 'custody', extension: { api, target } }];
  return {
    name,
    cluster: { server: `https://gateway:7443/clusters/${target}`, extensions },
    user: { exec: { command: '/usr/bin/node', args: ['x'], provideClusterInfo: false }, extensions },
    context: { cluster: name, user: name, extensions, ...more },
  };
}

const change = (...entries: KubeEntry[]): Change => ({ api: API, entries });

interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly clusters: readonly { readonly name: string; readonly cluster: Record<string, unknown> }[];
  readonly users: readonly { readonly name: string; readonly user: Record<string, unknown> }[];
  readonly contexts: readonly { readonly name: string; readonly context: Record<string, unknown> }[];
  readonly [more: string]: unknown;
}
const read = (text: string): Kubeconfig => parse(text) as Kubeconfig;

const OTHERS = `# mine
apiVersion: v1
kind: Config
current-context: home
preferences: {}
clusters:
- cluster: # the one at home
    server: https://192.0.2.1:6443
    insecure-skip-tls-verify: yes
    port: 010
    id: 12345678901234567890123
  name: home
users:
- name: home
  user:
    token: "0123"
    when: 2020-01-01
contexts:
- {name: home, context: {cluster: home, user: home}}
extensions:
- name: other
  extension: {last: 1.10}
`;

describe('a kubeconfig of custody', () => {
  test('begins as one of its own, with its first context as the current one', () => {
    const text = changed('', change(entry('prod'), entry('dev')));
    expect(read(text)).toEqual({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'custody-prod',
      clusters: ['prod', 'dev'].map((name) => ({ name: `custody-${name}`, cluster: entry(name).cluster })),
      users: ['prod', 'dev'].map((name) => ({ name: `custody-${name}`, user: entry(name).user })),
      contexts: ['prod', 'dev'].map((name) => ({ name: `custody-${name}`, context: entry(name).context })),
    });
  });

  test('leaves to others what is theirs, to the letter', () => {
    const text = changed(OTHERS, change(entry('prod')));
    for (const line of ['# mine', '# the one at home', 'insecure-skip-tls-verify: yes', 'port: 010'])
      expect(text).toContain(line);
    for (const line of ['id: 12345678901234567890123', 'token: "0123"', 'when: 2020-01-01', 'last: 1.10'])
      expect(text).toContain(line);
    expect(read(text)['current-context']).toBe('home');
    expect(read(text).contexts.map(({ name }) => name)).toEqual(['home', 'custody-prod']);
  });

  test('written a second time is the same', () => {
    const once = changed(OTHERS, change(entry('prod'), entry('dev')));
    expect(changed(once, change(entry('prod'), entry('dev')))).toBe(once);
  });

  test('keeps the namespace that a person chose for a context of ours, until they say another one', () => {
    const chosen = changed('', change(entry('prod', API, { namespace: 'shop' })));
    expect(read(changed(chosen, change(entry('prod')))).contexts[0]!.context).toMatchObject({
      namespace: 'shop',
    });
    const said = changed(chosen, change(entry('prod', API, { namespace: 'till' })));
    expect(read(said).contexts[0]!.context).toMatchObject({ namespace: 'till' });
  });

  test('makes a context current where that is asked for', () => {
    const text = changed(OTHERS, { ...change(entry('prod')), use: 'custody-prod' });
    expect(read(text)['current-context']).toBe('custody-prod');
  });

  test('loses entries of targets that are gone, and none of another gateway', () => {
    const other = 'https://elsewhere.example.com/';
    const there = changed(changed(OTHERS, { ...change(entry('prod'), entry('old')), use: 'custody-old' }), {
      api: other,
      entries: [{ ...entry('theirs', other) }],
    });
    const text = changed(there, { ...change(entry('prod')), onlyTargets: new Set(['prod']) });
    for (const list of ['clusters', 'users', 'contexts'] as const)
      expect(read(text)[list].map(({ name }) => name)).toEqual(['home', 'custody-prod', 'custody-theirs']);
    expect(read(text)['current-context']).toBe('');
  });

  test('keeps a target of which there is more than one entry, when none is named', () => {
    const task = { ...entry('prod'), name: 'custody-prod.run.task' };
    const text = changed('', change(entry('prod'), task));
    expect(read(changed(text, { ...change(), onlyTargets: new Set(['prod']) }))).toEqual(read(text));
  });

  test('takes no name that is somebody else’s', () => {
    const foreign = OTHERS.replaceAll('home', 'custody-prod');
    expect(() => changed(foreign, change(entry('prod')))).toThrow(
      expect.objectContaining({
        code: 'already-exists',
        hint: expect.stringContaining('--prefix') as string,
      }),
    );
    const ofAnother = changed('', { api: 'https://b/', entries: [entry('prod', 'https://b/')] });
    expect(() => changed(ofAnother, change(entry('prod')))).toThrow('not of this gateway');
  });

  test.each([
    ['nothing', ''],
    ['blank lines', '\n\n'],
    ['a byte order mark', '\uFEFF'],
    ['comments alone', '# to do'],
    ['lists that are null', 'apiVersion: v1\nkind: Config\nclusters: null\nusers: ~\ncontexts:\n'],
    ['no lists', 'apiVersion: v1\nkind: Config\n'],
    ['empty lists', 'apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\n'],
    ['lines that end in CR LF', 'apiVersion: v1\r\nkind: Config\r\nclusters: []\r\n'],
    ['a document marker', '---\napiVersion: v1\nkind: Config\n'],
  ])('goes into a file with %s', (_, text) => {
    const written = read(changed(text, change(entry('prod'))));
    expect(written).toMatchObject({ apiVersion: 'v1', kind: 'Config', 'current-context': 'custody-prod' });
    expect(written.clusters.map(({ name }) => name)).toEqual(['custody-prod']);
  });

  test('goes into a file of JSON, which stays one', () => {
    const json = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [],
      users: null,
      contexts: [],
    });
    const text = changed(json, change(entry('prod')));
    expect((JSON.parse(text) as Kubeconfig).users[0]!.user).toEqual(entry('prod').user);
  });

  test('goes into a file with anchors, whose aliases stay what they were', () => {
    const text = `clusters:\n- &one\n  name: a\n  cluster: {server: x}\nusers:\n- name: u\n  user: &u {token: t}\n- name: v\n  user: *u\ncontexts: []\n`;
    expect(read(changed(text, change(entry('prod')))).users[1]).toEqual({ name: 'v', user: { token: 't' } });
  });

  test.each([
    ['a list', '- a\n'],
    ['a text', 'hello'],
    ['two documents', 'a: b\n---\nc: d\n'],
    ['a key twice', 'clusters: []\nclusters: []\n'],
    ['no YAML', 'clusters: ['],
    ['a list that is none', 'clusters: {a: b}\n'],
    ['entries that are none', 'clusters: [a]\n'],
    ['a list that stands elsewhere', 'other: &l []\nclusters: *l\n'],
    [
      'a bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
        .split('')
        .map((key, at) => `${key}: &${key} [${Array(9).fill(`*${'abcdefgh'[at]!}`).join(',')}]`)
        .join('\n')}\n`,
    ],
  ])('leaves a file alone that is %s', (_, text) => {
    expect(() => changed(text, change(entry('prod')))).toThrow(
      expect.objectContaining({
        code: 'format-invalid',
        message: expect.stringContaining('left as it is') as string,
      }),
    );
  });

  test('loses nothing of any other kubeconfig, and nothing of it twice', () => {
    const scalar = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'yes',
        'no',
        'null',
        '~',
        '010',
        '1.10',
        '2020-01-01',
        '*a',
        '&b',
        '- x',
        'a: b',
        '<<',
        '# c',
        '"',
        "'",
      ),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    );
    const value = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        scalar,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(
          fc.string().filter((key) => key !== '__proto__'),
          tie('value'),
          { maxKeys: 3 },
        ),
      ),
    })).value;
    const list = (part: string) =>
      fc
        .uniqueArray(fc.tuple(fc.string(), value), { maxLength: 4, selector: ([name]) => name })
        .map((all) =>
          all.filter(([name]) => !name.startsWith('custody-')).map(([name, one]) => ({ name, [part]: one })),
        );
    const config = fc.record(
      {
        apiVersion: fc.constant('v1'),
        kind: fc.constant('Config'),
        clusters: fc.option(list('cluster')),
        users: fc.option(list('user')),
        contexts: fc.option(list('context')),
        extensions: value,
        'current-context': fc.constant('home'),
      },
      { requiredKeys: ['apiVersion', 'kind'] },
    );
    const style = fc.constantFrom('yaml', 'json', 'flow', 'quoted');
    fc.assert(
      fc.property(config, style, (given, how) => {
        const text =
          how === 'json'
            ? JSON.stringify(given)
            : stringify(given, {
                ...(how === 'flow' ? { collectionStyle: 'flow' as const } : {}),
                ...(how === 'quoted' ? { defaultStringType: 'QUOTE_SINGLE' as const } : {}),
              });
        const before = read(text) as Partial<Kubeconfig>;
        const written = changed(text, change(entry('prod'), entry('dev')));
        const after = read(written);
        for (const key of ['clusters', 'users', 'contexts'] as const) {
          const kept = after[key].filter(({ name }) => !name.startsWith('custody-'));
          expect(kept).toEqual(before[key] ?? []);
          expect(after[key]).toHaveLength(kept.length + 2);
        }
        for (const key of ['apiVersion', 'kind', 'extensions']) expect(after[key]).toEqual(before[key]);
        expect(after['current-context']).toBe(before['current-context'] ?? 'custody-prod');
        expect(changed(written, change(entry('prod'), entry('dev')))).toBe(written);
      }),
      { numRuns: 50 },
    );
  });
});

describe('entries of ours', () => {
  test('are known by their mark, and by no name', () => {
    expect(isOurs(changed('', change(entry('prod'))), API)).toBe(true);
    expect(isOurs(changed('', change(entry('prod'))), 'https://b/')).toBe(false);
    expect(isOurs(OTHERS.replaceAll('home', 'custody-prod'), API)).toBe(false);
    expect(isOurs('[', API)).toBe(false);
  });
});
