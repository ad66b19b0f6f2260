import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';

const file = (orders: string, web: string): string => `version: 1
identity:
  issuer: https://id.example
  audience: custody
targets:
  orders-db:
    protocol: postgres
    address: db.internal:5432
    database: orders
    credential: { user: app, passwordFile: secrets/orders }
    redact:
      ${orders}
  web-1:
    protocol: ssh
    address: web:22
    hostKeys: ["ssh-ed25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
    logins: { deploy: { keyFile: secrets/web } }
    redact:
      ${web}
`;
const GOOD = ['columns: [email, people.card]', "patterns: ['\\d{16}']"] as const;

describe('redact of a target', () => {
  it('is columns and patterns', () => {
    const { targets } = parseConfig(file(...GOOD), 'custody.yaml');
    expect(targets.get('orders-db')!.redact).toEqual({ columns: ['email', 'people.card'], patterns: [] });
    expect(targets.get('web-1')!.redact).toEqual({ columns: [], patterns: ['\\d{16}'] });
  });

  it.each([
    [
      "patterns: [ok, '(a']",
      'custody.yaml:12:22: targets.orders-db.redact.patterns.1: is no regular expression of RE2',
    ],
    [
      "patterns: ['a*']",
      'custody.yaml:12:18: targets.orders-db.redact.patterns.0: is no regular expression of RE2: fits the empty text',
    ],
    [
      "patterns: ['(?=a)a']",
      'custody.yaml:12:18: targets.orders-db.redact.patterns.0: is no regular expression of RE2',
    ],
    [
      'columns: [people.]',
      'custody.yaml:12:17: targets.orders-db.redact.columns.0: expected column, or table.column',
    ],
  ])('%s is a mistake at its place', (orders, message) => {
    expect(() => parseConfig(file(orders, GOOD[1]), 'custody.yaml')).toThrow(message);
  });

  it('there are no columns in sessions of a shell', () => {
    expect(() => parseConfig(file(GOOD[0], 'columns: [email]'), 'custody.yaml')).toThrow(
      'targets.web-1.redact.columns: a session of ssh has no columns: write patterns',
    );
  });
});
