/** Agents for OpenSSH's clients: its own, with keys of files, and one that speaks for authenticators in software. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { eventually } from './clients.ts';
import type { SoftwareAuthenticator } from './software-authenticator.ts';

export interface Agent {
  /** What `IdentityAgent` is set to. */
  readonly path: string;
  stop(): Promise<void>;
}

/** OpenSSH's ssh-agent with these keys, which it offers in this order. */
export async function startAgent(path: string, files: readonly string[]): Promise<Agent> {
  const child = spawn('ssh-agent', ['-D', '-a', path], { stdio: 'ignore' });
  const over = new Promise<void>((done) => child.once('close', () => done()));
  await eventually('ssh-agent to listen', () => existsSync(path) || undefined);
  const env = { ...process.env, SSH_AUTH_SOCK: path };
  for (const file of files) execFileSync('ssh-add', ['-q', file], { env, stdio: 'pipe' });
  return {
    path,
    stop: () => {
      child.kill('SIGTERM');
      return over;
    },
  };
}

/** One that holds this authenticator's key, and signs with these flags (draft-ietf-sshm-ssh-agent, section 3). */
export async function startTouchingAgent(
  path: string,
  authenticator: SoftwareAuthenticator,
  flags: number,
): Promise<Agent> {
  const server = createServer((socket) => answer(socket, authenticator, flags));
  await new Promise<void>((listening) => server.listen(path, listening));
  return {
    path,
    stop: async () => {
      await new Promise((closed) => server.close(closed));
      rmSync(path, { force: true });
    },
  };
}

const Message = { failure: 5, list: 11, keys: 12, sign: 13, signature: 14 } as const;

function answer(socket: Socket, authenticator: SoftwareAuthenticator, flags: number): void {
  let bytes = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (more) => {
    bytes = Buffer.concat([bytes, more]);
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) {
      const end = 4 + bytes.readUInt32BE(0);
      socket.write(string(answerTo(bytes.subarray(4, end), authenticator, flags)));
      bytes = bytes.subarray(end);
    }
  });
}

function answerTo(asked: Buffer, authenticator: SoftwareAuthenticator, flags: number): Buffer {
  switch (asked[0]) {
    case Message.list:
      return Buffer.concat([
        Buffer.of(Message.keys, 0, 0, 0, 1),
        string(authenticator.blob),
        string(Buffer.from('test')),
      ]);
    case Message.sign: {
      const data = 5 + asked.readUInt32BE(1);
      const message = asked.subarray(data + 4, data + 4 + asked.readUInt32BE(data));
      return Buffer.concat([Buffer.of(Message.signature), string(authenticator.sign(message, flags))]);
    }
    default:
      return Buffer.of(Message.failure);
  }
}

function string(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
