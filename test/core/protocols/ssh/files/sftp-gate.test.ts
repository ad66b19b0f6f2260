import { createHash, randomBytes } from 'node:crypto';
import {
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
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readAnswer, SftpStatus } from '#core/protocols/ssh/files/sftp-answers.ts';
import { Sftp } from '#core/protocols/ssh/files/sftp-stream.ts';
import type { SshRule } from '#core/protocols/ssh/schema.ts';
import { Behind, request, sftpGate } from './support.ts';

const READ = 1;
const WRITE = 2 | 8 | 16;
const INIT = Buffer.from([0, 0, 0, 5, Sftp.init, 0, 0, 0, 3]);
let root: string;
let behind: Behind | undefined;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'sftp-gate-')));
  for (const name of ['in', 'out', 'in/deep']) mkdirSync(join(root, name));
  writeFileSync(join(root, 'in/file'), 'allowed');
  writeFileSync(join(root, 'out/secret'), 'secret');
  symlinkSync('../out', join(root, 'in/leads-out'));
  symlinkSync('../out/secret', join(root, 'in/link'));
});
afterEach(() => {
  behind?.end();
  behind = undefined;
  rmSync(root, { recursive: true });
});

async function session(files: SshRule['files'], { digests = false, cut = 32_768 } = {}): Promise<Behind> {
  behind = new Behind(sftpGate(files, digests), root, cut);
  expect((await behind.ask(INIT))[4]).toBe(Sftp.version);
  return behind;
}

const inside = (): NonNullable<SshRule['files']> => ({
  upload: [`${root}/in/**`],
  download: [`${root}/in/**`],
});
const open = (path: string, flags: number, id = 1): Buffer =>
  request(Sftp.open, id, (to) => to.string(path).uint32(flags).uint32(0));
const paths = (type: number, ...names: string[]): Buffer =>
  request(type, 1, (to) => names.reduce((all, name) => all.string(name), to));
const extended = (name: string, ...names: string[]): Buffer =>
  request(Sftp.extended, 1, (to) => names.reduce((all, one) => all.string(one), to.string(name)));

function codeOf(message: Buffer): number | string {
  const answer = readAnswer(message);
  return answer.kind === 'status' ? answer.code : answer.kind;
}
function handleOf(message: Buffer): Uint8Array {
  const answer = readAnswer(message);
  if (answer.kind !== 'handle') throw new Error(`no handle but ${JSON.stringify(answer)}`);
  return answer.handle;
}

describe.each([32_768, 1, 7])('in pieces of %i bytes', (cut) => {
  test('a file below an allowed path is read and written, by absolute and by relative names', async () => {
    const sftp = await session(inside(), { cut });
    const handle = handleOf(await sftp.ask(open(`${root}/in/file`, READ)));
    const data = await sftp.ask(request(Sftp.read, 2, (to) => to.string(handle).uint64(0n).uint32(100)));
    expect(data.subarray(13).toString()).toBe('allowed');
    const written = handleOf(await sftp.ask(open('in/new', WRITE)));
    const write = request(Sftp.write, 3, (to) => to.string(written).uint64(0n).string('content'));
    expect(codeOf(await sftp.ask(write))).toBe(SftpStatus.ok);
    expect(readFileSync(join(root, 'in/new'), 'utf8')).toBe('content');
  });
});

describe('security case 4: sftp reaches no more than the rule says', () => {
  test.each([
    ['another file', (at: string) => open(`${at}/out/secret`, READ)],
    ['..', (at: string) => open(`${at}/in/../out/secret`, READ)],
    ['a relative ..', () => open('in/../out/secret', READ)],
    ['//', (at: string) => open(`${at}//out//secret`, READ)],
    ['a symbolic link', (at: string) => open(`${at}/in/link`, READ)],
    ['a directory that is one', (at: string) => open(`${at}/in/leads-out/secret`, READ)],
    ['a link followed by ..', (at: string) => open(`${at}/in/leads-out/../out/secret`, READ)],
    ['writing through a link', (at: string) => open(`${at}/in/leads-out/new`, WRITE)],
    ['no flags at all, which read', (at: string) => open(`${at}/out/secret`, 0)],
    ['truncation without writing', (at: string) => open(`${at}/out/secret`, READ | 16)],
    ['a NUL', (at: string) => open(`${at}/out/secret\0${at}/in/x`, READ)],
    ['listing', (at: string) => paths(Sftp.opendir, `${at}/out`)],
    ['listing through a link', (at: string) => paths(Sftp.opendir, `${at}/in/leads-out`)],
    ['stat through a link', (at: string) => paths(Sftp.stat, `${at}/in/link`)],
    ['lstat of a link with a slash', (at: string) => paths(Sftp.lstat, `${at}/in/leads-out/`)],
    ['remove', (at: string) => paths(Sftp.remove, `${at}/out/secret`)],
    ['remove through a link', (at: string) => paths(Sftp.remove, `${at}/in/leads-out/secret`)],
    ['rename in', (at: string) => paths(Sftp.rename, `${at}/out/secret`, `${at}/in/x`)],
    ['rename out', (at: string) => paths(Sftp.rename, `${at}/in/file`, `${at}/out/x`)],
    [
      'posix-rename in',
      (at: string) => extended('posix-rename@openssh.com', `${at}/out/secret`, `${at}/in/x`),
    ],
    ['hard link in', (at: string) => extended('hardlink@openssh.com', `${at}/out/secret`, `${at}/in/x`)],
    ['a symbolic link out', (at: string) => paths(Sftp.symlink, `${at}/out/secret`, `${at}/in/x`)],
    ['a relative symbolic link', (at: string) => paths(Sftp.symlink, '../../out/secret', `${at}/in/deep/x`)],
    ['realpath', (at: string) => paths(Sftp.realpath, `${at}/out/secret`)],
    ['expand-path', () => extended('expand-path@openssh.com', '~root')],
  ])('%s is refused', async (_, message) => {
    const sftp = await session(inside());
    expect(codeOf(await sftp.ask(message(root)))).toBe(SftpStatus.permissionDenied);
    expect(sftp.hands.notes.at(-1)).toMatchObject({ note: 'ssh-files-refused' });
    expect(sftp.tape.steps).toMatchObject([{ kind: 'file', outcome: 'denied', channel: 1 }]);
    expect(readFileSync(join(root, 'out/secret'), 'utf8')).toBe('secret');
  });

  test('an extension that is not known is refused', async () => {
    const sftp = await session(inside());
    expect(codeOf(await sftp.ask(extended('check-file', root)))).toBe(SftpStatus.unsupported);
  });

  test('a handle is good for what its file was opened for', async () => {
    const sftp = await session({ upload: [], download: [`${root}/in/**`] });
    const handle = handleOf(await sftp.ask(open(`${root}/in/file`, READ)));
    const write = request(Sftp.write, 2, (to) => to.string(handle).uint64(0n).string('x'));
    expect(codeOf(await sftp.ask(write))).toBe(SftpStatus.permissionDenied);
    const change = request(Sftp.fsetstat, 3, (to) => to.string(handle).uint32(4).uint32(0o777));
    expect(codeOf(await sftp.ask(change))).toBe(SftpStatus.permissionDenied);
    const guessed = request(Sftp.read, 4, (to) => to.string('none').uint64(0n).uint32(1));
    expect(codeOf(await sftp.ask(guessed))).toBe(SftpStatus.failure);
  });

  test('opening for nothing is reading', async () => {
    const sftp = await session({ upload: [`${root}/in/**`], download: [`${root}/in/deep/**`] });
    expect(codeOf(await sftp.ask(open(`${root}/in/file`, 0)))).toBe(SftpStatus.permissionDenied);
  });

  test.each(['../x', './x', 'IN/deep/../x'])(
    'a link that says %s would lead elsewhere once it is moved',
    async (says) => {
      const sftp = await session(inside());
      const link = paths(Sftp.symlink, says.replace('IN', `${root}/in`), `${root}/in/deep/link`);
      expect(codeOf(await sftp.ask(link))).toBe(SftpStatus.permissionDenied);
      const absolute = paths(Sftp.symlink, `${root}/in/x`, `${root}/in/deep/link`);
      expect(codeOf(await sftp.ask(absolute))).toBe(SftpStatus.ok);
    },
  );

  test('what is written where it may not be read is not moved to where it may', async () => {
    const sftp = await session({ upload: [`${root}/in/**`], download: [`${root}/in/deep/**`] });
    expect(codeOf(await sftp.ask(paths(Sftp.rename, `${root}/in/file`, `${root}/in/deep/file`)))).toBe(3);
    expect(codeOf(await sftp.ask(paths(Sftp.rename, `${root}/in/file`, `${root}/in/other`)))).toBe(0);
  });

  test('a directory does not take along what may not be moved', async () => {
    const sftp = await session({ upload: [`${root}/*/*`], download: [] });
    expect(codeOf(await sftp.ask(paths(Sftp.rename, `${root}/in/deep`, `${root}/in/d`)))).toBe(3);
    expect(codeOf(await sftp.ask(paths(Sftp.rename, `${root}/in/file`, `${root}/in/f`)))).toBe(0);
  });

  test('what a link in the same breath changes is seen', async () => {
    const sftp = await session(inside());
    sftp.send(
      request(Sftp.rename, 1, (to) => to.string(`${root}/in/link`).string(`${root}/in/moved`)),
      open(`${root}/in/moved`, READ, 2),
      request(Sftp.write, 3, (to) => to.string('none').uint64(0n).string('held back')),
    );
    expect(codeOf(await sftp.answer())).toBe(SftpStatus.ok);
    expect(codeOf(await sftp.answer())).toBe(SftpStatus.permissionDenied);
    expect(codeOf(await sftp.answer())).toBe(SftpStatus.failure);
  });

  test('parents of what is allowed are listed, and the home is told', async () => {
    const sftp = await session(inside());
    expect(codeOf(await sftp.ask(paths(Sftp.opendir, root)))).toBe('handle');
    expect(codeOf(await sftp.ask(paths(Sftp.realpath, '.')))).toBe('name');
    expect(codeOf(await sftp.ask(paths(Sftp.stat, `${root}/in/none`)))).toBe(SftpStatus.noSuchFile);
  });
});

test('digests: a file that is open as the channel ends is told of, as unfinished', async () => {
  const sftp = await session(undefined, { digests: true });
  const handle = handleOf(await sftp.ask(open(`${root}/in/big`, WRITE)));
  await sftp.ask(request(Sftp.write, 2, (to) => to.string(handle).uint64(10n).string('content')));
  sftp.end();
  behind = undefined;
  const sha256 = createHash('sha256').update('content').digest('hex');
  expect(sftp.tape.steps).toMatchObject([
    {
      outcome: 'unfinished',
      file: { whole: false, withheld: true, ranges: [{ from: 10, bytes: 7, sha256 }] },
    },
  ]);
});

test('refusals come in the order of the requests', async () => {
  const sftp = await session({ upload: [], download: ['**'] });
  sftp.send(
    ...Array.from({ length: 40 }, (_, id) =>
      id % 3 === 0
        ? open(`${root}/in/x`, WRITE, id)
        : request(Sftp.stat, id, (to) => to.string(`${root}/in`)),
    ),
  );
  for (let id = 0; id < 40; id += 1) expect(readAnswer(await sftp.answer())).toMatchObject({ id });
});

test('a client of a later version gets version 3', async () => {
  behind = new Behind(sftpGate(inside()), root);
  const answer = await behind.ask(Buffer.from([0, 0, 0, 5, Sftp.init, 0, 0, 0, 6]));
  expect(readAnswer(answer)).toEqual({ kind: 'version', version: 3 });
  expect(behind.hands.dropped.client).toBe(9);
});

test.each([32_768, 1000])(
  'digests: contents are zeros on the tape, and a note says what passed (%i)',
  async (cut) => {
    const sftp = await session(undefined, { digests: true, cut });
    const content = randomBytes(100_000);
    const handle = handleOf(await sftp.ask(open(`${root}/in/big`, WRITE)));
    for (let at = 0; at < content.length; at += 25_000) {
      const part = content.subarray(at, at + 25_000);
      const write = request(Sftp.write, 2, (to) => to.string(handle).uint64(BigInt(at)).string(part));
      expect(codeOf(await sftp.ask(write))).toBe(0);
    }
    await sftp.ask(request(Sftp.close, 3, (to) => to.string(handle)));
    const sha256 = createHash('sha256').update(content).digest('hex');
    const told = { note: 'ssh-file', path: `${root}/in/big`, bytes: 100_000, sha256 };
    expect(sftp.hands.notes).toEqual([{ ...told, direction: 'upload' }]);
    const again = handleOf(await sftp.ask(open(`${root}/in/big`, READ)));
    for (let at = 0; at <= content.length; at += 25_000)
      await sftp.ask(request(Sftp.read, 4, (to) => to.string(again).uint64(BigInt(at)).uint32(25_000)));
    await sftp.ask(request(Sftp.close, 5, (to) => to.string(again)));
    expect(sftp.hands.notes.at(-1)).toEqual({ ...told, direction: 'download', end: true });
    const shown = { sha256, transferred: 100_000, whole: true, withheld: true };
    expect(sftp.tape.steps).toMatchObject([
      { outcome: 'completed', file: { operation: 'write', ...shown } },
      { outcome: 'completed', file: { operation: 'read', ...shown } },
    ]);
    for (const side of ['client', 'target'] as const) {
      const tape = Buffer.concat(sftp.tape[side]);
      expect(tape.includes(content.subarray(300, 332))).toBe(false);
      expect(tape.includes(Buffer.alloc(900))).toBe(true);
    }
  },
);

test('what a target answers to nothing ends the channel', async () => {
  const gate = sftpGate(inside());
  behind = new Behind(gate, root);
  await behind.ask(INIT);
  gate.fromTarget(
    request(Sftp.status, 77, (to) => to.uint32(0)),
    behind.hands,
    false,
  );
  expect(behind.hands.closedWith).toContain('did not get');
});
