import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { parametersForTarget } from '#proxy/protocols/postgres/parameters.ts';

const { targets } = parseConfig(
  `version: 1
identity: { issuer: "https://id.example", audience: c }
targets:
  orders: { protocol: postgres, address: "db:5432", database: main, credential: { user: app, passwordFile: p } }
`,
  'c',
);
const target = targets.get('orders')!;
const parameters = (asked: Record<string, string>, exact = false) =>
  Object.fromEntries(
    parametersForTarget(
      new Map(Object.entries({ user: 'dana', database: 'orders', ...asked })),
      target,
      exact,
    ),
  );

describe('what a client asks for at its start', () => {
  it('reaches the target, but for user, database and what was meant for the gateway', () => {
    const options = '-c custody.auth=password -c search_path=a --custody.reason=x\\ y -c work_mem=1';
    expect(parameters({ application_name: 'psql', options, DateStyle: 'ISO' })).toEqual({
      user: 'app',
      database: 'main',
      application_name: 'psql',
      options: '-c search_path=a -c work_mem=1',
      DateStyle: 'ISO',
    });
    expect(parameters({ options: '-c custody.reason=x' })).not.toHaveProperty('options');
  });
});

describe('for a session that runs exact commands alone (security case 23)', () => {
  it('is its name and nothing else; the texts are UTF-8', () => {
    const asked = { application_name: 'psql', DateStyle: 'DMY', TimeZone: 'UTC', client_encoding: 'SJIS' };
    expect(parameters({ ...asked, options: '-c custody.reason=x' }, true)).toEqual({
      user: 'app',
      database: 'main',
      application_name: 'psql',
      client_encoding: 'UTF8',
    });
  });

  it.each<[name: string, value: string]>([
    ['options', '-c search_path=evil'],
    ['search_path', 'evil'],
    ['Search_Path', 'evil'],
    ['replication', 'database'],
    ['role', 'postgres'],
    ['session_authorization', 'postgres'],
    ['_pq_.something', '1'],
  ])('%s is refused, not passed over', (name, value) => {
    expect(() => parameters({ [name]: value }, true)).toThrow(
      expect.objectContaining({
        code: 'not-approved',
        message: expect.stringContaining(name.toLowerCase()) as string,
      }),
    );
  });
});
