/** What the gateway says to a client whose stream it ends, in the stream's own words: whole frames, to stand between two of the target's. */
import type { CustodyError } from '#core/errors.ts';
import { messageOf, statusOf } from '../status.ts';
import { isBase64 } from './channels.ts';
import { type StreamForm, TUNNEL } from './form.ts';
import { dataFrame, FIN, goAwayFrame } from './spdy/frames.ts';
import type { OpenStream, SpdyStreams } from './spdy/streams.ts';
import { closeFrame, Opcode, webSocketFrame } from './websocket.ts';

/** Of a command's channels. */
const ERROR_CHANNEL = 3;
/** RFC 6455 section 7.4.1. kubectl takes a command's end as it was said before only behind a normal closure. */
const NORMAL = 1000;
const POLICY = 1008;
const GOING_AWAY = 1001;
const INTERNAL = 1011;

export interface Goodbye {
  /** Whole frames. */
  readonly words: Uint8Array;
  /** What is to follow a moment later: kubectl looks for words of a forwarded port only until the connection is over. */
  readonly close?: Uint8Array;
}

/** `streams`: those that SPDY has open; undefined where they are not known, or the target is in the midst of a frame of theirs. */
export function goodbyeOf(form: StreamForm, error: CustodyError, streams: SpdyStreams | undefined): Goodbye {
  if (form.kind === 'spdy') return spdyGoodbye(form, error, streams);
  const close = closeFrame(closeCodeOf(form, error), messageOf(error));
  if (form.protocol === TUNNEL) return tunnelGoodbye(form, error, streams, close);
  if (form.purpose === 'opaque') return { words: close };
  const words = wordsFor(form, error);
  const channels = form.purpose === 'command' ? [ERROR_CHANNEL] : form.ports.map((_, port) => 2 * port + 1);
  return { words: Buffer.concat([...channels.map((channel) => channelFrame(form, channel, words)), close]) };
}

function tunnelGoodbye(
  form: StreamForm,
  error: CustodyError,
  streams: SpdyStreams | undefined,
  close: Uint8Array,
): Goodbye {
  if (streams === undefined) return { words: close };
  const said = spdyGoodbye(form, error, streams);
  const framed = (bytes: Uint8Array): Uint8Array => webSocketFrame(Opcode.binary, bytes);
  if (said.close === undefined) return { words: Buffer.concat([framed(said.words), close]) };
  return { words: framed(said.words), close: Buffer.concat([framed(said.close), close]) };
}

/** Clients wait for the end of the other streams before they look at the error. */
function spdyGoodbye(form: StreamForm, error: CustodyError, streams: SpdyStreams | undefined): Goodbye {
  const words = wordsFor(form, error);
  const open = [...(streams?.open ?? [])].filter(({ ended }) => !ended.has('target'));
  const frames = open.map((stream) =>
    dataFrame(stream.id, FIN, isForErrors(stream) ? words : new Uint8Array()),
  );
  const close = goAwayFrame(streams?.last ?? 0);
  if (form.purpose === 'forward' && open.length > 0) return { words: Buffer.concat(frames), close };
  return { words: Buffer.concat([...frames, close]) };
}

function isForErrors({ channel }: OpenStream): boolean {
  return (typeof channel === 'string' ? channel : channel.part) === 'error';
}

/** A `Status` from v4 on, and plain words before. */
function wordsFor({ purpose, protocol }: StreamForm, error: CustodyError): Uint8Array {
  const isStatus = purpose === 'command' && /^v[45]\./.test(protocol);
  return isStatus ? statusOf(error).body : Buffer.from(messageOf(error));
}

function channelFrame({ protocol }: StreamForm, channel: number, words: Uint8Array): Uint8Array {
  if (!isBase64(protocol))
    return webSocketFrame(Opcode.binary, Buffer.concat([Buffer.from([channel]), words]));
  // Beyond the tenth channel there are other characters, and two of each port.
  const first = String.fromCharCode(0x30 + channel);
  return webSocketFrame(Opcode.text, Buffer.from(`${first}${Buffer.from(words).toString('base64')}`));
}

function closeCodeOf({ purpose, protocol }: StreamForm, { code }: CustodyError): number {
  if (purpose === 'command' && /^v[45]\./.test(protocol)) return NORMAL;
  if (code === 'draining' || code === 'target-lost') return GOING_AWAY;
  return code === 'recording-failed' || code === 'internal' ? INTERNAL : POLICY;
}
