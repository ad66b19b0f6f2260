import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';

/** Lines are counted in the table below: keep them where they are. */
const GOOD = `version: 1
identity:
  issuer: https://id.example
  audience: custody
  taskClaim: task
targets:
  orders-db:
    protocol: postgres
    address: db.internal:5432
    database: orders
    credential: { user: app, passwordFile: secrets/orders }
rules:
  - name: ask
    groups: [developers]
    targets: [orders-db]
    allow: [connect]
    approval:
      reviewers: { any: [leads] }
      maxDuration: 4h
  - name: glass
    groups: [on-call]
    targets: ["*"]
    allow: [connect]
    when: { networks: [10.0.0.0/8], hours: { from: "08:00", to: "18:00", zone: Europe/Zurich }, mfa: required }
    session: { maxDuration: 1h }
    breakGlass: { reviewers: { any: [owners] }, maxDuration: 30m }
  - name: admins
    groups: ["*"]
    targets: ["*"]
    allow: [administer]
  - name: never
    groups: [contractors]
    targets: [orders-db]
    deny: [connect, request]
disabled:
  - email: mallory@example.com
webhooks:
  - { name: siem, url: https://siem.example/hook, secretFile: secrets/siem }
`;

function changed(before: string, after: string): string {
  expect(GOOD).toContain(before);
  return GOOD.replace(before, () => after);
}

function messageOf(text: string): string {
  try {
    parseConfig(text, 'custody.yaml');
  } catch (error) {
    if (error instanceof CustodyError && error.code === 'config-invalid') return error.message;
    throw error;
  }
  return 'no mistake';
}

const MINUTE = 60_000;

describe('parseConfig, of access', () => {
  it('reads rules with their defaults; times in milliseconds', () => {
    const { rules, issuers, disabled, webhooks } = parseConfig(GOOD, 'custody.yaml');
    expect(issuers[0]!.taskClaim).toBe('task');
    expect(rules).toEqual([
      {
        name: 'ask',
        groups: ['developers'],
        targets: ['orders-db'],
        allow: ['connect'],
        sessions: 'own',
        approval: {
          reviewers: { any: ['leads'] },
          approvals: 1,
          maxDuration: 240 * MINUTE,
          pendingFor: 1_440 * MINUTE,
          reason: 'required',
          ticket: 'optional',
          statements: 'any',
          for: 'any',
          coversActors: false,
          allow: [],
        },
      },
      {
        name: 'glass',
        groups: ['on-call'],
        targets: ['*'],
        allow: ['connect'],
        sessions: 'own',
        when: {
          networks: ['10.0.0.0/8'],
          hours: {
            days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
            from: '08:00',
            to: '18:00',
            zone: 'Europe/Zurich',
          },
          mfa: 'required',
        },
        session: { maxDuration: 60 * MINUTE, endsWithToken: false },
        breakGlass: { reviewers: { any: ['owners'] }, maxDuration: 30 * MINUTE },
      },
      { name: 'admins', groups: ['*'], targets: ['*'], allow: ['administer'], sessions: 'own' },
      {
        name: 'never',
        groups: ['contractors'],
        targets: ['orders-db'],
        deny: ['connect', 'request'],
        sessions: 'own',
      },
    ]);
    expect(disabled).toEqual([{ email: 'mallory@example.com' }]);
    expect(webhooks).toEqual([
      { name: 'siem', url: 'https://siem.example/hook', format: 'json', secretFile: 'secrets/siem' },
    ]);
  });

  it.each<[what: string, before: string, after: string]>([
    ['people for each group', '{ any: [leads] }', '{ all: [leads, owners] }'],
    [
      'everything that an approval takes',
      'maxDuration: 4h',
      'maxDuration: 30d\n      pendingFor: 1s\n      approvals: 20\n      reason: optional\n      ticket: required\n      wait: 2m\n      statements: exact',
    ],
    ['hours over midnight, on some days', 'to: "18:00"', 'to: "06:00", days: [mon, fri]'],
    ['hours until midnight', '"18:00"', '"24:00"'],
    ['IPv6', '10.0.0.0/8', '"2001:db8::/32"'],
    ['a device and tasks', 'mfa: required', 'device: unbound, tasks: [deploy, backup]'],
    ['a subject', 'email: mallory@example.com', 'subject: mallory'],
    [
      'a subject of another issuer',
      'email: mallory@example.com',
      'subject: mallory\n    issuer: https://other.example',
    ],
    ['a webhook of Slack, which signs nothing', ', secretFile: secrets/siem', ', format: slack'],
    ['a webhook on this machine', 'https://siem.example/hook', 'http://127.0.0.1:9000/hook'],
    ['a webhook of some events', 'secrets/siem }', 'secrets/siem, events: [break-glass] }'],
    [
      'a rule that denies every action of every target',
      'targets: [orders-db]\n    deny: [connect, request]',
      'targets: ["*"]\n    deny: [connect, request, approve, replay, export, terminate, rerun, administer]',
    ],
  ])('takes %s', (_what, before, after) => {
    expect(messageOf(changed(before, after))).toBe('no mistake');
  });
});

const NETWORK = 'expected a network such as 10.0.0.0/8 or 2001:db8::/32';
const CLOCK = 'expected a time of day from "00:00" to "24:00", in quotes';
const EMPTY = 'is the same time as `from`: the window is empty; leave `hours` out for the whole day';
const LONGEST = 'expected a time from 1s to 30d, such as 4h';
const REVIEWERS = 'rules.0.approval.reviewers: expected any: [groups], or all: [groups]';
const ADMINISTER = "administer is for no target by itself: use targets: ['*']";
const DISABLED = 'disabled.0: expected an email, or a subject (and its issuer)';
const URL = 'expected an https URL (http only on this machine)';
const ISSUER = 'expected an https URL (http only for an issuer on 127.0.0.1, ::1 or localhost)';
const NAME =
  'a name has lower-case letters, digits, hyphens and underscores, at most 63, and a letter or digit first';
const ONE = 'Too small: expected array to have >=1 items';
const ALLOWED =
  'Invalid option: expected one of "connect"|"replay"|"export"|"terminate"|"rerun"|"administer"';

type Mistake = readonly [what: string, before: string, after: string, message: string];

const ofRules: readonly Mistake[] = [
  [
    'approval and a broken glass',
    '    breakGlass:',
    '    approval: { reviewers: { any: [a] }, maxDuration: 1h }\n    breakGlass:',
    '27:17: rules.1.breakGlass: a rule has either approval or breakGlass: write a rule of its own',
  ],
  [
    'an agent that breaks a glass',
    '    breakGlass:',
    '    actor: any\n    breakGlass:',
    '26:12: rules.1.actor: is for no rule with breakGlass: nobody breaks a glass for somebody else',
  ],
  [
    'allow and deny',
    '    deny: [',
    '    allow: [connect]\n    deny: [',
    '35:11: rules.3.deny: a rule has either allow or deny',
  ],
  [
    'neither allow nor deny',
    '    deny: [connect, request]\n',
    '',
    '31:5: rules.3.allow: a rule has either allow or deny',
  ],
  [
    'an approval for more than connecting',
    'allow: [connect]\n    approval',
    'allow: [connect, replay]\n    approval',
    '18:7: rules.0.approval: is for a rule with allow: [connect]',
  ],
  [
    'an approval for something else',
    'allow: [connect]\n    approval',
    'allow: [replay]\n    approval',
    '18:7: rules.0.approval: is for a rule with allow: [connect]',
  ],
  [
    'a broken glass for something else',
    'allow: [connect]\n    when',
    'allow: [replay]\n    when',
    '26:17: rules.1.breakGlass: is for a rule with allow: [connect]',
  ],
  [
    'an approval for what is denied',
    'deny: [connect, request]',
    'deny: [connect]\n    approval: { reviewers: { any: [a] }, maxDuration: 1h }',
    '35:15: rules.3.approval: is for a rule with allow: [connect]',
  ],
  [
    'a session for what is denied',
    'deny: [connect, request]',
    'deny: [connect]\n    session: { maxDuration: 1h }',
    '35:14: rules.3.session: is for a rule that allows connect',
  ],
  [
    'to administer one target',
    '["*"]\n    allow: [administer]',
    '[orders-db]\n    allow: [administer]',
    `30:12: rules.2.allow: ${ADMINISTER}`,
  ],
  [
    'to deny to administer one target, which would deny nothing',
    'deny: [connect, request]',
    'deny: [administer]',
    `34:11: rules.3.deny: ${ADMINISTER}`,
  ],
  [
    'an action that follows from approval',
    'allow: [administer]',
    'allow: [approve]',
    `30:13: rules.2.allow.0: ${ALLOWED}`,
  ],
  ['another such action', 'allow: [administer]', 'allow: [request]', `30:13: rules.2.allow.0: ${ALLOWED}`],
  [
    'to deny what is no action',
    'deny: [connect, request]',
    'deny: [approved]',
    '34:12: rules.3.deny.0: Invalid option: expected one of "connect"|"request"|"approve"|"replay"|"export"|"terminate"|"rerun"|"administer"',
  ],
  ['to deny nothing', 'deny: [connect, request]', 'deny: []', `34:11: rules.3.deny: ${ONE}`],
  [
    'sessions of whom',
    'session: { maxDuration: 1h }',
    'sessions: all',
    '25:15: rules.1.sessions: Invalid option: expected one of "own"|"approved"|"any"',
  ],
  [
    'yes or no',
    'session: { maxDuration: 1h }',
    'session: { endsWithToken: maybe }',
    '25:31: rules.1.session.endsWithToken: expected a boolean',
  ],
  ['a name in capitals', 'name: ask', 'name: Ask', `13:11: rules.0.name: ${NAME}`],
];

const ofApproval: readonly Mistake[] = [
  ['reviewers of an unknown shape', '{ any: [leads] }', '{ some: [leads] }', `18:18: ${REVIEWERS}`],
  ['reviewers that are a list', '{ any: [leads] }', '[leads]', `18:18: ${REVIEWERS}`],
  ['both any and all', '{ any: [leads] }', '{ any: [leads], all: [x] }', `18:18: ${REVIEWERS}`],
  ['groups that are no text', '{ any: [leads] }', '{ any: [1] }', `18:18: ${REVIEWERS}`],
  ['a group that is no list', '{ any: [leads] }', '{ any: leads }', `18:18: ${REVIEWERS}`],
  ['no reviewers', '      reviewers: { any: [leads] }\n', '', `18:7: ${REVIEWERS}`],
  ['no group in any', '{ any: [leads] }', '{ any: [] }', `18:25: rules.0.approval.reviewers.any: ${ONE}`],
  ['no group in all', '{ any: [leads] }', '{ all: [] }', `18:25: rules.0.approval.reviewers.all: ${ONE}`],
  [
    'all for a broken glass',
    '{ any: [owners] }',
    '{ all: [owners] }',
    '26:32: rules.1.breakGlass.reviewers.all: there is no such key here',
  ],
  [
    'a time without a unit',
    'maxDuration: 4h',
    'maxDuration: 4',
    '19:20: rules.0.approval.maxDuration: expected a string',
  ],
  [
    'a time that is none',
    'maxDuration: 4h',
    'maxDuration: forever',
    `19:20: rules.0.approval.maxDuration: ${LONGEST}`,
  ],
  ['no time', 'maxDuration: 4h', 'maxDuration: 0s', `19:20: rules.0.approval.maxDuration: ${LONGEST}`],
  [
    'a time too long',
    'maxDuration: 4h',
    'maxDuration: 31d',
    `19:20: rules.0.approval.maxDuration: ${LONGEST}`,
  ],
  ['two units', 'maxDuration: 4h', 'maxDuration: 1h30m', `19:20: rules.0.approval.maxDuration: ${LONGEST}`],
  [
    'no longest time',
    '      maxDuration: 4h\n',
    '',
    '18:7: rules.0.approval.maxDuration: is missing: expected a string',
  ],
  [
    'a bad time to wait for a decision',
    'maxDuration: 4h',
    'maxDuration: 4h\n      pendingFor: 40d',
    `20:19: rules.0.approval.pendingFor: ${LONGEST}`,
  ],
  [
    'a client that waits too long',
    'maxDuration: 4h',
    'maxDuration: 4h\n      wait: 2h',
    '20:13: rules.0.approval.wait: expected a time from 1s to 1h, such as 2m',
  ],
  [
    'nobody',
    'maxDuration: 4h',
    'maxDuration: 4h\n      approvals: 0',
    '20:18: rules.0.approval.approvals: Too small: expected number to be >=1',
  ],
  [
    'too many people',
    'maxDuration: 4h',
    'maxDuration: 4h\n      approvals: 21',
    '20:18: rules.0.approval.approvals: Too big: expected number to be <=20',
  ],
  [
    'half a person',
    'maxDuration: 4h',
    'maxDuration: 4h\n      approvals: 1.5',
    '20:18: rules.0.approval.approvals: expected a whole number',
  ],
  [
    'a reason that is never needed',
    'maxDuration: 4h',
    'maxDuration: 4h\n      reason: never',
    '20:15: rules.0.approval.reason: Invalid option: expected one of "required"|"optional"',
  ],
  [
    'some commands',
    'maxDuration: 4h',
    'maxDuration: 4h\n      statements: some',
    '20:19: rules.0.approval.statements: Invalid option: expected one of "any"|"exact"',
  ],
  [
    'a misspelt key',
    'maxDuration: 4h',
    'maxDuration: 4h\n      approver: x',
    '20:7: rules.0.approval.approver: there is no such key here',
  ],
];

const ofConditions: readonly Mistake[] = [
  ['an address for a network', '10.0.0.0/8', '10.0.0.0', `24:24: rules.1.when.networks.0: ${NETWORK}`],
  ['a network in short', '10.0.0.0/8', '10/8', `24:24: rules.1.when.networks.0: ${NETWORK}`],
  ['a network in octal', '10.0.0.0/8', '010.0.0.0/8', `24:24: rules.1.when.networks.0: ${NETWORK}`],
  ['IPv4 in IPv6', '10.0.0.0/8', '"::ffff:10.0.0.0/104"', `24:24: rules.1.when.networks.0: ${NETWORK}`],
  ['no network', '[10.0.0.0/8]', '[]', `24:23: rules.1.when.networks: ${ONE}`],
  [
    'a network that is no list',
    '[10.0.0.0/8]',
    '10.0.0.0/8',
    '24:23: rules.1.when.networks: expected a list',
  ],
  [
    'an unknown zone',
    'Europe/Zurich',
    'Mars/Olympus',
    '24:80: rules.1.when.hours.zone: expected a time zone such as Europe/Zurich or UTC',
  ],
  ['no zone', ', zone: Europe/Zurich', '', '24:44: rules.1.when.hours.zone: is missing: expected a string'],
  ['from the same time to the same', '"18:00"', '"08:00"', `24:65: rules.1.when.hours.to: ${EMPTY}`],
  [
    'from midnight to midnight, written differently',
    'from: "08:00", to: "18:00"',
    'from: "24:00", to: "00:00"',
    `24:65: rules.1.when.hours.to: ${EMPTY}`,
  ],
  ['an hour that there is not', '"18:00"', '"25:00"', `24:65: rules.1.when.hours.to: ${CLOCK}`],
  ['a minute after the last', '"18:00"', '"24:01"', `24:65: rules.1.when.hours.to: ${CLOCK}`],
  ['a time of one digit', '"18:00"', '"8:00"', `24:65: rules.1.when.hours.to: ${CLOCK}`],
  [
    'a day in full',
    'zone: Europe/Zurich',
    'days: [monday], zone: UTC',
    '24:81: rules.1.when.hours.days.0: Invalid option: expected one of "sun"|"mon"|"tue"|"wed"|"thu"|"fri"|"sat"',
  ],
  ['no day', 'zone: Europe/Zurich', 'days: [], zone: UTC', `24:80: rules.1.when.hours.days: ${ONE}`],
  [
    'a second factor that is true',
    'mfa: required',
    'mfa: true',
    '24:102: rules.1.when.mfa: Invalid input: expected "required"',
  ],
  [
    'a device that is there',
    'mfa: required',
    'device: yes',
    '24:105: rules.1.when.device: Invalid option: expected one of "bound"|"unbound"|"registered"|"verified"',
  ],
  ['no task', 'mfa: required', 'tasks: []', `24:104: rules.1.when.tasks: ${ONE}`],
  [
    'a misspelt condition, which would not be looked at',
    'mfa: required',
    'network: x',
    '24:97: rules.1.when.network: there is no such key here',
  ],
];

const ofTheRest: readonly Mistake[] = [
  [
    'disabled: neither e-mail nor subject',
    'email: mallory@example.com',
    'issuer: https://id.example',
    `36:5: ${DISABLED}`,
  ],
  ['disabled: a name', 'email: mallory@example.com', 'name: mallory', `36:5: ${DISABLED}`],
  ['disabled: both', 'email: mallory@example.com', 'email: a\n    subject: b', `36:5: ${DISABLED}`],
  ['disabled: a text', '- email: mallory@example.com', '- mallory@example.com', `36:5: ${DISABLED}`],
  ['disabled: a number', 'email: mallory@example.com', 'subject: 5', `36:5: ${DISABLED}`],
  [
    'disabled: nothing',
    'email: mallory@example.com',
    'email: ""',
    '36:12: disabled.0.email: Too small: expected string to have >=1 characters',
  ],
  [
    'disabled: an issuer by http',
    'email: mallory@example.com',
    'subject: x\n    issuer: http://id.example',
    `37:13: disabled.0.issuer: ${ISSUER}`,
  ],
  [
    'disabled: no list',
    '  - email: mallory@example.com',
    '  email: mallory@example.com',
    '36:3: disabled: expected a list',
  ],
  [
    'two webhooks of one name',
    'secrets/siem }',
    'secrets/siem }\n  - { name: siem, url: https://x.example, secretFile: s }',
    '39:13: webhooks.1.name: webhook 0 has the name "siem" already',
  ],
  [
    'a webhook that signs nothing',
    ', secretFile: secrets/siem',
    '',
    '38:5: webhooks.0.secretFile: is missing: whoever receives it could not tell who sent it',
  ],
  ['a webhook by http elsewhere', 'https://siem', 'http://siem', `38:24: webhooks.0.url: ${URL}`],
  [
    'a webhook by http to what only looks like this machine',
    'https://siem.example',
    'http://127.0.0.1.evil.example',
    `38:24: webhooks.0.url: ${URL}`,
  ],
  [
    'a webhook by another protocol',
    'https://siem.example/hook',
    'file:///etc/passwd',
    `38:24: webhooks.0.url: ${URL}`,
  ],
  [
    'a password in the URL (security case 15)',
    'https://siem',
    'https://me:secret@siem',
    `38:24: webhooks.0.url: ${URL}`,
  ],
  ['no URL', 'url: https://siem.example/hook, ', '', '38:5: webhooks.0.url: is missing: expected a string'],
  [
    'an event that there is not',
    'secrets/siem }',
    'secrets/siem, events: [glass] }',
    '38:86: webhooks.0.events.0: Invalid option: expected one of "access-requested"|"access-approved"|"access-denied"|"access-withdrawn"|"access-granted"|"access-used"|"access-returned"|"access-revoked"|"break-glass"|"break-glass-reviewed"|"policy-changed"|"run-deviated"|"task-ended"|"session-waits"|"calls-refused"',
  ],
  ['no events', 'secrets/siem }', 'secrets/siem, events: [] }', `38:85: webhooks.0.events: ${ONE}`],
  [
    'an unknown format',
    'secrets/siem }',
    'secrets/siem, format: xml }',
    '38:85: webhooks.0.format: Invalid option: expected one of "json"|"slack"',
  ],
  ['a webhook in capitals', 'name: siem', 'name: Siem', `38:13: webhooks.0.name: ${NAME}`],
  [
    'a claim without a name',
    'taskClaim: task',
    'taskClaim: ""',
    '5:14: identity.taskClaim: Too small: expected string to have >=1 characters',
  ],
];

describe('parseConfig, told about a mistake of access', () => {
  it.each([...ofRules, ...ofApproval, ...ofConditions, ...ofTheRest])(
    'names the place and the rule: %s',
    (_what, before, after, message) => {
      expect(messageOf(changed(before, after))).toBe(`custody.yaml:${message}`);
    },
  );
});
