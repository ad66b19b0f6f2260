/** Messages of the connection protocol (RFC 4254), as far as somebody has to read or say them. */
import { readUint32, SshReader, SshWriter, violation, writeUint32 } from '../wire.ts';

export const Message = {
  globalRequest: 80,
  requestSuccess: 81,
  requestFailure: 82,
  open: 90,
  confirmation: 91,
  openFailure: 92,
  windowAdjust: 93,
  data: 94,
  extendedData: 95,
  eof: 96,
  close: 97,
  request: 98,
  success: 99,
  failure: 100,
} as const;

/** The first and the last number of the connection protocol (RFC 4250 section 4.1.1). */
export const FIRST = 80;
export const LAST = 127;

/** False for numbers that RFC 4250 section 4.1.1 keeps for the connection protocol, but nobody has given a meaning. */
export function isConnectionMessage(number: number): boolean {
  return (
    (number >= Message.globalRequest && number <= Message.requestFailure) ||
    (number >= Message.open && number <= Message.failure)
  );
}

/** RFC 4254 section 5.1. */
export const OpenFailure = {
  prohibited: 1,
  connectFailed: 2,
  unknownType: 3,
  resourceShortage: 4,
} as const;

/** Extended data of the error stream (RFC 4254 section 5.2). */
export const STDERR = 1;
/** What a name of a channel, a request or a host may take. Far beyond any real one. */
export const TEXT_MAX = 4096;
/** A command, or whatever else a request carries: less than a packet may hold (RFC 4253 section 6.1). */
export const COMMAND_MAX = 32_768;

export interface Open {
  readonly type: string;
  /** The channel's number at the side that opens it. */
  readonly sender: number;
  readonly window: number;
  readonly maxPacket: number;
  /** Stands before what is the type's own. */
  readonly reader: SshReader;
}

export function readOpen(payload: Uint8Array): Open {
  const reader = new SshReader(payload, 1);
  const type = reader.name();
  return { type, sender: reader.uint32(), window: reader.uint32(), maxPacket: reader.uint32(), reader };
}

/** Where the window stands in an OPEN: behind the type's name and the sender. */
export function openWindowAt(payload: Uint8Array): number {
  return 1 + 4 + readUint32(payload, 1) + 4;
}

export interface Confirmation {
  readonly recipient: number;
  readonly sender: number;
  readonly window: number;
  readonly maxPacket: number;
}

/** Where the window stands in a CONFIRMATION. */
export const CONFIRMATION_WINDOW_AT = 9;

export function readConfirmation(payload: Uint8Array): Confirmation {
  const reader = new SshReader(payload, 1);
  return {
    recipient: reader.uint32(),
    sender: reader.uint32(),
    window: reader.uint32(),
    maxPacket: reader.uint32(),
  };
}

export interface ChannelRequest {
  readonly recipient: number;
  readonly name: string;
  readonly wantReply: boolean;
  /** Stands before what is the request's own. */
  readonly reader: SshReader;
}

export function readChannelRequest(payload: Uint8Array): ChannelRequest {
  const reader = new SshReader(payload, 1);
  return { recipient: reader.uint32(), name: reader.name(), wantReply: reader.boolean(), reader };
}

export interface GlobalRequest {
  readonly name: string;
  readonly wantReply: boolean;
  readonly reader: SshReader;
}

export function readGlobalRequest(payload: Uint8Array): GlobalRequest {
  const reader = new SshReader(payload, 1);
  return { name: reader.name(), wantReply: reader.boolean(), reader };
}

/** Of every message about one channel: the number at the side that it is sent to. */
export function recipientOf(payload: Uint8Array): number {
  if (payload.length < 5) throw violation('a message about a channel does not name it');
  return readUint32(payload, 1);
}

/** The data of a DATA or EXTENDED_DATA message: a view. */
export function dataOf(payload: Uint8Array): Uint8Array {
  const lengthAt = payload[0] === Message.data ? 5 : 9;
  if (payload.length < lengthAt + 4) throw violation('a message of data is shorter than it says');
  const length = readUint32(payload, lengthAt);
  if (length !== payload.length - lengthAt - 4)
    throw violation('a message of data has another length than it says');
  return payload.subarray(lengthAt + 4);
}

/** The kind of an EXTENDED_DATA message. */
export function extendedKind(payload: Uint8Array): number {
  if (payload.length < 13) throw violation('a message of data is shorter than it says');
  return readUint32(payload, 5);
}

export function adjustOf(payload: Uint8Array): number {
  if (payload.length !== 9) throw violation('a window adjustment is not as long as one is');
  return readUint32(payload, 5);
}

export function data(recipient: number, bytes: Uint8Array): Uint8Array {
  return SshWriter.message(Message.data, bytes.length + 9)
    .uint32(recipient)
    .string(bytes)
    .done();
}

export function extendedData(recipient: number, bytes: Uint8Array): Uint8Array {
  return SshWriter.message(Message.extendedData, bytes.length + 13)
    .uint32(recipient)
    .uint32(STDERR)
    .string(bytes)
    .done();
}

export function windowAdjust(recipient: number, bytes: number): Uint8Array {
  return SshWriter.message(Message.windowAdjust, 9).uint32(recipient).uint32(bytes).done();
}

/** EOF, CLOSE, SUCCESS and FAILURE say nothing but the channel. */
export function about(
  message: typeof Message.eof | typeof Message.close | typeof Message.success | typeof Message.failure,
  recipient: number,
): Uint8Array {
  return SshWriter.message(message, 5).uint32(recipient).done();
}

export function openFailure(recipient: number, reason: number, words: string): Uint8Array {
  return SshWriter.message(Message.openFailure)
    .uint32(recipient)
    .uint32(reason)
    .string(words)
    .string('')
    .done();
}

export function requestFailure(): Uint8Array {
  return Uint8Array.of(Message.requestFailure);
}

export function exitStatus(recipient: number, status: number): Uint8Array {
  return SshWriter.message(Message.request)
    .uint32(recipient)
    .string('exit-status')
    .boolean(false)
    .uint32(status)
    .done();
}

/** Asks for an answer, and nothing else: servers and clients answer what they do not know with a failure. */
export function keepAlive(): Uint8Array {
  return SshWriter.message(Message.globalRequest).string('keepalive@openssh.com').boolean(true).done();
}

/** The message with another number at `at`: a copy. */
export function withNumber(payload: Uint8Array, at: number, value: number): Uint8Array {
  const changed = Uint8Array.from(payload);
  writeUint32(changed, at, value);
  return changed;
}

/** A request to start something. */
export function startRequest(
  recipient: number,
  wantReply: boolean,
  name: 'shell' | 'exec' | 'subsystem',
  what: string | undefined,
): Uint8Array {
  const writer = SshWriter.message(Message.request).uint32(recipient).string(name).boolean(wantReply);
  return (what === undefined ? writer : writer.string(what)).done();
}
