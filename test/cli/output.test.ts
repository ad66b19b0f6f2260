import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { buildEvidence, makeKeys, pem, threeSegments } from '#test/support/evidence-builder.ts';
import { CUSTODY, temporary } from './support.ts';

const keys = makeKeys();

/** Evidence in a folder, and its signer's key beside it. */
function evidence(isAltered: boolean): readonly string[] {
  const [folder, key] = [temporary(), join(temporary(), 'k')];
  for (const [name, bytes] of buildEvidence(keys, threeSegments())) writeFileSync(join(folder, name), bytes);
  writeFileSync(key, pem(keys.signer));
  if (!isAltered) return [folder, '--key', key];
  const segment = readFileSync(join(folder, '00000001.seg'));
  segment[20]! ^= 1;
  writeFileSync(join(folder, '00000001.seg'), segment);
  return [folder, '--key', key];
}

/** Its exit code with its output going where `redirection` says, and what it said. */
function ran(redirection: string, args: readonly string[]): { code: number; stderr: string } {
  const script = `"$@" ${redirection}; echo "code $PIPESTATUS" >&2`;
  const { stderr } = spawnSync('bash', ['-c', script, 'bash', process.execPath, CUSTODY, ...args], {
    encoding: 'utf8',
    env: { HOME: temporary() },
  });
  const [, said, code] = /^([^]*)code (\d+)\n$/.exec(stderr) ?? [];
  return { code: Number(code), stderr: said! };
}

describe('output that nobody takes', () => {
  let good: readonly string[];
  let altered: readonly string[];
  beforeEach(() => {
    [good, altered] = [evidence(false), evidence(true)];
  });

  it('never makes altered evidence verified, when the reader goes first', () => {
    expect(ran('| true', ['verify', ...altered])).toEqual({ code: 1, stderr: '' });
    expect([1, 2]).toContain(ran('| true', ['play', ...altered]).code);
  });

  it('is no failure of a list or of help', () => {
    expect(ran('| true', ['--help'])).toEqual({ code: 0, stderr: '' });
  });

  it('is said where a disk is full, without a stack, and is never "verified"', () => {
    const stderr = expect.stringMatching(/^custody: the output cannot be written: .*ENOSPC.*\n$/) as string;
    for (const args of [good, ['--json', ...good]])
      expect(ran('> /dev/full', ['verify', ...args])).toEqual({ code: 2, stderr });
    expect(ran('> /dev/full', ['verify', ...altered])).toEqual({ code: 1, stderr });
    expect(ran('> /dev/full', ['config', 'schema'])).toEqual({ code: 1, stderr });
  });
});
