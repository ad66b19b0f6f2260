import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bareStatement, nameStatements, statementHash } from '#core/access/statements.ts';

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('a command by its hash', () => {
  it.each([
    ['select 1', 'select 1'],
    [' \t\r\n\v\fselect 1 \n', 'select 1'],
    ['select 1;', 'select 1'],
    ['select 1 ; ;\n;', 'select 1'],
    [';select 1', ';select 1'],
    ["select ' ; '", "select ' ; '"],
    ['select  1', 'select  1'],
    ['SELECT 1', 'SELECT 1'],
    ['\u00a0select 1', '\u00a0select 1'],
    [' ;; ', ''],
  ])('of %j is that of %j', (text, bare) => {
    expect(bareStatement(text)).toBe(bare);
    expect(statementHash(text)).toBe(sha(bare));
  });

  it('is that of the bare command, and no other text has it', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        expect(statementHash(one)).toBe(statementHash(bareStatement(one)));
        const same = bareStatement(one) === bareStatement(other);
        expect(statementHash(one) === statementHash(other)).toBe(same);
      }),
    );
  });
});

it('a text of semicolons costs no more than its length (security case 16)', () => {
  const text = `${';'.repeat(4 << 20)}x`;
  expect(bareStatement(text)).toBe(text);
});

describe('commands to be approved', () => {
  it('keep their order, their texts, and how often they are named', () => {
    const named = nameStatements(['select 1;', 'select 2', 'select 1']);
    expect(named.map(({ text }) => text)).toEqual(['select 1;', 'select 2', 'select 1']);
    expect(named[0]!.sha256).toBe(named[2]!.sha256);
  });

  it.each([
    [['select 1', ' ; '], 'command 2 is empty'],
    [['select \0'], 'command 1 is not text that can be sent'],
    [['select \ud800'], 'command 1 is not text that can be sent'],
    [Array<string>(101).fill('select 1'), 'at most 100 commands can be approved at once'],
    [['é'.repeat(32_769)], 'the commands are longer than 65536 bytes in all'],
  ])('are refused: %j', (texts, message) => {
    expect(() => nameStatements(texts)).toThrow(expect.objectContaining({ code: 'format-invalid', message }));
  });
});
