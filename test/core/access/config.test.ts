import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';

/** Lines are counted in the table below: keep them where they are. */
const GOOD = `version: 1
identity:
  issuer: https://id.example
  audience: custody
targets:
  orders-db:
    protocol: postgres
    address: db.internal:5432
    database: orders
    credential:
      user: app
      passwordFile: secrets/orders
    tls: { mode: verify-full }
rules:
  - name: developers-work
    groups: [developers]
    targets: [orders-db]
    allow: [connect, replay]
`;

/** The message for the good file with `before` replaced by `after`. */
function mistake(before: string, after: string): string {
  expect(GOOD).toContain(before);
  return messageOf(GOOD.replace(before, after));
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

const NAME_RULE =
  'a name has lower-case letters, digits, hyphens and underscores, at most 63, and a letter or digit first';

describe('parseConfig', () => {
  it('reads a good file, with defaults', () => {
    const { issuers, targets, rules } = parseConfig(GOOD, 'custody.yaml');
    expect(issuers).toEqual([
      {
        name: 'default',
        kind: 'person',
        issuer: 'https://id.example',
        audience: ['custody'],
        keysLastFor: 86_400_000,
        leeway: 0,
        groupsClaim: ['groups'],
        groupsPrefix: '',
        emailVerified: 'unless-denied',
        sharesPeople: false,
        backchannelLogout: false,
        keptClaims: [],
      },
    ]);
    expect(targets.get('orders-db')).toEqual({
      name: 'orders-db',
      onBlind: { hold: 15_000 },
      protocol: 'postgres',
      address: { host: 'db.internal', port: 5432 },
      database: 'orders',
      credential: { user: 'app', passwordFile: 'secrets/orders' },
      tls: { mode: 'verify-full' },
      exact: { searchPath: '"$user", public', timeZone: 'UTC', dateStyle: 'ISO, MDY', settings: {} },
      connect: { timeout: 10_000, userTimeout: 30_000, session: 'any' },
      recording: {
        durability: 'windowed',
        windowMs: 250,
        deadlineMs: 10_000,
        retention: { keep: 365 * 86_400_000, lock: 'governance', hold: false },
      },
    });
    expect(rules).toEqual([
      {
        name: 'developers-work',
        groups: ['developers'],
        targets: ['orders-db'],
        allow: ['connect', 'replay'],
        sessions: 'own',
      },
    ]);
  });

  it('verifies TLS to the target unless the file says otherwise', () => {
    const config = parseConfig(GOOD.replace('    tls: { mode: verify-full }\n', ''), 'custody.yaml');
    expect(config.targets.get('orders-db')).toMatchObject({ tls: { mode: 'verify-full' } });
  });

  it('takes names as databases have them, with underscores', () => {
    const text = GOOD.replaceAll('orders-db', 'orders_db_2').replace('developers-work', 'developers_work');
    const { targets, rules } = parseConfig(text, 'custody.yaml');
    expect([...targets.keys()]).toEqual(['orders_db_2']);
    expect(rules[0]).toMatchObject({ name: 'developers_work', targets: ['orders_db_2'] });
  });

  it('takes the time that a target may need for a login, and the certificates of RDS', () => {
    const more = (text: string): string => GOOD.replace('    tls: { mode: verify-full }\n', text);
    const config = parseConfig(
      more('    tls: { mode: verify-full, ca: rds }\n    connect: { timeout: 45s }\n'),
      'custody.yaml',
    );
    expect(config.targets.get('orders-db')).toMatchObject({
      tls: { mode: 'verify-full', ca: 'rds' },
      connect: { timeout: 45_000 },
    });
    for (const [text, words] of [
      ['    connect: { timeout: 6m }\n', 'expected a time from 1s to 5m, such as 10s'],
      ['    connect: { timeout: 999ms }\n', 'expected a time from 1s to 5m, such as 10s'],
      ['    tls: { mode: verify-full, ca: rds, caFile: ca.pem }\n', 'expected one of ca, caFile'],
    ] as const) {
      expect(() => parseConfig(more(text), 'custody.yaml')).toThrow(words);
    }
  });

  it('has the SHA-256 of the bytes as its version, so that any change is another version', () => {
    const version = (text: string): string => parseConfig(text, 'custody.yaml').version;
    expect(version(GOOD)).toBe(createHash('sha256').update(GOOD).digest('hex'));
    expect(version(`${GOOD}# reviewed\n`)).not.toBe(version(GOOD));
  });

  it.each([
    ['[::1]:5432', '::1'],
    ['127.0.0.1:5432', '127.0.0.1'],
    ['localhost:1', 'localhost'],
  ])('lets TLS be disabled for %s', (address, host) => {
    const text = GOOD.replace('db.internal:5432', `"${address}"`).replace('verify-full', 'disable');
    expect(parseConfig(text, 'custody.yaml').targets.get('orders-db')!.address?.host).toBe(host);
  });

  it('takes constructor and toString for the names of targets, as they are only names', () => {
    const text = GOOD.replaceAll('orders-db', 'constructor');
    expect([...parseConfig(text, 'custody.yaml').targets.keys()]).toEqual(['constructor']);
    expect(mistake('[orders-db]', '[constructor]')).toBe(
      'custody.yaml:17:15: rules.0.targets.0: no target is named "constructor"',
    );
  });
});

const TLS_LOOPBACK = 'TLS may be disabled only for a target on this machine (127.0.0.1, ::1, localhost)';
const ADDRESS = 'expected host:port, as in db.internal:5432 or [::1]:5432';
const ISSUER = 'expected an https URL (http only for an issuer on 127.0.0.1, ::1 or localhost)';

const mistakes: readonly [what: string, before: string, after: string, message: string][] = [
  ['an unknown key', 'rules:', 'rule: x\nrules:', '14:1: rule: there is no such key here'],
  [
    'a misspelt key, before what is missing for it',
    'database:',
    'databse:',
    '9:5: targets.orders-db.databse: there is no such key here',
  ],
  [
    'an unknown key in a rule',
    '    allow',
    '    denies: []\n    allow',
    '18:5: rules.0.denies: there is no such key here',
  ],
  [
    'a missing key',
    '    database: orders\n',
    '',
    '7:5: targets.orders-db.database: is missing: expected a string',
  ],
  ['no version', 'version: 1\n', '', '1:1: version: is missing'],
  ['another version', 'version: 1', 'version: 2', '1:10: version: Invalid input: expected 1'],
  ['a version in quotes', 'version: 1', 'version: "1"', '1:10: version: Invalid input: expected 1'],
  [
    'an empty value',
    'database: orders',
    'database:',
    '9:14: targets.orders-db.database: is empty: expected a string',
  ],
  [
    'a number for a text',
    'database: orders',
    'database: 5',
    '9:15: targets.orders-db.database: expected a string',
  ],
  [
    'a text for a mapping',
    '{ mode: verify-full }',
    'off',
    '13:10: targets.orders-db.tls: expected a mapping',
  ],
  ['a text for a list', '[developers]', 'developers', '16:13: rules.0.groups: expected a list'],
  ['no port', 'db.internal:5432', 'db.internal', `8:14: targets.orders-db.address: ${ADDRESS}`],
  ['port 0', 'internal:5432', 'internal:0', `8:14: targets.orders-db.address: ${ADDRESS}`],
  ['a port too high', 'internal:5432', 'internal:65536', `8:14: targets.orders-db.address: ${ADDRESS}`],
  ['an address with a user', 'db.internal', 'me@db.internal', `8:14: targets.orders-db.address: ${ADDRESS}`],
  ['an address with a path', '5432', '5432/x', `8:14: targets.orders-db.address: ${ADDRESS}`],
  ['a bad IPv6 address', 'db.internal', '"[:::1]:1" #', `8:14: targets.orders-db.address: ${ADDRESS}`],
  ['a bad IPv4 address', 'db.internal', '127.999.0.1', `8:14: targets.orders-db.address: ${ADDRESS}`],
  ['a host too long', 'db.internal', 'd'.repeat(254), `8:14: targets.orders-db.address: ${ADDRESS}`],
  [
    'TLS off for a remote host',
    'verify-full',
    'disable',
    `13:18: targets.orders-db.tls.mode: ${TLS_LOOPBACK}`,
  ],
  [
    'TLS half off',
    'verify-full',
    'prefer',
    '13:18: targets.orders-db.tls.mode: expected verify-full or disable',
  ],
  [
    'another protocol',
    'postgres',
    'mysql',
    '7:15: targets.orders-db.protocol: expected postgres, ssh or kubernetes',
  ],
  ['a target name in capitals', '  orders-db:', '  Orders:', `6:3: targets.Orders: ${NAME_RULE}`],
  ['a target name with a dot', '  orders-db:', '  orders.db:', `6:3: targets.orders.db: ${NAME_RULE}`],
  ['a target name with a plus', '  orders-db:', '  orders+db:', `6:3: targets.orders+db: ${NAME_RULE}`],
  [
    'a target name with an underscore first',
    '  orders-db:',
    '  _orders:',
    `6:3: targets._orders: ${NAME_RULE}`,
  ],
  ['a target name with a hyphen first', '  orders-db:', '  -orders:', `6:3: targets.-orders: ${NAME_RULE}`],
  ['a target named *', '  orders-db:', '  "*":', `6:3: targets.*: ${NAME_RULE}`],
  [
    'a target name too long',
    '  orders-db:',
    `  ${'o'.repeat(64)}:`,
    `6:3: targets.${'o'.repeat(64)}: ${NAME_RULE}`,
  ],
  [
    'an unknown target in a rule',
    '[orders-db]',
    '["*", oders]',
    '17:20: rules.0.targets.1: no target is named "oders"',
  ],
  [
    'a pattern for a target',
    '[orders-db]',
    '["orders-*"]',
    `17:15: rules.0.targets.0: expected * or a target's name: ${NAME_RULE}`,
  ],
  [
    'an unknown action',
    'connect',
    'conect',
    '18:13: rules.0.allow.0: Invalid option: expected one of "connect"|"replay"|"export"|"terminate"|"rerun"|"administer"',
  ],
  ['no group', '[developers]', '[]', '16:13: rules.0.groups: Too small: expected array to have >=1 items'],
  [
    'two rules of one name',
    '    allow: [connect, replay]\n',
    '    allow: [connect]\n  - { name: developers-work, groups: [a], targets: ["*"], allow: [replay] }\n',
    '19:13: rules.1.name: rule 0 has the name "developers-work" already: evidence tells rules apart by name',
  ],
  [
    'a key twice',
    'protocol: postgres',
    'protocol: postgres\n    protocol: postgres',
    '8:5: this key is there already',
  ],
  [
    'a key twice, spelt with an escape',
    'protocol: postgres',
    'protocol: postgres\n    "\\u0070rotocol": postgres',
    '8:5: this key is there already',
  ],
  [
    'a key twice, as a number and as text',
    'rules:',
    '  1: {}\n  "1": {}\nrules:',
    '15:3: this key is there already',
  ],
  ['a list for a key', 'rules:', '  ? [x]\n  : {}\nrules:', '14:5: a key must be text'],
  ['a target twice', 'rules:', '  orders-db: {}\nrules:', '14:3: this key is there already'],
  ['a tab', '  issuer', '\tissuer', '3:1: Tabs are not allowed as indentation'],
  ['an anchor', '[developers]', '&all [developers]', '16:18: anchors (&name) are not allowed'],
  ['an alias', '[orders-db]', '*all', '17:14: aliases (*name) are not allowed: write the value out'],
  ['a tag', 'database: orders', 'database: !env orders', '9:15: tags (!name) are not allowed'],
  [
    'a merge key',
    'protocol:',
    '<<: {}\n    protocol:',
    '7:5: targets.orders-db.<<: there is no such key here',
  ],
  ['a key of JavaScript', '  orders-db:', '  __proto__:', '6:3: __proto__ is not allowed'],
  ['two documents', 'rules:', '---\nrules:', '14:1: the file holds more than one document'],
  ['http to an issuer elsewhere', 'https:', 'http:', `3:11: identity.issuer: ${ISSUER}`],
  ['an issuer that is no URL', 'https://id.example', 'id.example', `3:11: identity.issuer: ${ISSUER}`],
  ['an issuer that is a file', 'https://id.example', 'file:///etc/x', `3:11: identity.issuer: ${ISSUER}`],
  [
    'a name that only looks like this machine',
    'https://id.example',
    'http://127.0.0.1.evil.example',
    `3:11: identity.issuer: ${ISSUER}`,
  ],
  [
    'a window too short',
    '    tls:',
    '    recording: { windowMs: 5 }\n    tls:',
    '13:28: targets.orders-db.recording.windowMs: Too small: expected number to be >=100',
  ],
  ['bytes that are not UTF-8', 'orders\n', 'or\uFFFDders\n', '9:17: the file is not UTF-8 here'],
];

describe('parseConfig, told about a mistake', () => {
  it.each(mistakes)('names the place and the rule: %s', (_what, before, after, message) => {
    expect(mistake(before, after)).toBe(`custody.yaml:${message}`);
  });

  it.each([
    ['', '1:1: the file is empty'],
    ['# nothing yet\n', '1:1: the file is empty'],
    ['null', '1:1: is empty: expected a mapping'],
    ['- a\n', '1:1: expected a mapping'],
    ['hello', '1:1: expected a mapping'],
  ])('refuses a file that holds %j', (text, message) => {
    expect(messageOf(text)).toBe(`custody.yaml:${message}`);
  });

  it('refuses a huge file before reading it', () => {
    expect(messageOf(`${GOOD}#${'x'.repeat(1 << 20)}`)).toBe('custody.yaml: the file is too large');
  });

  it('refuses an alias bomb without expanding it', () => {
    const levels = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}]`);
    expect(messageOf(`a0: &a0 [x]\n${levels.join('\n')}\n`)).toContain('are not allowed');
  });

  it.each(['[', '{a: ', '- ', '? '])('refuses nesting without end: %s', (open) => {
    expect(messageOf(open.repeat(100_000))).toContain('nested too deeply');
  });

  it('says what to do next', () => {
    expect(() => parseConfig('', 'custody.yaml')).toThrowError(
      expect.objectContaining({ hint: 'correct the file; custody config check says when it is good' }),
    );
  });

  it('throws config-invalid and nothing else, whatever is in the file', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom(
        '\n',
        '  ',
        '- ',
        ': ',
        '{',
        '}',
        '[',
        ']',
        '&a ',
        '*a',
        '!!x ',
        '|\n',
        '"',
        "'",
        '? ',
        '#',
        '%',
      ),
    );
    const edit = fc.tuple(fc.nat(GOOD.length), fc.nat(20), piece);
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        let text = GOOD;
        for (const [at, length, piece] of edits) text = text.slice(0, at) + piece + text.slice(at + length);
        expect(messageOf(text)).toMatch(/^no mistake$|^custody\.yaml:\d+:\d+: ./);
      }),
      { numRuns: 500 },
    );
  });
});

describe('where the console is', () => {
  const file = (url: string): string => `version: 1
identity: { issuer: https://id.example, audience: custody }
targets: {}
console: ${url}
`;
  it.each([
    'http://custody.example.com',
    'https://custody.example.com/',
    'https://custody.example.com?a',
    '"https://custody.example.com/|evil"',
    'javascript:alert(1)',
  ])('is not %s', (url) => {
    expect(() => parseConfig(file(url), 'custody.yaml')).toThrow('console: expected an https URL without');
  });
  it('is https, or this machine', () => {
    expect(parseConfig(file('https://a.example:8443/custody'), 'f').console).toBe(
      'https://a.example:8443/custody',
    );
    expect(parseConfig(file('http://127.0.0.1:7402'), 'f').console).toBe('http://127.0.0.1:7402');
  });
});
