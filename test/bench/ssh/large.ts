/**
 * npm run soak:ssh [-- --gib N]: more than the 4 GiB that a 32-bit counter holds, in one channel each way, through a gateway that
 * records. The hashes of what went in and what came out are compared, and the gateway's memory is watched.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { residentBytes } from '../machine.ts';
import { setSshStage } from './stage.ts';

const { values } = parseArgs({ options: { gib: { type: 'string', default: '5' } } });
const PIECE = randomBytes(2 ** 20);
const PIECES = Number(values.gib) * 1024;
/** What the gateway may grow by: slabs on their way to the disk, blocks on their way to a peer. */
const GROWTH_MAX = 256 * 2 ** 20;

const stage = await setSshStage();
try {
  const ways = [await up(), await down()];
  for (const way of ways) process.stdout.write(`${JSON.stringify(way)}\n`);
  if (ways.some(({ equal, grownMiB }) => !equal || grownMiB > GROWTH_MAX / 2 ** 20)) process.exitCode = 1;
} finally {
  await stage.stop();
}

interface Way {
  readonly way: 'up' | 'down';
  readonly gib: number;
  readonly seconds: number;
  readonly equal: boolean;
  readonly beforeMiB: number;
  readonly mostMiB: number;
  readonly grownMiB: number;
}

function up(): Promise<Way> {
  return watched('up', async () => {
    const child = ssh('sha256sum');
    const said = all(child);
    const hash = createHash('sha256');
    for (const piece of pieces()) {
      hash.update(piece);
      if (!child.stdin!.write(piece)) await once(child.stdin!, 'drain');
    }
    child.stdin!.end();
    return (await said).split(' ')[0] === hash.digest('hex');
  });
}

/** The target hashes what it sends with `tee`, and says so on its error stream. */
function down(): Promise<Way> {
  return watched('down', async () => {
    const command = `head -c ${PIECES * PIECE.length} /dev/urandom | tee >(sha256sum >&2)`;
    const child = ssh(`bash -c '${command}; wait'`);
    const hash = createHash('sha256');
    let bytes = 0;
    let said = '';
    child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stdout!.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      hash.update(chunk);
    });
    await once(child, 'close');
    return bytes === PIECES * PIECE.length && said.split(' ')[0] === hash.digest('hex');
  });
}

async function watched(way: Way['way'], work: () => Promise<boolean>): Promise<Way> {
  const pids = [stage.gateway.pid];
  const before = residentBytes(pids);
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, residentBytes(pids))), 250);
  const started = performance.now();
  const equal = await work();
  clearInterval(watch);
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const mib = (bytes: number): number => Math.round(bytes / 2 ** 20);
  const memory = { beforeMiB: mib(before), mostMiB: mib(most), grownMiB: mib(most - before) };
  return { way, gib: PIECES / 1024, seconds, equal, ...memory };
}

/** Each is another: what is lost, doubled or swapped shows. */
function* pieces(): Generator<Buffer> {
  for (let index = 0; index < PIECES; index += 1) {
    const piece = Buffer.from(PIECE);
    piece.writeUInt32LE(index);
    yield piece;
  }
}

function ssh(command: string): ChildProcess {
  return spawn('ssh', ['-F', stage.config, 'custody', command], { stdio: 'pipe' });
}

async function all(child: ChildProcess): Promise<string> {
  let said = '';
  child.stdout!.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await once(child, 'close');
  return said;
}
