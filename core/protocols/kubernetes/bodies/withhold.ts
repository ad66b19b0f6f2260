/**
 * What of a call's bodies is not for the tape: the values of what `withhold` of the target names. In their place goes the same body
 * as JSON with marks, and of what cannot be read the length alone. No digest: it would let anybody try values.
 */
import type { Call } from '../call.ts';
import type { Withheld } from '../tape.ts';
import { formatOf } from './media-type.ts';
import { readBody } from './read.ts';
import { CborItems } from './withhold/cbor-items.ts';
import { CountedBody } from './withhold/counted-body.ts';
import { EventBody } from './withhold/event-body.ts';
import { Frames } from './withhold/frames.ts';
import { Lines } from './withhold/lines.ts';
import { markedAnswer, markedEvent, markedRequest } from './withhold/marked.ts';
import { termsFor } from './withhold/resources.ts';
import type { MarkTerms } from './withhold/terms.ts';
import { WholeBody } from './withhold/whole-body.ts';

/** One body. All of it passes through `push`, cut anywhere, and then `end` is called once, also where it was cut off. */
export interface BodyWithholder {
  /** What stands on the tape in the place of bytes so far: each fits one record. */
  push(bytes: Uint8Array): readonly Withheld[];
  end(): readonly Withheld[];
  /** Bytes that no `Withheld` covers yet. At most `HELD_MAX_BYTES`; 0 where nothing is gained by holding them back. */
  readonly pending: number;
}

export interface Withholding {
  request(type: string | undefined, encoding: string | undefined): BodyWithholder;
  response(status: number, type: string | undefined, encoding: string | undefined): BodyWithholder;
}

/** Undefined where all of the call may be on the tape. What is upgraded has no bodies. */
export function withholdingFor(call: Call, withhold: readonly string[]): Withholding | undefined {
  if (call.kind !== 'resource') return undefined;
  const terms = termsFor(call, withhold);
  if (terms === undefined) return undefined;
  return {
    request: (type, encoding) => wholeBody(type, encoding, (value) => markedRequest(value, terms)),
    response: (status, type, encoding) =>
      call.verb === 'watch' && status === 200
        ? eventBody(type, encoding, terms)
        : wholeBody(type, encoding, (value) => markedAnswer(value, terms)),
  };
}

function wholeBody(
  type: string | undefined,
  encoding: string | undefined,
  marked: ConstructorParameters<typeof WholeBody>[1],
): BodyWithholder {
  if (formatOf(type) === undefined) return new CountedBody();
  return new WholeBody((bytes, inflate) => readBody(bytes, type, encoding, inflate), marked);
}

/** No server compresses a watch; of one that did nothing could be seen before its end. */
function eventBody(type: string | undefined, encoding: string | undefined, terms: MarkTerms): BodyWithholder {
  if (encoding !== undefined && encoding !== 'identity') return new CountedBody();
  switch (formatOf(type)) {
    case 'json':
      return new EventBody(new Lines(), 'json', (value) => markedEvent(value, terms));
    case 'protobuf':
      return new EventBody(new Frames(), 'protobuf', (value) => markedEvent(value, terms));
    case 'cbor':
      return new EventBody(new CborItems(), 'cbor', (value) => markedEvent(value, terms));
    case 'yaml':
    case undefined:
      return new CountedBody();
  }
}
