import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { READERS } from '#core/replay/readers.ts';
import type { SshStep } from '#core/replay/ssh/step.ts';
import { type Ran, runProgram, SshGateway } from '#test/support/ssh-gateway.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

const BLOB = randomBytes(2_000_001);
const SHA256 = createHash('sha256').update(BLOB).digest('hex');

describe.runIf(hasOpenSsh())('files under a rule with paths, and digests in place of contents', () => {
  let gateway: SshGateway;
  let root: string;
  beforeAll(async () => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'ssh-files-')));
    for (const name of ['up', 'other', 'here']) mkdirSync(join(root, name));
    writeFileSync(join(root, 'here/blob'), BLOB);
    symlinkSync('../other', join(root, 'up/out'));
    gateway = await SshGateway.start({
      target: 'recording: { files: digest }',
      rule: `ssh: { files: { upload: ["${root}/up/**"] } }`,
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    rmSync(root, { recursive: true, force: true });
  });

  async function run(
    program: string,
    args: readonly string[],
    input = '',
  ): Promise<{ ran: Ran; steps: SshStep[]; tape: Buffer }> {
    const before = (await gateway.sessions()).length;
    const env = await gateway.askpass();
    const ran = await runProgram(program, ['-P', String(gateway.port), ...gateway.options(), ...args], {
      input,
      env,
    });
    const { id } = await gateway.lastSession(before);
    expect((await gateway.verify(id)).findings).toEqual([]);
    const frames = await gateway.frames(id);
    async function* all() {
      yield* frames;
    }
    const steps: SshStep[] = [];
    for await (const { step } of READERS.get('ssh')!.steps(all(), 'whole', () => undefined))
      steps.push(step as SshStep);
    return { ran, steps, tape: Buffer.concat(frames.map(({ payload }) => payload)) };
  }
  const host = (): string => `${gateway.sshd.login}+web@127.0.0.1`;
  const files = (steps: readonly SshStep[]) => steps.filter(({ kind }) => kind === 'file');
  const passed = { sha256: SHA256, transferred: BLOB.length, whole: true, withheld: true };

  it('sftp goes where the rule says, and the steps say what passed while the tape has none of it', async () => {
    const lines = [`put ${root}/here/blob ${root}/up/blob`, `get ${root}/up/blob ${root}/here/back`];
    const { ran, steps, tape } = await run(
      'sftp',
      ['-o', 'BatchMode=no', '-b', '-', host()],
      `${lines.join('\n')}\n`,
    );
    expect(ran.stderr + ran.stdout.toString()).not.toContain('custody:');
    expect(ran.code).toBe(0);
    expect(readFileSync(join(root, 'up/blob')).equals(BLOB)).toBe(true);
    expect(readFileSync(join(root, 'here/back')).equals(BLOB)).toBe(true);
    expect(files(steps)).toMatchObject([
      { outcome: 'completed', file: { operation: 'write', path: { text: `${root}/up/blob` }, ...passed } },
      { outcome: 'completed', file: { operation: 'read', path: { text: `${root}/up/blob` }, ...passed } },
    ]);
    expect(tape.includes(BLOB.subarray(1000, 1032))).toBe(false);
  });

  it('security case 4: scp, which speaks sftp, is refused elsewhere, and where a link leads elsewhere', async () => {
    for (const to of ['other/blob', 'up/out/blob']) {
      const { ran, steps } = await run('scp', [join(root, 'here/blob'), `${host()}:${root}/${to}`]);
      expect(ran.code).not.toBe(0);
      expect(files(steps).at(-1)).toMatchObject({ outcome: 'denied', file: { operation: 'write' } });
      expect(existsSync(join(root, 'other/blob'))).toBe(false);
    }
  });

  it('security case 4: scp -O passes in the direction in which no path decides, with its digest', async () => {
    const down = await run('scp', ['-O', `${host()}:${root}/here/blob`, join(root, 'here/old')]);
    expect(down.ran).toMatchObject({ code: 0 });
    expect(readFileSync(join(root, 'here/old')).equals(BLOB)).toBe(true);
    expect(files(down.steps)).toMatchObject([
      { outcome: 'completed', file: { by: 'scp', operation: 'read', ...passed } },
    ]);
    expect(down.tape.includes(BLOB.subarray(1000, 1032))).toBe(false);
    const up = await run('scp', ['-O', join(root, 'here/blob'), `${host()}:${root}/up/old`]);
    expect(up.ran.code).not.toBe(0);
    expect(up.ran.stderr).toContain("leave out scp's -O");
    expect(existsSync(join(root, 'up/old'))).toBe(false);
  });
});
