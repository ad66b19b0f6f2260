import { encodeSslRequest } from '#core/protocols/postgres/startup.ts';
import { failureWords } from '../failure-words.ts';
import { firstBytes, reach } from './reach.ts';
import { lookAtTls, type SeenTls } from './tls.ts';

/** How far a look at a PostgreSQL server came: the step that failed, and why; or all of them. */
export type SeenPostgres =
  | { readonly step: 'reached' | 'offered'; readonly words: string }
  | ({ readonly step: 'verified'; readonly words: string } & SeenTls)
  | ({ readonly step: 'done' } & SeenTls);

export interface PostgresTrust {
  readonly ca?: string;
  /** The host when not given. */
  readonly serverName?: string;
}

/** Connects, asks for TLS, and verifies; says nothing more, so nobody is logged in. Never rejects. */
export async function lookAtPostgres(
  host: string,
  port: number,
  trust: PostgresTrust,
): Promise<SeenPostgres> {
  let step: 'reached' | 'offered' = 'reached';
  try {
    const socket = await reach(host, port);
    step = 'offered';
    try {
      socket.write(encodeSslRequest());
      const answer = await firstBytes(socket);
      if (answer.toString('latin1') !== 'S') return { step, words: offerWords(answer) };
      const seen = await lookAtTls(socket, {
        ...{ serverName: trust.serverName ?? host, protocol: 'postgresql' },
        ...(trust.ca === undefined ? {} : { ca: trust.ca }),
      });
      return seen.refused === undefined
        ? { step: 'done', ...seen }
        : { step: 'verified', words: seen.refused, ...seen };
    } finally {
      socket.destroy();
    }
  } catch (error) {
    return { step, words: failureWords(error) };
  }
}

function offerWords(answer: Buffer): string {
  if (answer.length === 0) return 'it ended the connection without an answer';
  return answer.toString('latin1').startsWith('N') ? 'it offers no TLS' : 'it does not speak PostgreSQL';
}
