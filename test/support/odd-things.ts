/** What somebody who can write to a folder may put where a verifier looks. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { promisify } from 'node:util';

export interface OddThing {
  readonly what: string;
  /** `from`: where the thing that was there has gone, if there was one. */
  readonly put: (path: string, from?: string) => Promise<void> | void;
}

const servers: Server[] = [];

/** Ends what `put` has started. */
export async function forgetSockets(): Promise<void> {
  await Promise.all(servers.splice(0).map((server) => promisify(server.close.bind(server))()));
}

export const oddThings: readonly OddThing[] = [
  { what: 'a folder', put: (path) => mkdirSync(path) },
  { what: 'a file of other bytes', put: (path) => writeFileSync(path, 'Bud1') },
  { what: 'an empty file', put: (path) => writeFileSync(path, '') },
  { what: 'a dangling link', put: (path) => symlinkSync('/nonexistent/x', path) },
  { what: 'a link to itself', put: (path) => symlinkSync(path, path) },
  { what: 'a link to /etc/passwd', put: (path) => symlinkSync('/etc/passwd', path) },
  { what: 'a link to /dev/zero', put: (path) => symlinkSync('/dev/zero', path) },
  { what: 'a link to what was there', put: (path, from) => symlinkSync(from ?? '/', path) },
  { what: 'a pipe', put: (path) => void execFileSync('mkfifo', [path]) },
  { what: 'a device', put: (path) => void execFileSync('mknod', [path, 'c', '1', '5']) },
  { what: 'a socket', put: listenAt },
  { what: 'a terabyte of nothing', put: makeSparse },
];

/** Names that nothing of ours has, as bytes; and what a finding calls them. */
export const oddNames: readonly { readonly name: Buffer; readonly shown: string }[] = [
  { name: Buffer.from('.DS_Store'), shown: '.DS_Store' },
  { name: Buffer.from('Thumbs.db'), shown: 'Thumbs.db' },
  { name: Buffer.from('OPEN.JSON'), shown: 'OPEN.JSON' },
  { name: Buffer.from('a b\n\x1b[2J'), shown: String.raw`a b\n\x1b[2J` },
  { name: Buffer.from('\u202e0.seg'), shown: String.raw`\u202e0.seg` },
  { name: Buffer.from([0x6f, 0xff, 0xfe]), shown: String.raw`o\xff\xfe` },
  { name: Buffer.from('__proto__'), shown: '__proto__' },
  { name: Buffer.from('x'.repeat(255)), shown: 'x'.repeat(100) },
];

/** Puts `thing` in the place of what is at `path`, until `work` is done. `aside`: where that waits meanwhile. */
export async function replacing(
  path: string,
  thing: OddThing,
  aside: string,
  work: () => Promise<void>,
): Promise<void> {
  const wasThere = existsSync(path);
  if (wasThere) renameSync(path, aside);
  try {
    await thing.put(path, wasThere ? aside : undefined);
    await work();
  } finally {
    rmSync(path, { recursive: true, force: true });
    if (wasThere) renameSync(aside, path);
  }
}

function listenAt(path: string): Promise<void> {
  const server = createServer();
  servers.push(server);
  return new Promise((resolve, reject) => server.once('error', reject).listen(path, resolve));
}

function makeSparse(path: string): void {
  const file = openSync(path, 'w');
  ftruncateSync(file, 2 ** 40);
  closeSync(file);
}
