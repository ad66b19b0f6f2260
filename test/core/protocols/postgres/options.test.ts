import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { separateOptions } from '#core/protocols/postgres/options.ts';

const restOf = (options: string): string => separateOptions(options).rest;
const settingsOf = (options: string) => separateOptions(options).own.map((pair) => pair.join('='));

describe('what options say to the server', () => {
  it.each([
    ['', ''],
    ['  ', ''],
    ['-c custody.auth=oauthbearer', ''],
    ['-ccustody.auth=oauthbearer', ''],
    ['--custody.auth=oauthbearer', ''],
    [' -c  custody.auth=oauthbearer  -c a=b ', '-c a=b'],
    ['-c a=b -c custody.auth=password -c c=d', '-c a=b -c c=d'],
    ['-c a=b --custody.one=1 --custody.two=2 --c=d', '-c a=b --c=d'],
    ['-c mycustody.auth=ldap', '-c mycustody.auth=ldap'],
    ['-c a=my--custody.app -c b=x-ccustody.y', '-c a=my--custody.app -c b=x-ccustody.y'],
    ['-c a=b\\ --custody.auth=x', '-c a=b\\ --custody.auth=x'],
    ['-c custody.note=a\\ b -c a=b', '-c a=b'],
    ['-c a=b\\\\\\ c --custody.x=1', '-c a=b\\\\\\ c'],
    ['-c a=b\u00a0c -c custody.auth=password', '-c a=b\u00a0c'],
    ['-ec custody.auth=password -c a=b', '-e -c a=b'],
    ['-eccustody.auth=password', '-e'],
    ['-S 64 -c custody.auth=password -O', '-S 64 -O'],
    ['-S -c custody.auth=password', '-S -c custody.auth=password'],
    ['-d 5 -e', '-d 5 -e'],
    ['-c', '-c'],
    ['-c custody.auth', '-c custody.auth'],
    ['x -c custody.auth=password', 'x -c custody.auth=password'],
    ['-- -c custody.auth=password', '-- -c custody.auth=password'],
    ['- -c custody.auth=password', '- -c custody.auth=password'],
  ])('of %j is %j', (options, left) => {
    expect(restOf(options)).toBe(left);
  });

  it('is told in no more time than there is of it (security case 16)', () => {
    const letters = `-${'x'.repeat(1 << 20)}`;
    expect(restOf(`${letters}ccustody.auth=password`)).toBe(letters);
    expect(restOf(letters)).toBe(letters);
  });

  it('is every setting that is not for the gateway, as it was', () => {
    const name = fc.stringMatching(/^[a-z]{1,8}(\.[a-z]{1,8})?$/).filter((n) => !n.startsWith('custody.'));
    const value = fc.stringMatching(/^([a-z0-9=.,-]|\\[ \\]){1,12}$/);
    const dash = fc.constantFrom('-c ', '-c', '--');
    const setting = fc.tuple(dash, name, value).map(([d, n, v]) => `${d}${n}=${v}`);
    const own = fc.tuple(dash, value).map(([d, v]) => `${d}custody.auth=${v}`);
    const words = fc.array(fc.oneof(setting, own), { maxLength: 8 });
    fc.assert(
      fc.property(words, (all) => {
        const theirs = all.filter((word) => !/^(-c ?|--)custody\./.test(word));
        expect(restOf(all.join(' '))).toBe(theirs.join(' '));
      }),
    );
  });

  it('whatever comes, is made of what was there, and is read the same again', () => {
    const piece = fc.constantFrom('-', 'c', ' ', '\\', 'custody.', 'a', '=', '\n', '\u00e9', '--', 'S');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const { own, settings, rest } = separateOptions(pieces.join(''));
        expect(separateOptions(rest)).toEqual({ own: [], settings, rest });
        expect(rest.length + own.length).toBeLessThanOrEqual(pieces.join('').length + 2);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what options say to the gateway', () => {
  it.each([
    ['-c custody.reason=why', ['reason=why']],
    ['-c CUSTODY.REASON=Why', ['reason=Why']],
    ['--Custody.Reason=a\\ b\\\\c', ['reason=a b\\c']],
    ['-c custody.reason=a=b', ['reason=a=b']],
    ['-c custody.reason= -c custody.ticket=T-1', ['reason=', 'ticket=T-1']],
    ['-ec custody.target=orders', ['target=orders']],
    ['-c custody.reason=x -c custody.reason=y', ['reason=x', 'reason=y']],
    ['-c mycustody.reason=x -c custody=y --custody.=z', []],
    ['-c custody.reason=a\nb', ['reason=a']],
    ['--custody.some-thing=x', ['some_thing=x']],
    ['-c custody.reason=a\\\nb', ['reason=a\nb']],
  ])('%j', (options, settings) => {
    expect(settingsOf(options)).toEqual(settings);
  });
});

describe('the settings in what the server is told', () => {
  it.each([
    ['', []],
    ['-c search_path=a --Statement-Timeout=5s', ['search_path=a', 'statement_timeout=5s']],
    ['-c custody.x=1 -cA=b\\ c', ['a=b c']],
    ['-c a=b -e', undefined],
    ['-ec a=b', undefined],
    ['-d 5', undefined],
    ['-c a', undefined],
    ['a=b', undefined],
    ['-c a=b --', undefined],
  ])('of %j are %j', (options, settings) => {
    expect(separateOptions(options).settings?.map((pair) => pair.join('='))).toEqual(settings);
  });
});
