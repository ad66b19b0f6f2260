import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { configWarnings } from '#core/access/config-warnings.ts';
import { CustodyError } from '#core/errors.ts';

const OKTA = '{ name: okta, issuer: https://acme.okta.com, audience: custody }';
const GITHUB =
  '{ name: github, kind: workload, issuer: https://token.example, audience: [custody, other], match: { repository_owner: acme } }';

function fileOf(identity: string, rules: readonly string[] = []): string {
  return `version: 1
identity: ${identity}
targets:
  db: { protocol: postgres, address: "db.internal:5432", database: main, credential: { user: app, passwordFile: x } }
rules: [${rules.join(', ')}]
`;
}

const issuersOf = (identity: string, rules?: readonly string[]) =>
  parseConfig(fileOf(identity, rules), 'custody.yaml').issuers;

function mistake(identity: string): string {
  try {
    issuersOf(identity);
  } catch (error) {
    if (error instanceof CustodyError && error.code === 'config-invalid')
      return error.message.replace(/^custody\.yaml:\d+:\d+: /, '');
    throw error;
  }
  return 'no mistake';
}

describe('identity in custody.yaml', () => {
  it('is one issuer, as in files of before', () => {
    const before = issuersOf('{ issuer: https://id.example, audience: custody, groupsClaim: roles }');
    expect(before).toMatchObject([
      { name: 'default', kind: 'person', audience: ['custody'], groupsPrefix: '' },
    ]);
    expect(before[0]!.groupsClaim).toEqual(['roles']);
  });

  it('is several, each with its own; workloads have a prefix in any case', () => {
    const [okta, github] = issuersOf(`[${OKTA}, ${GITHUB}]`);
    expect(okta).toMatchObject({ name: 'okta', groupsPrefix: '', emailVerified: 'unless-denied', leeway: 0 });
    expect(github).toMatchObject({
      kind: 'workload',
      audience: ['custody', 'other'],
      groupsPrefix: 'github:',
      match: { repository_owner: ['acme'] },
      keysLastFor: 86_400_000,
    });
  });

  it('keeps the claims that rules for an issuer name, whatever their order', () => {
    const rule = (name: string, issuer: string, claims: string) =>
      `{ name: ${name}, issuer: ${issuer}, claims: ${claims}, targets: [db], allow: [connect] }`;
    const rules = [
      rule('one', 'github', '{ ref: refs/heads/main, "kubernetes.io.namespace": x }'),
      rule('two', 'github', '{ environment: prod, ref: x }'),
      rule('three', 'okta', '{ department: it }'),
    ];
    const kept = (order: readonly string[]) =>
      issuersOf(`[${OKTA}, ${GITHUB}]`, order).map(({ keptClaims }) => keptClaims);
    expect(kept(rules)).toEqual([['department'], ['environment', 'kubernetes.io.namespace', 'ref']]);
    expect(kept(rules.toReversed())).toEqual(kept(rules));
    expect(kept([])).toEqual([[], []]);
  });

  it('keeps what an agent says of itself, where the file says in which claims', () => {
    const agents = `{ issuer: https://agents.example, name: agents, audience: app, agent: { name: agent_name, model: ai.model } }`;
    expect(issuersOf(`[${agents}]`, [])[0]!.keptClaims).toEqual(['agent_name', 'ai.model']);
  });

  it('may be one issuer twice, where match tells its tokens apart', () => {
    const gitlab = (more: string) => `{ issuer: https://gitlab.example, ${more} }`;
    const people = gitlab('name: people, audience: app, match: { auth_time: "*" }');
    const jobs = gitlab('name: jobs, kind: workload, audience: ci, match: { namespace_path: acme }');
    expect(issuersOf(`[${people}, ${jobs}]`)).toHaveLength(2);
    const anybody = gitlab('name: people, audience: app');
    const why = 'is the same issuer: match has to say of both which tokens are theirs';
    expect(mistake(`[${anybody}, ${jobs}]`)).toBe(`identity.1.match: "people" ${why}`);
    expect(mistake(`[${jobs}, ${anybody}]`)).toBe(`identity.1.match: "jobs" ${why}`);
  });

  it.each<[what: string, identity: string, words: string]>([
    ['no issuer at all', '[]', 'Too small'],
    ['a name twice', `[${OKTA}, ${OKTA.replace('acme.okta', 'id')}]`, 'another issuer has the name "okta"'],
    [
      'an audience twice',
      `[${OKTA}, ${OKTA.replace('okta,', 'two,')}]`,
      'identity.1.audience: "okta" is the same issuer with the same audience "custody"',
    ],
    [
      'no prefix twice',
      `[${OKTA}, { name: b, issuer: https://b.example, audience: custody }]`,
      'identity.1.groupsPrefix: its groups could be taken for those of "okta"',
    ],
    [
      'a prefix that begins another',
      `[${GITHUB}, { name: b, issuer: https://b.example, audience: custody, groupsPrefix: "github:a" }]`,
      'identity.1.groupsPrefix',
    ],
    [
      'a workload without match',
      '{ kind: workload, issuer: https://t.example, audience: a }',
      "identity.match: is missing: a workload's issuer serves others too",
    ],
    ['match of nothing', `{ issuer: https://a.example, audience: a, match: {} }`, 'at least one claim'],
    ['a claim of nothing', `{ issuer: https://a.example, audience: a, match: { ref: [] } }`, 'match.ref'],
    [
      'a pattern that is a number',
      `{ issuer: https://a.example, audience: a, match: { id: 74 } }`,
      'identity.match.id',
    ],
    [
      'people shared by addresses that nobody verified',
      '{ issuer: https://a.example, audience: a, sharesPeople: true }',
      'identity.sharesPeople: needs emailVerified: required',
    ],
    [
      'a shared secret',
      '{ issuer: https://a.example, audience: a, algorithms: [HS256] }',
      'identity.algorithms.0',
    ],
    [
      'keys in two places',
      '{ issuer: https://a.example, audience: a, jwksUri: https://a.example/k, jwksFile: k.json }',
      'identity.jwksFile: expected one of jwksUri, jwksFile',
    ],
    ['too much leeway', '{ issuer: https://a.example, audience: a, leeway: 61s }', 'from 0s to 60s'],
    ['plain http', '{ issuer: http://a.example, audience: a }', 'expected an https URL'],
    [
      'a misspelt key',
      '{ issuer: https://a.example, audience: a, matches: { a: b } }',
      'there is no such key',
    ],
  ])('refuses %s', (_, identity, words) => expect(mistake(identity)).toContain(words));

  const OF = 'issuer: https://a.example, audience: a';
  it.each<[what: string, identity: string, words: string]>([
    [
      'an audience that is a number',
      '{ issuer: https://a.example, audience: 5 }',
      'audience: expected a string',
    ],
    [
      'an audience in a list',
      '{ issuer: https://a.example, audience: [a, 5] }',
      'audience.1: expected a string',
    ],
    ['no audience', '{ issuer: https://a.example }', 'audience: is missing: expected a string'],
    [
      'an audience of nothing',
      '{ issuer: https://a.example, audience: }',
      'audience: is empty: expected a string',
    ],
    ['a groups claim', `{ ${OF}, groupsClaim: 5 }`, 'groupsClaim: expected a string'],
    ['a truth value', `{ ${OF}, match: { a: true } }`, 'match.a: expected a string'],
    // Keys of their own making, which have the names of others elsewhere.
    ['a claim "mode"', `{ ${OF}, match: { mode: 5 } }`, 'match.mode: expected a string'],
    ['a claim "disabled"', `{ ${OF}, match: { disabled: 5 } }`, 'match.disabled: expected a string'],
    ['a claim "constructor"', `{ ${OF}, match: { constructor: 5 } }`, 'match.constructor: expected a string'],
    ['leeway in words', `{ ${OF}, leeway: 30sec }`, 'leeway: expected a time from 0s to 60s'],
    ['leeway below nothing', `{ ${OF}, leeway: -1s }`, 'leeway: expected a time from 0s to 60s'],
    [
      'an address in capitals',
      `{ ${OF}, match: { email: ["*@acme.example", "*@Acme.example"] } }`,
      'match.email: fits nobody: addresses are compared in one form, which is *@acme.example',
    ],
    ['an address with an end', `{ ${OF}, match: { email: "d@a.example." } }`, 'which is d@a.example'],
  ])('says exactly what is wrong with %s', (_, identity, words) => {
    expect(mistake(identity).slice(-words.length)).toBe(words);
  });

  it.each([
    ['https://accounts.google.com', 'hd: acme.com'],
    ['https://gitlab.com', "sub: '*'"],
    ['https://gitlab.com/', "sub: '*'"],
    ['https://token.actions.githubusercontent.com', 'repository_owner: acme'],
  ])(
    'takes nobody of %s by the audience alone, which anybody can ask it for (security case 22)',
    (url, example) => {
      const of = (more: string) => `{ issuer: ${url}, audience: a${more} }`;
      const words = `is missing: this issuer serves everybody, and whoever asks for a token chooses its audience; say which are yours, as in match: { ${example} }`;
      expect(mistake(`[${of('')}]`)).toBe(`identity.0.match: ${words}`);
      expect(mistake(`[${OKTA}, ${of(', name: b, groupsPrefix: "b:"')}]`)).toContain('identity.1.match');
      const [good, old] = [issuersOf(of(`, match: { ${example} }`)), issuersOf(of(''))];
      expect(configWarnings({ issuers: good })).toEqual([]);
      // Files of before go on, and the gateway says it.
      expect(configWarnings({ issuers: old })).toEqual([`identity.match: ${words}`]);
    },
  );

  it('takes no leeway at all, and patterns of addresses', () => {
    const patterns = ['*', '**', '*@acme.example', 'dana@*.example', '*@**', 'd*@10.*'];
    const [issuer] = issuersOf(`{ ${OF}, leeway: 0s, match: { email: ${JSON.stringify(patterns)} } }`);
    expect(issuer).toMatchObject({ leeway: 0, match: { email: patterns } });
  });

  it.each([
    ['all', 'actor: expected any, or a subject (and its issuer)'],
    ['{ sub: x }', 'actor.sub: there is no such key here'],
    ['{}', 'actor.subject: is missing: expected a string'],
    ['{ subject: [x, 5] }', 'actor.subject.1: expected a string'],
  ])('says exactly what is wrong with an actor that is %s', (actor, words) => {
    const rule = `{ name: one, issuer: default, actor: ${actor}, targets: [db], allow: [connect] }`;
    const read = () => issuersOf('{ issuer: https://a.example, audience: a }', [rule]);
    expect(read).toThrow(`rules.0.${words}`);
  });

  it('says what is wrong in one entry, whatever is beside it', () => {
    const other = '{ name: b, issuer: https://b.example, audience: c }';
    for (const value of ['[]', '""', '5', '[5]', '{ a: b }', 'true'])
      for (const key of [
        'match: { email: V }',
        'match: { ref: V, email: x }',
        'members: { a: V }',
        'groupsPrefix: V',
      ])
        for (const rule of [
          '{ name: one, targets: [x] }',
          `{ name: one, groups: ${value}, claims: { email: ${value} } }`,
        ]) {
          const entry = `{ ${OF}, ${key.replace('V', value)} }`;
          for (const identity of [entry, `[${entry}, ${other}]`, `[${other}, ${entry}]`])
            expect(() => issuersOf(identity, [rule])).toThrow(/^custody\.yaml:\d+:\d+: \S+: /);
        }
  });
});
