import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type BackendMessage, parseBackend } from '#core/protocols/postgres/backend.ts';
import { passwordMessage } from '#core/protocols/postgres/frontend.ts';
import { md5Password } from '#core/protocols/postgres/md5.ts';
import { MessageReader } from '#core/protocols/postgres/messages.ts';
import { encodeStartup } from '#core/protocols/postgres/startup.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import type { DebianPostgres } from './debian-postgres.ts';

/** A hand-written client of a real PostgreSQL that asks for md5, and all that both of them said, as a recording has it. */
export class RecordedClient {
  readonly frames: ReplayFrame[] = [];
  readonly messages: BackendMessage[] = [];
  readonly #socket: Socket;
  readonly #reader = new MessageReader(1 << 26);
  #ready = 0;
  closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  /** Logged in, with these settings in its startup packet. */
  static async login(
    { port, password }: DebianPostgres,
    settings: readonly (readonly [string, string])[] = [],
  ): Promise<RecordedClient> {
    const socket = connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    const client = new RecordedClient(socket);
    const parameters = [['user', 'app'], ['database', 'postgres'], ...settings] as const;
    client.send(encodeStartup({ minor: 0, parameters }));
    const asked = await client.find('authentication-md5');
    client.send(passwordMessage(md5Password('app', password, asked.salt)));
    await client.ready();
    return client;
  }

  /** What is said at a login as `user` (one character a byte) that fails. */
  static async refused({ port }: DebianPostgres, user: string): Promise<ReplayFrame[]> {
    const socket = connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    const client = new RecordedClient(socket);
    const startup = Buffer.from(encodeStartup({ minor: 0, parameters: [['user', '?'.repeat(user.length)]] }));
    startup.write(user, startup.indexOf('?'), 'latin1');
    client.send(startup);
    await client.find('authentication-md5');
    client.send(passwordMessage('wrong'));
    await client.find('error');
    return client.frames;
  }

  /** One write, and one frame. */
  send(...messages: readonly Uint8Array[]): void {
    const payload = Buffer.concat(messages);
    this.#record('client', payload);
    this.#socket.write(payload);
  }

  /** Sends, and waits until the server is ready again: once, or as often as there is something to wait for. */
  async ask(...messages: readonly Uint8Array[]): Promise<void> {
    this.send(...messages);
    await this.ready();
  }

  async ready(times = 1): Promise<void> {
    while (this.#ready < times && !this.closed) await this.#heard();
    this.#ready -= times;
  }

  async find<Kind extends BackendMessage['kind']>(
    kind: Kind,
  ): Promise<Extract<BackendMessage, { kind: Kind }>> {
    const is = (message: BackendMessage): message is Extract<BackendMessage, { kind: Kind }> =>
      message.kind === kind;
    for (;;) {
      const found = this.messages.find(is);
      if (found !== undefined) return found;
      if (this.closed) throw new Error(`the server closed the connection before a ${kind}`);
      await this.#heard();
    }
  }

  end(): void {
    this.#socket.destroy();
  }

  /** Something came, or nothing will any more. */
  async #heard(): Promise<void> {
    const over = new AbortController();
    const { signal } = over;
    await Promise.race([once(this.#socket, 'data', { signal }), once(this.#socket, 'close', { signal })]);
    over.abort();
  }

  #receive(chunk: Buffer): void {
    this.#record('target', Buffer.from(chunk));
    this.#reader.push(chunk);
    for (const message of this.#reader) {
      if (message.truncated) continue;
      const parsed = parseBackend(message.type, message.body.slice());
      if (parsed.kind === 'ready-for-query') this.#ready++;
      else this.messages.push(parsed);
    }
  }

  #record(stream: ReplayFrame['stream'], payload: Uint8Array): void {
    this.frames.push({ stream, withheld: false, timeUs: this.frames.length * 1000, payload });
  }
}
