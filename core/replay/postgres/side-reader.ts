import { MessageReader, type TruncatedMessage } from '#core/protocols/postgres/messages.ts';
import { type Content, GrowingContent, type Side, wholeContent } from './contents.ts';
import type { ReplayLimits } from './step.ts';

const HEADER_BYTES = 5;
/** CopyData, of both sides. */
const COPY_DATA = 0x64;

export interface ReadMessage<Message> extends Content<Message> {
  /** Of the message on the wire. */
  readonly bytes: number;
}

/** The messages of one side of a recording. One that is too long to be kept is read as it comes, and given at its end. */
export class SideReader<Message> {
  readonly #side: Side<Message>;
  readonly #limits: ReplayLimits;
  readonly #reader: MessageReader;
  readonly #copied: ((bytes: Uint8Array) => void) | undefined;
  #long:
    | { readonly content: GrowingContent<Message>; readonly length: number; readonly type: number }
    | undefined;
  /** It was cut off within a message. */
  #isCut = false;
  #wentOn = false;

  /** `copied`: is given all data of CopyData, before the message itself comes. */
  constructor(side: Side<Message>, limits: ReplayLimits, copied?: (bytes: Uint8Array) => void) {
    this.#copied = copied;
    this.#side = side;
    this.#limits = limits;
    this.#reader = new MessageReader(limits.message, (part) => this.#goOn(part));
  }

  /** It stands within a message. */
  get incomplete(): boolean {
    return this.#reader.incomplete && !this.#isCut;
  }

  /** How much of that message there is, in words. */
  get progress(): string {
    const { length, missing } = this.#reader;
    return length === undefined ? '' : ` (${length - missing} of ${length} bytes)`;
  }

  /** Throws `protocol-violation` on a length that no message can have. */
  *read(chunk: Uint8Array): Generator<ReadMessage<Message>> {
    if (this.#isCut) return yield* this.#afterCut();
    this.#reader.push(chunk);
    for (const message of this.#reader) {
      yield* this.#longIsOver();
      if (message.truncated) this.#begin(message);
      else {
        if (message.type === COPY_DATA) this.#copied?.(message.body);
        const content = wholeContent(this.#side, message.type, message.body, this.#limits);
        yield { ...content, bytes: message.length + HEADER_BYTES };
      }
    }
    if (!this.#reader.skipping) yield* this.#longIsOver();
  }

  /** The message that it stands within, as far as it goes; nothing is read after it. */
  *unfinished(): Generator<ReadMessage<Message>> {
    const begun = this.#reader.begun;
    if (begun !== undefined) this.#begin(begun);
    this.#isCut = true;
    if (this.#long === undefined) return;
    yield { ...this.#long.content.soFar(), bytes: this.#long.length + HEADER_BYTES - this.#reader.missing };
    this.#long = undefined;
  }

  *#afterCut(): Generator<ReadMessage<Message>> {
    if (this.#wentOn) return;
    this.#wentOn = true;
    yield {
      message: undefined,
      damage: `the ${this.#side.name} went on in a message that was cut off`,
      bytes: 0,
    };
  }

  #begin({ type, length, prefix }: TruncatedMessage): void {
    const content = new GrowingContent(this.#side, type, length, this.#limits);
    this.#long = { content, length, type };
    this.#goOn(prefix);
  }

  #goOn(part: Uint8Array): void {
    if (this.#long === undefined) return;
    if (this.#long.type === COPY_DATA) this.#copied?.(part);
    this.#long.content.push(part);
  }

  *#longIsOver(): Generator<ReadMessage<Message>> {
    if (this.#long === undefined) return;
    const { content, length } = this.#long;
    this.#long = undefined;
    yield { ...content.finish(), bytes: length + HEADER_BYTES };
  }
}
