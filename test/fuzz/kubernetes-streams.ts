/** What goes over upgraded connections of Kubernetes: WebSocket, its channels, SPDY, and SPDY in a WebSocket. */

import { CustodyError } from '#core/errors.ts';
import { StreamDecoder, type StreamEvent } from '#core/protocols/kubernetes/streams/decoder.ts';
import { exitCodeOf } from '#core/protocols/kubernetes/streams/exit.ts';
import { type StreamForm, TUNNEL } from '#core/protocols/kubernetes/streams/form.ts';
import { StreamWatch } from '#core/protocols/kubernetes/streams/watch.ts';
import { data, SpdyWriter } from '#test/core/protocols/kubernetes/streams/spdy-writer.ts';
import { frames } from '#test/core/protocols/kubernetes/streams/ws-writer.ts';
import type { FuzzTarget } from './target.ts';

const ENDED = new CustodyError('terminated', 'this session was ended');
const STATUS = Buffer.from(
  '{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}',
);

const writer = new SpdyWriter();
const SPDY = Buffer.concat([
  await writer.open(1, { streamtype: 'error', port: '80', requestid: '1' }),
  await writer.open(3, { streamtype: 'data', port: '80', requestid: '1' }),
  data(3, 0, 'GET / HTTP/1.1\r\n\r\n'),
  data(3, 1, ''),
  data(1, 1, STATUS),
]);
const WEBSOCKET = await frames(false, [
  { payload: Buffer.from('\x01out') },
  { opcode: 'ping', payload: Buffer.from('there?') },
  { payload: Buffer.concat([Buffer.from('\x03'), STATUS]) },
  { payload: Buffer.from([255, 1]) },
  { opcode: 'close', payload: Buffer.from('bye') },
]);
const MASKED = await frames(true, [{ payload: Buffer.from('\0typed') }, { payload: Buffer.from([255, 0]) }]);
const BASE64 = await frames(false, [{ payload: Buffer.from('1aGVsbG8=') }]);
const TUNNELLED = await frames(true, [{ payload: SPDY.subarray(0, 30) }, { payload: SPDY.subarray(30) }]);

function target(name: string, form: Omit<StreamForm, 'ports'>, seeds: readonly Uint8Array[]): FuzzTarget {
  const whole = { ...form, ports: [80, 443] };
  return {
    name: `kubernetes-${name}`,
    seeds: () => seeds,
    run: (bytes) => {
      for (const from of ['client', 'target'] as const) {
        const once = readAll(whole, from, bytes, bytes.length || 1);
        // However it is cut, it means the same.
        if (once !== readAll(whole, from, bytes, 7)) throw new Error('cut elsewhere, it reads otherwise');
      }
      watch(whole, bytes);
    },
  };
}

function readAll(form: StreamForm, from: 'client' | 'target', bytes: Uint8Array, size: number): string {
  const decoder = new StreamDecoder(form);
  const said = new Map<string, string>();
  try {
    for (let at = 0; at < bytes.length; at += size)
      for (const event of decoder.push(from, bytes.subarray(at, at + size))) heed(event, said);
  } catch (error) {
    if (!(error instanceof CustodyError) || error.code !== 'protocol-violation') throw error;
    return 'refused';
  }
  return JSON.stringify([...said]);
}

function heed(event: StreamEvent, said: Map<string, string>): void {
  const key = JSON.stringify([event.kind, 'channel' in event ? event.channel : '']);
  const text = event.kind === 'data' ? Buffer.from(event.bytes).toString('latin1') : '.';
  said.set(key, (said.get(key) ?? '') + text);
}

/** The relay's own look at it never throws, and where it may speak it is understood. */
function watch(form: StreamForm, bytes: Uint8Array): void {
  const watch = new StreamWatch(form);
  watch.fromClient(bytes, bytes.length);
  const taken = watch.toBoundary(bytes, bytes.length);
  if (taken > bytes.length) throw new Error('more than there was');
  watch.fromTarget(bytes, bytes.length);
  if (watch.maySpeak) watch.goodbye(ENDED);
  exitCodeOf(bytes);
}

export const targets: readonly FuzzTarget[] = [
  target('websocket', { kind: 'websocket', protocol: 'v5.channel.k8s.io', purpose: 'command' }, [
    WEBSOCKET,
    MASKED,
  ]),
  target('base64', { kind: 'websocket', protocol: 'v4.base64.channel.k8s.io', purpose: 'command' }, [BASE64]),
  target('ports', { kind: 'websocket', protocol: 'v4.channel.k8s.io', purpose: 'forward' }, [WEBSOCKET]),
  target('spdy', { kind: 'spdy', protocol: 'portforward.k8s.io', purpose: 'forward' }, [SPDY]),
  target('tunnel', { kind: 'websocket', protocol: TUNNEL, purpose: 'forward' }, [TUNNELLED]),
];
