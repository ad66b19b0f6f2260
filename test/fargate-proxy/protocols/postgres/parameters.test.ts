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
/** What the target is sent, as its server would read it: the last of a name counts. */
const parameters = (asked: Record<string, string>, exact = false) =>
  Object.fromEntries(sent([['user', 'dana'], ['database', 'orders'], ...Object.entries(asked)], exact));

function sent(
  asked: readonly (readonly [string, string | Uint8Array])[],
  exact = false,
): readonly (readonly [string, string])[] {
  const given = asked.map(([name, value]) => ({ name, value: Buffer.from(value as string) }));
  return parametersForTarget(given, target, exact).map(
    ([name, value]) => [name, Buffer.from(value as string).toString('latin1')] as const,
  );
}

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
    expect(parameters({ 'Custody.Reason': 'x' })).toEqual({ user: 'app', database: 'main' });
  });

  it('reaches it as it was sent: in order, repeated, in any encoding', () => {
    const latin1 = Buffer.from('Z\xfcrich', 'latin1');
    const asked = [
      ['application_name', 'first'],
      ['user', 'dana'],
      ['application_name', latin1],
      ['User', 'mallory'],
      ['user', 'postgres'],
      ['database', 'orders'],
      ['database', 'template1'],
    ] as const;
    expect(sent(asked)).toEqual([
      ['user', 'app'],
      ['database', 'main'],
      ['application_name', 'first'],
      ['application_name', 'Z\xfcrich'],
      ['User', 'mallory'],
    ]);
  });
});

describe('for a session that runs exact commands alone (security case 23)', () => {
  it('is its name and nothing else; the texts are UTF-8', () => {
    const asked = { application_name: 'psql', DateStyle: 'DMY', TimeZone: 'UTC', client_encoding: 'SJIS' };
    expect(parameters({ ...asked, options: '-c custody.reason=x', 'custody.ticket': 'T' }, true)).toEqual({
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
    ['User', 'postgres'],
  ])('%s is refused, not passed over', (name, value) => {
    expect(() => parameters({ [name]: value }, true)).toThrow(
      expect.objectContaining({
        code: 'not-approved',
        message: expect.stringContaining(name.toLowerCase()) as string,
      }),
    );
  });
});
