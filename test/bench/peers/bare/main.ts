/**
 * node test/bench/peers/bare/main.ts PORT TARGET CERTIFICATE KEY [FILE]: the gateway's relay and nothing else. No identity, no policy, no
 * recorder, no evidence: what is left is what node takes for a connection and for its bytes. With FILE, what clients say is durable there,
 * signed, before it goes on.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { Relay, type RelayTape } from '#proxy/relay.ts';
import { RawEnd, streamBindings } from '#proxy/wire/raw-end.ts';
import { RelayMemory } from '#proxy/wire/relay-memory.ts';
import { Ahead, AheadTape } from './ahead.ts';

const [port, target, certificate, key, file] = process.argv.slice(2);
const context = createSecureContext({ cert: readFileSync(certificate!), key: readFileSync(key!) });
const [memory, bindings] = [new RelayMemory(), streamBindings()];
const ahead = file === undefined ? undefined : new Ahead(file);

const NOTHING = Buffer.alloc(0);
const UNRECORDED: RelayTape = {
  durability: 'windowed',
  ...{ position: 0, durable: 0, isLate: false, isAmongOthers: false },
  record: () => true,
  recorded: () => undefined,
  whenDurable: (durable) => durable(),
  note: () => undefined,
  whenCaughtUp: () => undefined,
  onWait: () => undefined,
};

async function serve(plain: Socket): Promise<void> {
  await once(plain, 'data');
  const server = connect({ port: Number(target), host: '127.0.0.1', noDelay: true });
  await once(server, 'connect');
  plain.write('S');
  const secure = new TLSSocket(plain, { isServer: true, secureContext: context });
  const sockets = [plain, secure, server];
  const destroy = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  for (const socket of sockets) socket.on('error', destroy);
  await once(secure, 'secure');
  const [client, far] = [secure, server].map((socket) => new RawEnd(socket, memory, bindings));
  new Relay({
    client: client!,
    target: far!,
    tape: ahead === undefined ? UNRECORDED : new AheadTape(ahead),
    memory,
    onClientBytes: () => undefined,
    onTargetBytes: () => undefined,
    onEnd: destroy,
  }).start((secure.read() as Buffer | null) ?? NOTHING, NOTHING);
}

createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  serve(socket).catch(() => socket.destroy());
}).listen(Number(port), '127.0.0.1');
