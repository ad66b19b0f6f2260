import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Config, parseConfig } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';

const GOOGLE = 'directory: { kind: google, admin: Reader@Acme.com, secret: custody/google }';
const MICROSOFT =
  'directory: { kind: microsoft, tenant: acme.onmicrosoft.com, clientId: 535fb089-9ff3-47b6-9bfb-4f1264799865, secret: s }';
const GITHUB = `
  - { name: gh, kind: workload, issuer: https://gh.example, audience: custody, match: { owner: acme } }`;

function read(more: string, others = ''): Config {
  const yaml = `version: 1
identity:
  - issuer: https://id.example
    name: people
    audience: custody
    emailVerified: required
    ${more}${others}
targets: {}
`;
  return parseConfig(yaml, 'custody.yaml');
}

function mistake(more: string, others = ''): string {
  try {
    read(more, others);
  } catch (error) {
    if (error instanceof CustodyError && error.code === 'config-invalid') return error.message;
    throw error;
  }
  return 'no mistake';
}

describe('members in custody.yaml', () => {
  it('are people by address or by subject', () => {
    const { issuers } = read(
      'members: { developers: [Dana@Acme.com, 00u1, { subject: a@b }, { email: RUI@acme.com }] }',
    );
    expect(issuers[0]!.members).toEqual({
      developers: [
        { email: 'dana@acme.com' },
        { subject: '00u1' },
        { subject: 'a@b' },
        { email: 'rui@acme.com' },
      ],
    });
  });

  it('are part of what is reviewed: another list is another version', () => {
    const [one, other] = ['a', 'b'].map((who) => read(`members: { developers: [${who}] }`).version);
    expect(one).not.toBe(other);
  });

  it.each([
    ['members: { developers: [] }', 'identity.0.members.developers'],
    ['members: { developers: dana }', 'identity.0.members.developers: expected a list'],
    ['members: { developers: [7] }', 'members.developers.0: expected an e-mail address, a subject'],
    ['members: { developers: ["dana @acme.com"] }', 'members.developers.0: expected an e-mail address'],
    ['members: { developers: [{ mail: a }] }', 'members.developers.0'],
    ['members: { "": [dana] }', 'identity.0.members'],
  ])('are refused as %s', (written, words) => {
    expect(mistake(written)).toContain(words);
  });

  it('are not by an address for which the issuer need not vouch: whoever may write it would choose their groups', () => {
    const yaml = `version: 1
identity: { issuer: https://id.example, audience: custody, members: { developers: [dana@acme.com] } }
targets: {}
`;
    expect(() => parseConfig(yaml, 'custody.yaml')).toThrow(
      'identity.members.developers: names people by e-mail',
    );
    expect(() => parseConfig(yaml.replace('dana@acme.com', 'dana'), 'custody.yaml')).not.toThrow();
  });

  it("are not in groups that would be taken for another issuer's", () => {
    expect(mistake('members: { "gh:deployers": [dana] }', GITHUB)).toContain(
      'identity.0.members.gh:deployers: begins as the groups of "gh" do',
    );
    expect(mistake('members: { deployers: [dana] }', GITHUB)).toBe('no mistake');
  });
});

describe('a directory in custody.yaml', () => {
  it('is of Google, with defaults', () => {
    expect(read(GOOGLE).issuers[0]!.directory).toEqual({
      ...{
        kind: 'google',
        admin: 'reader@acme.com',
        secret: 'custody/google',
        user: 'subject',
        nested: false,
      },
      ...{ when: 'always', cacheFor: 300_000, staleFor: 3_600_000 },
      ...{ apiUrl: 'https://admin.googleapis.com', tokenUrl: 'https://oauth2.googleapis.com/token' },
    });
  });

  it('is of Microsoft, with defaults, or in another cloud', () => {
    expect(read(MICROSOFT).issuers[0]!.directory).toMatchObject({
      ...{ kind: 'microsoft', when: 'when-omitted', groupNames: 'id' },
      ...{ graphUrl: 'https://graph.microsoft.com', loginUrl: 'https://login.microsoftonline.com' },
    });
    const government = MICROSOFT.replace('secret: s', 'secret: s, graphUrl: https://graph.microsoft.us/');
    expect(read(government).issuers[0]!.directory).toMatchObject({ graphUrl: 'https://graph.microsoft.us' });
  });

  it.each([
    [GOOGLE.replace('google', 'okta'), 'directory.kind: expected google or microsoft'],
    [GOOGLE.replace(', secret: custody/google', ''), 'directory.secret: expected one of secretFile, secret'],
    [GOOGLE.replace('secret:', 'secretFile: a, secret:'), 'directory.secret: expected one of'],
    [
      GOOGLE.replace('admin: Reader@Acme.com', 'admin: reader'),
      'directory.admin: expected an e-mail address',
    ],
    [GOOGLE.replace('}', ', cacheFor: 30s }'), 'directory.cacheFor: expected a time from 1m to 1h'],
    [GOOGLE.replace('}', ', staleFor: 2d }'), 'directory.staleFor: expected a time from 0s to 24h'],
    [GOOGLE.replace('}', ', apiUrl: "http://x.example" }'), 'directory.apiUrl: expected an https URL'],
    [GOOGLE.replace('}', ', apiUrl: "https://x.example/?a" }'), 'directory.apiUrl: expected a URL without'],
    [GOOGLE.replace('}', ', when: when-omitted }'), 'directory.when'],
    [MICROSOFT.replace('acme.onmicrosoft.com', 'acme/../x'), 'directory.tenant: expected'],
    [MICROSOFT.replace('535fb089', 'x'), 'directory.clientId: expected the id of an application'],
    [MICROSOFT.replace('}', ', groups: all }'), 'directory.groups: there is no such key here'],
  ])('is refused as %s', (written, words) => {
    expect(mistake(written)).toContain(words);
  });

  it('finds people by e-mail only where the issuer vouches for it', () => {
    const byEmail = GOOGLE.replace('}', ', user: email }');
    expect(mistake(byEmail)).toBe('no mistake');
    const yaml = `version: 1
identity: { issuer: https://id.example, audience: custody, ${byEmail} }
targets: {}
`;
    expect(() => parseConfig(yaml, 'custody.yaml')).toThrow(
      'directory.user: email needs emailVerified: required',
    );
  });

  it('is for people', () => {
    expect(
      mistake('', GITHUB.replace('match: { owner: acme } }', `match: { owner: acme }, ${GOOGLE} }`)),
    ).toContain('directory: is for people');
  });
});

it('what the documentation says to write is taken', () => {
  const page = readFileSync(new URL('../../../docs/identity/directories.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, block]) => block!);
  const issuers = blocks.flatMap(
    (block) => parseConfig(`version: 1\n${block}targets: {}\n`, 'custody.yaml').issuers,
  );
  expect(issuers.map(({ directory }) => directory?.kind)).toEqual([undefined, 'google', 'microsoft']);
});

describe('groups of a directory in rules', () => {
  const ID = '0760B6CF-0000-4000-8000-4b78e0739963';
  const ofRule = (group: string, directory: string, key = 'groups'): string => {
    const people = `{ issuer: https://id.example, name: people, audience: custody, emailVerified: required, ${directory} }`;
    const groups = `groups: [${key === 'groups' ? `"${group}"` : 'x'}]`;
    const approval = `, approval: { reviewers: { any: [x, "${group}"] }, maxDuration: 1h }`;
    const yaml = `version: 1
identity: [${people}, { name: gh, kind: workload, issuer: https://gh.example, audience: custody, match: { owner: acme } }]
targets: {}
rules: [{ name: one, ${groups}, targets: ['*'], allow: [connect]${key === 'groups' ? '' : approval} }]
`;
    try {
      parseConfig(yaml, 'c');
      return 'no mistake';
    } catch (error) {
      return (error as Error).message.replace(/^c:[0-9]+:[0-9]+: /, '');
    }
  };

  it.each([
    ['Devs@Acme.com', GOOGLE, 'devs@acme.com'],
    [ID, MICROSOFT, ID.toLowerCase()],
    ['p:Devs@Acme.com', `groupsPrefix: "p:", ${GOOGLE}`, 'p:devs@acme.com'],
  ])('are written as it writes them, or nobody is in them: %s', (group, directory, spelling) => {
    for (const key of ['groups', 'approval'])
      expect(ofRule(group, directory, key)).toBe(
        `rules.0.${key}: nobody is in "${group}": the directory writes it "${spelling}"`,
      );
    expect(ofRule(spelling, directory)).toBe('no mistake');
  });

  it.each([
    ['targets: [nowhere], allow: [connect]', 'rules.0.groups: is missing'],
    ['groups: [5], targets: ["*"], allow: [connect]', 'rules.0.groups.0: expected a string'],
    ['groups: [{ a: b }], targets: ["*"]', 'rules.0.groups.0: expected a string'],
    [
      'groups: [x], targets: ["*"], allow: [connect], approval: { reviewers: 5 }',
      'rules.0.approval.reviewers: ',
    ],
    [
      'groups: [x], targets: ["*"], allow: [connect], breakGlass: { reviewers: { any: [5] } }',
      'rules.0.breakGlass',
    ],
  ])('are not looked at in a rule that has another mistake: %s', (rule, words) => {
    const identity = `{ issuer: https://a.example, audience: a, ${GOOGLE} }`;
    const read = () =>
      parseConfig(`version: 1\nidentity: ${identity}\ntargets: {}\nrules: [{ name: one, ${rule} }]\n`, 'c');
    expect(read).toThrow(words);
  });

  it.each([
    ['that is listed in the file', 'Devs@Acme.com', `members: { "Devs@Acme.com": [x] }, ${GOOGLE}`],
    ['that is no address', 'Developers', GOOGLE],
    ['of another issuer', 'gh:Devs@Acme.com', GOOGLE],
    ['by name', ID, MICROSOFT.replace('secret: s', 'secret: s, groupNames: displayName')],
    [
      'of a directory that is told by SCIM',
      'Devs@Acme.com',
      `scim: { secret: s, groups: also-as-groups }, ${GOOGLE}`,
    ],
    ['where there is no directory', 'Devs@Acme.com', 'leeway: 0s'],
  ])('may be written otherwise: one %s', (_what, group, directory) => {
    expect(ofRule(group, directory)).toBe('no mistake');
  });
});
