import { nothingYet, type Parts, type Reading } from './parts.ts';
import type { ReplayLimits } from './step.ts';
import type { CutValue } from './values.ts';

/** Values of a Bind or of a function call, with their formats and those wanted of the results. */
export interface Values {
  readonly formats: readonly number[];
  readonly values: readonly (CutValue | null)[];
  readonly resultFormats: readonly number[];
}

/** One character for each byte: what a name is known by, whatever its encoding. */
export function latin1({ bytes }: CutValue): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

export function* readFormats(parts: Parts, into: number[]): Reading {
  for (let left = yield* parts.count(); left > 0; left--) into.push(yield* parts.int16());
}

export function* readTypes(parts: Parts, into: number[]): Reading {
  for (let left = yield* parts.count(); left > 0; left--) into.push(yield* parts.uint32());
}

/** Each value is there with its true length, however much of its bytes could be kept. */
export function* readValues(parts: Parts, into: (CutValue | null)[], limit: number): Reading {
  for (let left = yield* parts.count(); left > 0; left--) {
    const whole = parts.wholeValue(limit);
    if (whole === undefined) yield* readValue(parts, into, limit);
    else into.push(whole);
  }
}

/** A value with its length before it; -1 is NULL. */
export function* readValue(parts: Parts, into: (CutValue | null)[], limit: number): Reading {
  const length = yield* parts.int32();
  const value = length === -1 ? null : { ...nothingYet(), length };
  into.push(value);
  if (value !== null) yield* parts.bytes(value, length, limit);
}

/** CopyData is the same in both directions. */
export function* readCopyData(
  parts: Parts,
  put: (message: { readonly kind: 'copy-data'; readonly data: CutValue }) => void,
  limits: ReplayLimits,
): Reading {
  const data = nothingYet();
  put({ kind: 'copy-data', data });
  yield* parts.rest(data, limits.copy);
}
