import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configJsonSchema, parseConfig } from '#core/access/config.ts';

const BASE = `version: 1
identity: { issuer: https://id.example, audience: custody }
targets:
  orders-db: { protocol: postgres, address: "db:5432", database: main, credential: { user: app, passwordFile: secret } }
`;
const rule = (more: string): string =>
  `${BASE}rules:\n  - { name: r, groups: [a], targets: ["*"], ${more} }\n`;
const approval = (more: string): string => rule(`allow: [connect], approval: { maxDuration: 4h, ${more} }`);

const validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(
  configJsonSchema(),
);
/** [what the schema says of the file, what the reader of the file says] */
function both(text: string): [boolean, boolean] {
  return [validate(parse(text)), isRead(text)];
}

function isRead(text: string): boolean {
  try {
    parseConfig(text, 'custody.yaml');
    return true;
  } catch {
    return false;
  }
}

describe('configJsonSchema', () => {
  it('says what it is, and of which draft', () => {
    expect(configJsonSchema()).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'custody.yaml',
      description: 'Who may reach what through a Custody gateway.',
    });
  });

  it('tells an editor nothing that is read-only', () => {
    expect(JSON.stringify(configJsonSchema())).not.toContain('readOnly');
  });

  it.each([
    ['no rules', BASE],
    [
      'a target that is made',
      BASE.replace(/( {2})orders-db(.*)"db:5432"(.*)/, '$&\n$1made$2"db:5432"$3').replace(
        /(made.*)address: "db:5432"/,
        '$1sandbox: { from: orders-db }',
      ),
    ],
    ['no targets', BASE.replace(/targets:[^]*/, 'targets: {}\n')],
    [
      'claims',
      BASE.replace(
        'custody }',
        'custody, groupsClaim: roles, taskClaim: task, jwksUri: "https://id.example/keys" }',
      ),
    ],
    [
      'TLS',
      BASE.replace(
        'database: main',
        'database: main, tls: { mode: verify-full, caFile: ca.pem, serverName: db }',
      ),
    ],
    ['TLS off', BASE.replace('"db:5432"', '"127.0.0.1:5432", tls: { mode: disable }')],
    [
      'recording',
      BASE.replace(
        'database: main',
        'database: main, recording: { durability: write-ahead, windowMs: 100, deadlineMs: 1000, retention: { keep: 30d, lock: compliance } }',
      ),
    ],
    ['standing access', rule('allow: [connect, replay, export, terminate, rerun], sessions: any')],
    ['who administers', rule('allow: [administer]')],
    [
      'what is denied',
      rule('deny: [connect, request, approve, replay, export, terminate, rerun, administer]'),
    ],
    ['an approval', approval('reviewers: { any: [leads] }')],
    [
      'an approval with everything',
      approval(
        'reviewers: { all: [leads, owners] }, approvals: 2, pendingFor: 8h, reason: optional, ticket: required, wait: 2m, statements: exact',
      ),
    ],
    [
      'a broken glass',
      rule('allow: [connect], breakGlass: { reviewers: { any: [owners] }, maxDuration: 30m }'),
    ],
    [
      'conditions',
      rule(
        'allow: [connect], when: { networks: [10.0.0.0/8, "2001:db8::/32"], hours: { days: [mon, fri], from: "22:00", to: "06:00", zone: UTC }, device: bound, tasks: [deploy], mfa: required }',
      ),
    ],
    ['limits of a session', rule('allow: [connect], session: { maxDuration: 1h, endsWithToken: true }')],
    [
      'who is disabled',
      `${BASE}disabled: [{ email: a@example.com }, { subject: b }, { subject: c, issuer: "https://x.example" }]\n`,
    ],
    [
      'webhooks',
      `${BASE}webhooks:\n  - { name: a, url: "https://a.example", secretFile: s, events: [break-glass, access-granted] }\n  - { name: b, url: "https://b.example", format: slack }\n`,
    ],
  ])('takes what the reader takes: %s', (_what, text) => {
    expect(both(text)).toEqual([true, true]);
  });

  it.each([
    ['nothing', '{}'],
    ['a list', '[]'],
    ['another version', BASE.replace('version: 1', 'version: 2')],
    ['no identity', BASE.replace(/identity.*\n/, '')],
    ['an unknown key', `${BASE}rule: []\n`],
    ['a target named in capitals', BASE.replace('orders-db', 'Orders')],
    ['a target without an address', BASE.replace('address: "db:5432", ', '')],
    ['another protocol', BASE.replace('postgres', 'mysql')],
    ['TLS half off', BASE.replace('database: main', 'database: main, tls: { mode: prefer }')],
    ['a rule named in capitals', rule('allow: [connect]').replace('name: r', 'name: R')],
    ['an action to allow that follows from others', rule('allow: [approve]')],
    ['nothing that is allowed', rule('allow: []')],
    ['no group', rule('allow: [connect]').replace('[a]', '[]')],
    ['reviewers of an unknown shape', approval('reviewers: { some: [a] }')],
    ['both any and all', approval('reviewers: { any: [a], all: [b] }')],
    ['no reviewers', approval('approvals: 1')],
    ['half an approval', approval('reviewers: { any: [a] }, approvals: 1.5')],
    ['no approval needed', approval('reviewers: { any: [a] }, approvals: 0')],
    [
      'an hour that there is not',
      rule('allow: [connect], when: { hours: { from: "25:00", to: "06:00", zone: UTC } }'),
    ],
    ['a misspelt condition', rule('allow: [connect], when: { network: [10.0.0.0/8] }')],
    [
      'a day in full',
      rule('allow: [connect], when: { hours: { days: [monday], from: "08:00", to: "09:00", zone: UTC } }'),
    ],
    ['disabled with neither e-mail nor subject', `${BASE}disabled: [{ issuer: "https://x.example" }]\n`],
    [
      'an unknown event',
      `${BASE}webhooks: [{ name: a, url: "https://a.example", secretFile: s, events: [x] }]\n`,
    ],
    ['a time that is a number', approval('reviewers: { any: [a] }, wait: 5')],
  ])('refuses what the reader refuses: %s', (_what, text) => {
    expect(both(text)).toEqual([false, false]);
  });
});
