import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { madeSandboxOf } from '#core/access/made-sandboxes.ts';

/** Lines are counted in the table below. */
const GOOD = `version: 1
identity: { issuer: https://id.example, audience: custody }
targets:
  orders-db:
    protocol: postgres
    address: db.internal:5432
    database: orders
    credential: { user: app, passwordFile: secrets/orders }
  sandbox-db:
    protocol: postgres
    sandbox: { from: orders-db }
    database: orders
    credential: { user: app, passwordFile: secrets/orders }
  web-1:
    protocol: ssh
    address: web.internal:22
    hostKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1nMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM"]
    logins: { demo: { keyFile: secrets/web } }
`;

function messageOf(before: string, after: string): string {
  expect(GOOD).toContain(before);
  try {
    parseConfig(
      GOOD.replace(before, () => after),
      'custody.yaml',
    );
  } catch (error) {
    return (error as Error).message;
  }
  return 'no mistake';
}

describe('a target that is made', () => {
  it('has no address, and what it is made of', () => {
    const target = parseConfig(GOOD, 'custody.yaml').targets.get('sandbox-db')!;
    expect(target.address).toBeUndefined();
    expect(madeSandboxOf(target)).toEqual({ from: 'orders-db', at: 'session', for: 3_600_000 });
  });

  it.each([
    ['from: orders-db', 'from: other', '11:22', 'no target is named "other"'],
    ['from: orders-db', 'from: sandbox-db', '11:22', 'is the target itself'],
    ['from: orders-db', 'from: web-1', '11:22', '"web-1" speaks another protocol'],
    ['from: orders-db', 'from: orders-db, at: then', '11:37', 'expected session or now'],
    ['from: orders-db', 'from: orders-db, for: 30s', '11:38', 'expected a time from 1m to 7d'],
    ['sandbox: { from: orders-db }', 'sandbox: false', '11:14', 'expected true, or { from'],
    [
      '    sandbox: {',
      '    address: db.internal:5432\n    sandbox: {',
      '11:14',
      'is for no target with sandbox.from',
    ],
    ['    address: db.internal:5432\n', '', '5:5', 'is missing: expected a string'],
    [
      '    address: web.internal:22\n',
      '    address: web.internal:22\n    sandbox: { from: orders-db }\n',
      '17:14',
      'expected true: only a database',
    ],
  ])('%s → %s: a mistake at its place', (before, after, place, words) => {
    const message = messageOf(before, after);
    expect(message).toContain(words);
    expect(message).toContain(`:${place}`);
  });

  it('is made of no target that is made itself', () => {
    const chain = GOOD.replace(
      '  orders-db:\n    protocol: postgres\n    address: db.internal:5432',
      '  orders-db:\n    protocol: postgres\n    sandbox: { from: sandbox-db }',
    );
    expect(() => parseConfig(chain, 'custody.yaml')).toThrow(
      'is made itself: name the target that holds the data',
    );
  });
});
