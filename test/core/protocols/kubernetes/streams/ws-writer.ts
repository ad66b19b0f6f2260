/** Frames as npm's ws writes them. */
import { Duplex } from 'node:stream';
import * as ws from 'ws';

interface Sent {
  readonly opcode?: 'ping' | 'close' | 'continuation';
  readonly payload: Buffer;
  readonly final?: boolean;
}

interface WsSender {
  send(data: Buffer, options: object, sent: () => void): void;
  ping(data: Buffer, mask: boolean, sent: () => void): void;
  close(code: number, data: Buffer, mask: boolean, sent: () => void): void;
}

/** `isClient`: masked. */
export async function frames(isClient: boolean, list: readonly Sent[]): Promise<Buffer> {
  const written: Buffer[] = [];
  const socket = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _, done) => {
      written.push(chunk);
      done();
    },
  });
  // Of its own parts, which its types leave out.
  const { Sender } = ws as unknown as { Sender: new (socket: Duplex, extensions: object) => WsSender };
  const sender = new Sender(socket, {});
  for (const { opcode, payload, final = true } of list)
    await new Promise<void>((sent) => {
      if (opcode === 'ping') sender.ping(payload, isClient, sent);
      else if (opcode === 'close') sender.close(1000, payload, isClient, sent);
      else sender.send(payload, { binary: true, mask: isClient, fin: final, compress: false }, sent);
    });
  return Buffer.concat(written);
}
