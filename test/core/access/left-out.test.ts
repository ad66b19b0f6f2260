import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { leftOutOf } from '#core/access/left-out.ts';

const target = (name: string, place: string, redact = ''): string =>
  `  ${name}: { protocol: postgres, ${place}, database: main, credential: { user: app, passwordFile: s }${redact} }\n`;
const AT = 'address: "db:5432"';
const policy = (targets: string, rule = '') =>
  parseConfig(
    `version: 1
identity: { issuer: https://id.example, audience: custody }
targets:
${targets}rules:
  - { name: look, groups: [auditors], targets: ["*"], allow: [replay]${rule} }
`,
    'custody.yaml',
  );

describe('what of recordings is left out', () => {
  const orders = target('orders-db', AT, ", redact: { columns: [email], patterns: ['sk_[a-z]+'] }");

  it('security case 7: of a sandbox what its source leaves out, and what it does itself', () => {
    const own = ', redact: { columns: [email, phone] }';
    const made = target('sandbox-db', 'sandbox: { from: orders-db, for: 1h }');
    const more = target('other-db', 'sandbox: { from: orders-db, for: 1h }', own);
    const config = policy(`${orders}${made}${more}`);
    const source = { columns: ['email'], patterns: ['sk_[a-z]+'] };
    expect(leftOutOf('orders-db', config)).toEqual(source);
    expect(leftOutOf('sandbox-db', config)).toEqual(source);
    expect(leftOutOf('other-db', config)).toEqual({ ...source, columns: ['email', 'phone'] });
  });

  it('security case 7: everything of a target that the file has no more, where it leaves out anything', () => {
    const stock = target('stock-db', AT);
    expect(leftOutOf('gone-db', policy(`${orders}${stock}`))).toBe('all');
    expect(leftOutOf('gone-db', policy(stock, ', unredacted: true'))).toBe('all');
    expect(leftOutOf('gone-db', policy(stock))).toBeUndefined();
    expect(leftOutOf('stock-db', policy(`${orders}${stock}`))).toBeUndefined();
    expect(leftOutOf('stock-db', policy(target('stock-db', AT, ', redact: {}')))).toBeUndefined();
  });
});
