/** A call that asks for another protocol: the cluster is asked on a connection of its own. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import type { AskedUpgrade } from '#core/protocols/kubernetes/upgrades.ts';
import { Stream } from '#core/recording/format.ts';
import type { Answer } from './answer.ts';
import type { Asking } from './asking.ts';
import { pairsOf } from './pairs.ts';
import type { CallSession } from './session.ts';
import { relayUpgrade, type Upgraded } from './upgrade.ts';

export interface UpgradeCallParts {
  readonly session: CallSession;
  readonly asking: Asking;
  readonly asked: AskedUpgrade;
  readonly number: number;
  /** The API's own path. */
  readonly path: string;
  /** All that the cluster is told: names and values, one after the other. */
  readonly headers: readonly string[];
  /** Where the cluster answers with anything else. */
  readonly answer: Answer;
  readonly onUpgraded: (upgraded: Upgraded) => void;
  /** The other answer has ended. */
  readonly onAnswered: () => void;
  readonly onRefused: (error: CustodyError) => void;
  readonly onLost: (cause: Error) => void;
}

/** What it returns may be destroyed while no answer is there. */
export function askUpgrade(parts: UpgradeCallParts): ClientRequest {
  const { session, asking, path, headers, onLost } = parts;
  const request = session.parts.upstream.upgrade(asking.method, path, headers);
  request.on('upgrade', (answer, socket, head) => granted(parts, answer, socket, head));
  request.on('response', (answer) => answered(parts, answer));
  request.on('error', onLost);
  request.end();
  return request;
}

function granted(parts: UpgradeCallParts, answer: IncomingMessage, target: Socket, rest: Buffer): void {
  const { session, asking, asked, number, onUpgraded, onRefused } = parts;
  const { records, options, target: cluster, userTimeoutMs } = session.parts;
  target.on('error', () => target.destroy());
  try {
    const headers = pairsOf(answer.rawHeaders);
    const form = asked.granted(answer.statusCode!, headers);
    if (!records.response(Stream.target, number, { status: answer.statusCode!, headers }))
      session.waitForRecorder();
    const client = { socket: asking.upgrade!.switched(), rest: asking.upgrade!.head };
    onUpgraded(
      relayUpgrade({
        client,
        target: { socket: target, rest },
        answer,
        form,
        records,
        call: number,
        memory: options.memory,
        bindings: options.bindings,
        userTimeoutMs: { client: userTimeoutMs, target: cluster.connect.userTimeout },
      }),
    );
  } catch (thrown) {
    target.destroy();
    onRefused(asCustodyError(thrown));
  }
}

function answered({ answer, onAnswered, onLost }: UpgradeCallParts, response: IncomingMessage): void {
  // Whoever answers may say what node does not say on, and nobody above would hear of that.
  const orLost = (work: () => void): void => {
    try {
      work();
    } catch (thrown) {
      response.destroy();
      onLost(asCustodyError(thrown));
    }
  };
  response.once('error', onLost);
  response.on('data', (chunk: Buffer) => orLost(() => answer.piece(chunk)));
  response.once('end', () => orLost(() => answer.end(response.rawTrailers, onAnswered)));
  orLost(() => answer.head(response.statusCode!, response.rawHeaders, response));
}
