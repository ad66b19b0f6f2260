/**
 * In place of ssh: runs at HOME what the client wants to run, and writes down what passes, in the order in which it does: a byte for
 * the direction (0 in, 1 out, 2 err), a length, the bytes. The first piece is the command, of direction 3 (exec) or 4 (subsystem).
 */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

const { TEE_LOG: log, TEE_HOME: home } = process.env as { TEE_LOG: string; TEE_HOME: string };
const args = process.argv.slice(2);
const host = args.indexOf('host');
const command = args.slice(host + 1).join(' ');
const isSubsystem = args.slice(0, host).includes('-s');

function write(direction: number, bytes: Uint8Array): void {
  const head = Buffer.alloc(5);
  head[0] = direction;
  head.writeUInt32BE(bytes.length, 1);
  appendFileSync(log, Buffer.concat([head, bytes]));
}

write(isSubsystem ? 4 : 3, Buffer.from(command));
const program = isSubsystem
  ? spawn('/usr/lib/openssh/sftp-server', [], { cwd: home })
  : spawn('sh', ['-c', command], { cwd: home });
process.stdin.on('data', (bytes: Buffer) => {
  write(0, bytes);
  program.stdin.write(bytes);
});
process.stdin.on('end', () => program.stdin.end());
program.stdin.on('error', () => undefined);
program.stdout.on('data', (bytes: Buffer) => {
  write(1, bytes);
  process.stdout.write(bytes);
});
program.stderr.on('data', (bytes: Buffer) => {
  write(2, bytes);
  process.stderr.write(bytes);
});
program.on('close', (code) => {
  process.exitCode = code ?? 255;
  process.stdin.destroy();
});
