import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seenCommandLine } from '#core/protocols/ssh/shapes/argv.ts';
import { sshShapes } from '#core/protocols/ssh/shapes/shapes.ts';
import type { DeclaredCommand } from '#core/tasks/schema.ts';
import { workflowSchema } from '#core/tasks/schema.ts';
import { isReadable, type SeenCommand } from '#core/tasks/seen.ts';

function command(...argv: string[]): DeclaredCommand {
  const values = Object.fromEntries(
    argv.flatMap((word) => /\$\d$/.exec(word)?.[0] ?? []).map((hole) => [hole, { type: 'text' }]),
  );
  const task = { target: 'web-1', by: { groups: ['a'] }, contract: { does: [{ name: 'c', argv, values }] } };
  return workflowSchema.parse({ tasks: { t: task } }).tasks['t']!.contract.does[0]!;
}

function seen(line: string): SeenCommand {
  const found = seenCommandLine(line);
  if (!isReadable(found)) throw new Error(`${line}: ${found.why}`);
  return found;
}

describe('the shape of a command line', () => {
  it('is the same however it is quoted and spaced', () => {
    const lines = ['refund --id 5', "refund  --id '5'", String.raw`"refund" --i\d 5`, 'refund --id 6'];
    const shapes = lines.map((line) => seen(line).shape);
    expect(new Set(shapes).size).toBe(1);
    expect(seen('refund --id 5').text).toBe('refund $1 $2');
  });

  it('is another for another program, more words, or a value in its option', () => {
    const lines = ['refund 5', 'refunds 5', 'refund 5 6', 'refund --id=5', 'refund'];
    expect(new Set(lines.map((line) => seen(line).shape)).size).toBe(lines.length);
    expect(seen('refund --id=5')).toMatchObject({
      text: 'refund --id=$1',
      values: [{ kind: 'any', text: '5' }],
    });
  });

  it.each([
    'refund 5; rm -rf /',
    'refund $(id)',
    'refund `id`',
    'refund $HOME',
    'refund 5 > /etc/passwd',
    'refund *',
    'refund ~root',
    'refund 5 && id',
    'refund 5\nid',
    'A=1 refund 5 | tee x',
    '"refund',
    '',
    `refund ${'x'.repeat(17_000)}`,
  ])('is none where a shell does more: %j', (line) => {
    expect(isReadable(seenCommandLine(line))).toBe(false);
  });
});

describe('a command of a contract', () => {
  it('has what it writes as fixed, and the rest open', () => {
    const declared = sshShapes.declare(command('refund', '--id', '$1', '--why=$2'));
    expect(declared.shape).toBe(seen('refund --id 5 --why=lost').shape);
    expect(declared.places).toEqual([
      { constant: { kind: 'any', text: '--id' } },
      { hole: '$1' },
      { hole: '$2' },
    ]);
  });

  it('is refused where it could not be told from others', () => {
    expect(() => sshShapes.declare(command('$1', 'x'))).toThrow('never open');
    expect(() => sshShapes.declare(command('cp', '$1', '$1'))).toThrow('one place alone');
  });

  it('is written for a shell so that the shell reads the same words', () => {
    const word = fc
      .string({ unit: 'binary', minLength: 0 })
      .filter((text) => !/\0/.test(text) && text.isWellFormed());
    fc.assert(
      fc.property(word, (value) => {
        const run = sshShapes.render(command('printf', '%s', '$1'), new Map([['$1', value]]));
        const { command: line } = run as { command: string };
        expect(execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8' })).toBe(value);
      }),
      { numRuns: 40 },
    );
  });

  it('is written into a contract from what was seen, and is that command', () => {
    const was = seen('refund --id 5 --why=lost');
    const written = sshShapes.write(was, [false, true, false]);
    expect(written).toEqual({ argv: ['refund', '--id', '$1', '--why=lost'] });
    expect(sshShapes.declare(command(...written.argv!)).shape).toBe(was.shape);
    expect(() => sshShapes.write(seen("refund '$1'"), [false])).toThrow('cannot be written');
  });

  it('needs a value for each open word', () => {
    expect(() => sshShapes.render(command('cat', '$1'), new Map())).toThrow('$1 needs a value');
    expect(() => sshShapes.render(command('cat', '$1'), new Map([['$1', 'a\0b']]))).toThrow(
      '$1 needs a value',
    );
  });
});
