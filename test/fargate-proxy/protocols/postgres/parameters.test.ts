import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import type { Harmless } from '#core/protocols/postgres/harmless.ts';
import { meaningFor } from '#core/protocols/postgres/meaning.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';
import { parametersForTarget } from '#proxy/protocols/postgres/parameters.ts';

const { targets } = parseConfig(
  `version: 1
identity: { issuer: "https://id.example", audience: c }
targets:
  orders: { protocol: postgres, address: "db:5432", database: main, credential: { user: app, passwordFile: p } }
`,
  'c',
);
const target = targets.get('orders') as PostgresTarget;
const settings = meaningFor(target);
/** What the target is sent, as its server would read it: the last of a name counts. */
const parameters = (asked: Record<string, string>, beside?: readonly Harmless[]) =>
  Object.fromEntries(sent([['user', 'dana'], ['database', 'orders'], ...Object.entries(asked)], beside));

function sent(
  asked: readonly (readonly [string, string | Uint8Array])[],
  beside?: readonly Harmless[],
): readonly (readonly [string, string])[] {
  const given = asked.map(([name, value]) => ({ name, value: Buffer.from(value as string) }));
  return parametersForTarget(
    given,
    target,
    beside && { what: 'this grant is for exact commands', settings, beside },
  ).map(([name, value]) => [name, Buffer.from(value as string).toString('latin1')] as const);
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
  const held = Object.fromEntries(settings);

  it('is its name and nothing else; the gateway sets what says how a text is read', () => {
    const asked = { application_name: 'psql', DateStyle: 'DMY', TimeZone: 'CET', client_encoding: 'SJIS' };
    expect(parameters({ ...asked, extra_float_digits: '3', options: '-c custody.reason=x' }, [])).toEqual({
      user: 'app',
      database: 'main',
      application_name: 'psql',
      ...held,
    });
    expect(held).toMatchObject({
      client_encoding: 'UTF8',
      standard_conforming_strings: 'on',
      search_path: '"$user", public',
      DateStyle: 'ISO, MDY',
      TimeZone: 'UTC',
    });
  });

  it.each<[name: string, value: string]>([
    ['options', '-c search_path=evil'],
    ['options', '-c statement_timeout=1 -c search_path=evil'],
    ['options', '--search-path=evil'],
    ['options', '-csearch_path=evil'],
    ['options', '-c SEARCH_PATH=evil'],
    ['options', '-d 5'],
    ['search_path', 'evil'],
    ['Search_Path', 'evil'],
    ['replication', 'database'],
    ['role', 'postgres'],
    ['session_authorization', 'postgres'],
    ['standard_conforming_strings', 'off'],
    ['_pq_.something', '1'],
    ['User', 'postgres'],
    ['options', '-ec a=b'],
  ])('%s %s is refused, not passed over', (name, value) => {
    for (const beside of [[], ['settings', 'transactions']] as const) {
      if (value.includes('statement_timeout') && beside.length === 0) continue;
      const missed = value.match(/search[-_]path/i) === null ? name : 'search_path';
      expect(() => parameters({ [name]: value }, beside)).toThrow(
        expect.objectContaining({
          code: 'not-approved',
          message: expect.stringContaining(missed.toLowerCase()) as string,
        }),
      );
    }
  });

  it('takes what the gateway sets itself, and harmless settings where the rule lets them pass', () => {
    const options = '-c search_path="$user",\\ public --statement-timeout=5s -c application_name=a\\ b';
    expect(parameters({ options }, ['settings'])).toEqual({
      user: 'app',
      database: 'main',
      statement_timeout: '5s',
      application_name: 'a b',
      ...held,
    });
    expect(() => parameters({ options }, ['transactions'])).toThrow(
      'without the setting "statement_timeout"',
    );
  });
});
