import type { Socket } from 'node:net';
import { CustodyError } from '#core/errors.ts';
import { Frontend } from '#core/protocols/postgres/messages.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';
import { cstring, message } from '#core/protocols/postgres/wire.ts';
import { HandshakeReader } from '../../wire/handshake.ts';
import { ServerSaid } from './server-said.ts';
import { nextTyped } from './typed-message.ts';

/** SQLSTATE read_only_sql_transaction. */
export const READ_ONLY = '25006';
const QUESTION = message(Frontend.query, cstring('SHOW transaction_read_only'));

/**
 * Asks a server that has just let the gateway in, and nobody else yet, whether it can write: a standby and Aurora's readers say so. Leaves
 * the connection as it was, and resolves with what came behind its answer. Rejects with `target-refused` for one that only reads, and
 * with `target-lost`.
 */
export async function refuseReadOnly(
  socket: Socket,
  { name }: Pick<PostgresTarget, 'name'>,
): Promise<Buffer> {
  const reader = new HandshakeReader(socket);
  socket.write(QUESTION);
  let answer: string | undefined;
  for (;;) {
    const { message: said } = await nextTyped(reader);
    if (said.kind === 'data-row') answer = Buffer.from(said.values[0] ?? []).toString();
    if (said.kind === 'ready-for-query') break;
  }
  if (answer === 'off') return reader.rest();
  throw new CustodyError('target-refused', `the target "${name}" can only be read at the moment`, {
    hint: 'it may be failing over: connect again',
    cause: new ServerSaid(READ_ONLY, `transaction_read_only is ${answer}`),
  });
}
