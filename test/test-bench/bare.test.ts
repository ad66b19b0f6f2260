import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Ahead } from '#test/bench/peers/bare/ahead.ts';
import { eventually } from '#test/support/clients.ts';
import { selfSigned } from '#test/support/self-signed.ts';
import { freePort } from '#test/support/sshd.ts';

const PROGRAM = fileURLToPath(new URL('../bench/peers/bare/main.ts', import.meta.url));
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'custody-bare-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function startEcho(): Promise<number> {
  const echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  onTestFinished(() => void echo.close());
  return (echo.address() as { port: number }).port;
}

async function startBare(more: readonly string[]): Promise<number> {
  const folder = temporaryFolder();
  const made = await selfSigned('localhost');
  const [cert, key] = [join(folder, 'cert'), join(folder, 'key')];
  writeFileSync(cert, made.cert);
  writeFileSync(key, made.key);
  const [port, target] = [await freePort(), await startEcho()];
  const bare = spawn(process.execPath, [PROGRAM, `${port}`, `${target}`, cert, key, ...more]);
  onTestFinished(() => void bare.kill('SIGKILL'));
  return port;
}

/** What comes back from the target behind it. */
async function answerThrough(port: number, said: string): Promise<string> {
  const plain = await eventually('the relay to listen', async () => {
    const socket = connect(port, '127.0.0.1');
    return once(socket, 'connect').then(
      () => socket,
      () => undefined,
    );
  });
  plain.write(SSL_REQUEST);
  const [answer] = (await once(plain, 'data')) as [Buffer];
  expect(answer.toString()).toBe('S');
  const secure = connectTls({ socket: plain, rejectUnauthorized: false });
  secure.write(said);
  const [echoed] = (await once(secure, 'data')) as [Buffer];
  secure.destroy();
  return echoed.toString();
}

describe('the bare relay', () => {
  it('passes on what both sides say', async () => {
    expect(await answerThrough(await startBare([]), 'hello')).toBe('hello');
  });

  it('passes on what the client says once it is in the file', async () => {
    const journal = join(temporaryFolder(), 'journal');
    expect(await answerThrough(await startBare([journal]), 'hello')).toBe('hello');
    expect(readFileSync(journal).includes('hello')).toBe(true);
  });
});

it('signs and writes once for all that clients say in a turn of the loop, and tells them then', async () => {
  const path = join(temporaryFolder(), 'journal');
  const ahead = new Ahead(path);
  const told = Promise.withResolvers<Buffer>();
  ahead.wait(Buffer.from('one'), () => undefined);
  ahead.wait(Buffer.from('two'), () => told.resolve(readFileSync(path)));
  const written = await told.promise;
  // A signature, two lines of SHA-256 in hex, and what was said.
  expect(written.toString('latin1', 64 + 64 + 1 + 64).replaceAll('\0', '')).toBe('onetwo');
});
