import { TextEncodings } from '#core/protocols/postgres/encoding/encoding.ts';
import { asciiEnd, type Decoded } from '#core/protocols/postgres/encoding/escape.ts';
import type { Shown } from '../step.ts';
import { Commands, encodingChange, mentionsEncoding, unseenChange } from './encoding-commands.ts';
import { BYTES_ONLY, EncodingInForce, type Stamp } from './encoding-in-force.ts';
import type { Described } from './memory.ts';
import type { ReportFields, ServerContent } from './server-messages.ts';
import type { ReplayLimits, ShownColumn, ShownNotification, ShownReport, Step } from './step.ts';
import { type CutValue, showText } from './values.ts';

/** What may turn out to be in another encoding than it was shown in. */
interface Provisional {
  readonly stamp: Stamp;
  readonly bytes: Uint8Array;
  readonly isCut: boolean;
  readonly put: (decoded: Decoded) => void;
}

/** Of texts that wait for the server to be ready; beyond, they stand as bytes. */
const PROVISIONAL_MAX_BYTES = 16 << 20;
const ENTRY_BYTES = 200;

type Settable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * Texts of a session in the encoding that was in force when the server read or wrote them: it is put down with a text when the
 * server comes to it (`stamp`), as a text can be shown long after.
 */
export class Texts {
  readonly #limits: ReplayLimits;
  readonly #encodings = new TextEncodings();
  readonly #inForce = new EncodingInForce(this.#encodings);
  readonly #commands = new Commands();
  #provisional: Provisional[] = [];
  #held = 0;

  constructor(limits: ReplayLimits) {
    this.#limits = limits;
  }

  /** Something was shown that the server's next report may prove wrong: what is shown by now must wait for it. */
  get isProvisional(): boolean {
    return this.#provisional.length > 0;
  }

  /** The encoding in force, as the server names it. */
  get encoding(): string {
    return this.#inForce.now.encoding.name;
  }

  /** It may be another by now, in a way that cannot be told. */
  get isUnsure(): boolean {
    return this.#inForce.isUnsure;
  }

  /** The encoding of a text. */
  encodingOf(value: CutValue): string {
    return this.#stampOf(value).encoding.name;
  }

  /** The gateway's own words, whatever the session's encoding is. */
  utf8(value: CutValue): CutValue {
    return { ...value, stamp: { encoding: this.#encodings.get('UTF8'), certain: true } };
  }

  /** The server has come to these. */
  stamp(values: Iterable<CutValue | null | undefined>): void {
    for (const value of values) if (value) value.stamp ??= this.#inForce.now;
  }

  /** A statement begins to run. */
  begin(text: CutValue | undefined, values: readonly (CutValue | null)[] = []): void {
    this.stamp([text]);
    this.stamp(values);
    this.#inForce.begun();
  }

  /** The server tells a setting; `isLogin`: of those that tell where the session begins. */
  reported({ name, value }: Extract<ServerContent, { kind: 'parameter-status' }>, isLogin: boolean): void {
    this.#inForce.reported(Buffer.from(name.bytes).toString(), Buffer.from(value.bytes).toString(), isLogin);
  }

  /** A step is complete: it may have been what changes the encoding. */
  ran(step: Step): void {
    const { outcome, statement, part = 1, tag } = step;
    if (statement === undefined && step.kind !== 'execute' && step.kind !== 'function-call') return;
    if (outcome === 'skipped' || outcome === 'empty') return;
    if (mentionsEncoding(step, this.#commands)) this.#inForce.mentioned();
    const unseen = unseenChange(step, this.#commands);
    if (outcome === 'failed') return this.#inForce.failed(unseen);
    const isSaid = outcome === 'completed' && statement !== undefined && tag !== undefined;
    this.#inForce.ran(isSaid ? encodingChange(statement.text, part, tag, this.#commands) : undefined, unseen);
  }

  /** The server is ready, in this status: what was shown is right now, or made so. */
  ready(status: string): void {
    if (this.#inForce.ready(status === 'I')) {
      for (const one of this.#provisional) one.put(one.stamp.encoding.decode(one.bytes, one.isCut));
    }
    this.#provisional = [];
    this.#held = 0;
  }

  /** The first `limit` bytes as text. `encodingName`: of a text that names its own. */
  shown(value: CutValue, limit: number, encodingName?: string): Shown {
    const stamp = encodingName === undefined ? this.#stampOf(value) : this.#certain(encodingName);
    const shown: Settable<Shown> = showText(value, limit, stamp.encoding);
    this.#await(value, stamp, limit, (decoded) => setMarked(shown, 'text', decoded));
    return shown;
  }

  /** As `shown`, in the encoding that is known by now: for what is not kept until the server tells more. */
  shownNow(value: CutValue, limit: number): Shown {
    return showText(value, limit, this.#stampOf(value).encoding);
  }

  column({ name, type }: Described): ShownColumn {
    const column: Settable<ShownColumn> = { name: '', type };
    this.#put(name, this.#limits.value, (decoded) => setMarked(column, 'name', decoded));
    return column;
  }

  notification({
    channel,
    payload,
    processId,
  }: Extract<ServerContent, { kind: 'notification' }>): ShownNotification {
    const shown = this.shown(payload, this.#limits.text);
    const notification: Settable<ShownNotification> = { channel: '', payload: shown, processId };
    this.#put(channel, this.#limits.value, (decoded) => setMarked(notification, 'channel', decoded));
    return notification;
  }

  /** An ErrorResponse or NoticeResponse in words. */
  report(fields: ReportFields): ShownReport {
    const report: Settable<ShownReport> = { severity: '', sqlstate: '', message: '' };
    const cut: Record<string, number> = {};
    for (const [letter, field] of REPORT_FIELDS) {
      const value = fields.get(letter);
      if (value === undefined || (letter === 'S' && fields.has('V'))) continue;
      this.#put(value, this.#limits.text, (decoded) => setMarked(report, field, decoded));
      if (isCut(value, this.#limits.text)) cut[field] = value.length;
    }
    if (Object.keys(cut).length > 0) report.cut = cut;
    return report;
  }

  /** A step whose name stands as one character for each byte; `of`: a text that the server came to when it did to the name. */
  named(step: Step, of?: CutValue): Step {
    if (step.name === undefined) return step;
    const named: Settable<Step> = { ...step };
    const bytes = Buffer.from(step.name, 'latin1');
    const stamp = of?.stamp === undefined ? {} : { stamp: of.stamp };
    this.#put({ bytes, length: bytes.length, ...stamp }, this.#limits.value, (decoded) =>
      setMarked(named, 'name', decoded),
    );
    return named;
  }

  /** For a text that is put into others; `encodingName` in place of the session's. */
  words(value: CutValue, encodingName = this.encoding): Decoded {
    const bytes = value.bytes.subarray(0, this.#limits.value);
    const hasMore = isCut(value, this.#limits.value);
    const { text, undecoded } = this.#encodings.get(encodingName).decode(bytes, hasMore);
    return { text: hasMore ? `${text}… (${value.length} bytes in all)` : text, undecoded };
  }

  #put(value: CutValue, limit: number, put: (decoded: Decoded) => void): void {
    const stamp = this.#stampOf(value);
    put(stamp.encoding.decode(value.bytes.subarray(0, limit), isCut(value, limit)));
    this.#await(value, stamp, limit, put);
  }

  #await(value: CutValue, stamp: Stamp, limit: number, put: (decoded: Decoded) => void): void {
    if (stamp.certain || asciiEnd(value.bytes, 0) === value.bytes.length) return;
    const kept = value.bytes.subarray(0, limit);
    this.#held += kept.length + ENTRY_BYTES;
    if (this.#held > PROVISIONAL_MAX_BYTES) return put(BYTES_ONLY.decode(kept));
    this.#provisional.push({ stamp, bytes: Uint8Array.from(kept), isCut: isCut(value, limit), put });
  }

  #stampOf({ stamp }: CutValue): Stamp {
    return stamp ?? this.#inForce.now;
  }

  #certain(encodingName: string): Stamp {
    return { encoding: this.#inForce.named(encodingName), certain: true };
  }
}

const REPORT_FIELDS = [
  ['S', 'severity'],
  ['V', 'severity'],
  ['C', 'sqlstate'],
  ['M', 'message'],
  ['D', 'detail'],
  ['H', 'hint'],
  ['P', 'position'],
  ['W', 'where'],
] as const;

function isCut({ bytes, length }: CutValue, limit: number): boolean {
  return Math.min(bytes.length, limit) < length;
}

/** A mark that is set stays: another field of the same may be the reason. */
function setMarked<Key extends string>(
  into: { [Name in Key]?: string } & { undecoded?: true },
  key: Key,
  { text, undecoded }: Decoded,
): void {
  Object.assign(into, { [key]: text }, undecoded ? { undecoded: true } : {});
}
