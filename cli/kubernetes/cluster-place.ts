/** Requests to a cluster through the gateway. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import { CustodyError } from '#core/errors.ts';
import type { CallRequest } from './call-request.ts';

export interface ClusterPlace {
  /** With the path of the cluster, and of the task. */
  readonly server: URL;
  readonly ca?: string;
  readonly token: string;
  readonly device?: { readonly cert: string; readonly key: string };
  readonly trace?: string;
}

/** Says that nothing more comes; whatever is answered. */
export async function goodbye(place: ClusterPlace, agent = new Agent()): Promise<void> {
  await send(place, { method: 'DELETE', path: '', upgrades: false }, agent).then(
    (answer) => void answer.destroy(),
    () => undefined,
  );
}

export function optionsOf(place: ClusterPlace, { method, path, type }: CallRequest): RequestOptions {
  const { server, ca, token, device, trace } = place;
  return {
    host: server.hostname.replaceAll(/[[\]]/g, ''),
    port: server.port,
    path: `${server.pathname.replace(/\/$/, '')}${path}`,
    method,
    ...(ca === undefined ? {} : { ca }),
    ...device,
    headers: {
      accept: 'application/json',
      authorization: `Bearer ${token}`,
      'user-agent': 'custody',
      ...(type === undefined ? {} : { 'content-type': type }),
      ...(trace === undefined ? {} : { traceparent: trace }),
    },
  };
}

/** Rejects with `target-unreachable`. */
export async function send(place: ClusterPlace, call: CallRequest, agent: Agent): Promise<IncomingMessage> {
  const made = request({ ...optionsOf(place, call), agent });
  made.end(call.body);
  try {
    const [answer] = (await once(made, 'response')) as [IncomingMessage];
    return answer;
  } catch (cause) {
    throw unreachable(place, cause);
  }
}

export function unreachable({ server }: ClusterPlace, cause: unknown): CustodyError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CustodyError('target-unreachable', `the gateway at ${server.host} does not answer: ${why}`, {
    cause,
  });
}
