import {
  type BodyEnd,
  type Cut,
  type Forwarded,
  RECORD_HEADER_BYTES,
  RECORD_MAX_PAYLOAD,
  Record,
  type RecordType,
  type RequestHead,
  type ResponseHead,
  type Withheld,
  writeRecordHeader,
} from '#core/protocols/kubernetes/tape.ts';
import { Stream, type StreamNumber } from '#core/recording/format.ts';
import type { SessionTape } from '../../recorder/tapes.ts';

const NOTHING = new Uint8Array();
/** Payloads up to this length are copied behind their header and recorded as one frame; of longer ones the copy costs more than a second frame. */
const SMALL = 2048;

/** All sessions write one after the other, and a tape copies what it is given. */
export class RecordSpace {
  readonly bytes = Buffer.allocUnsafeSlow(RECORD_HEADER_BYTES + RECORD_MAX_PAYLOAD);
}

/** Writes records of calls. Methods that may be called often return false where the session must wait (`whenCaughtUp`). */
export class CallTape {
  readonly tape: SessionTape;
  readonly #space: Buffer;

  constructor(tape: SessionTape, space: RecordSpace) {
    this.tape = tape;
    this.#space = space.bytes;
  }

  request(call: number, head: RequestHead): boolean {
    return this.#json(Stream.client, Record.head, call, head);
  }

  response(stream: StreamNumber, call: number, head: ResponseHead): boolean {
    return this.#json(stream, Record.head, call, head);
  }

  forwarded(call: number, forwarded: Forwarded): boolean {
    return this.#json(Stream.gateway, Record.forwarded, call, forwarded);
  }

  end(stream: StreamNumber, call: number, end: BodyEnd): boolean {
    return this.#json(stream, Record.end, call, end);
  }

  cut(call: number, cut: Cut): boolean {
    return this.#json(Stream.gateway, Record.cut, call, cut);
  }

  withheld(stream: StreamNumber, call: number, withheld: Withheld): boolean {
    return this.#json(stream, Record.withheld, call, withheld);
  }

  /** Bytes of a body, in as many records as they need. */
  body(stream: StreamNumber, call: number, bytes: Uint8Array): boolean {
    return this.#bytes(stream, Record.body, call, bytes);
  }

  /** Bytes of what the call was upgraded to. Hot. */
  streamed(stream: StreamNumber, call: number, bytes: Uint8Array): boolean {
    return this.#bytes(stream, Record.stream, call, bytes);
  }

  /** This side sends no more. */
  streamEnd(stream: StreamNumber, call: number): boolean {
    return this.#record(stream, Record.streamEnd, call, NOTHING);
  }

  #bytes(stream: StreamNumber, type: RecordType, call: number, bytes: Uint8Array): boolean {
    if (bytes.length <= RECORD_MAX_PAYLOAD) return this.#record(stream, type, call, bytes);
    let keepsUp = true;
    for (let at = 0; at < bytes.length; at += RECORD_MAX_PAYLOAD)
      keepsUp = this.#record(stream, type, call, bytes.subarray(at, at + RECORD_MAX_PAYLOAD));
    return keepsUp;
  }

  #record(stream: StreamNumber, type: RecordType, call: number, payload: Uint8Array): boolean {
    const space = this.#space;
    writeRecordHeader(space, type, call, payload.length);
    if (payload.length > SMALL) {
      this.tape.record(stream, space, RECORD_HEADER_BYTES);
      return this.tape.record(stream, payload, payload.length);
    }
    space.set(payload, RECORD_HEADER_BYTES);
    return this.tape.record(stream, space, RECORD_HEADER_BYTES + payload.length);
  }

  #json(stream: StreamNumber, type: RecordType, call: number, value: object): boolean {
    const space = this.#space;
    const text = JSON.stringify(value);
    const length = space.write(text, RECORD_HEADER_BYTES);
    writeRecordHeader(space, type, call, length);
    return this.tape.record(stream, space, RECORD_HEADER_BYTES + length);
  }
}
