/** Bodies of requests and answers, as values. */
import { CustodyError } from '#core/errors.ts';
import { readCbor } from './cbor.ts';
import { readJson } from './json.ts';
import { type BodyFormat, formatOf } from './media-type.ts';
import { readProtobuf } from './protobuf/read.ts';
import { BODY_MAX_BYTES, type BodyValue, unreadable } from './value.ts';
import { readYaml } from './yaml.ts';

export type { BodyValue } from './value.ts';

export interface ReadBody {
  readonly kind: 'read';
  readonly format: BodyFormat;
  readonly value: BodyValue;
  /**
   * Paths of protobuf fields of no known name, which are in `value` as '#<number>': a newer server may see in them what is not seen
   * here. Where something depends on the body, such a one is as good as unreadable.
   */
  readonly unknown: readonly string[];
}

export interface Unreadable {
  readonly kind: 'unreadable';
  /** Completes "the body …". Has nothing of what the body says. */
  readonly why: string;
}

export type BodyRead = ReadBody | Unreadable;

/** Throws `format-invalid` for what is not gzip or longer than `atMost` in clear. */
export type Inflate = (bytes: Uint8Array, atMost: number) => Uint8Array;

/**
 * What a body says, if there is no second reading of it: two parsers that see different things in one body are how something gets
 * past whoever looks at it. Without `inflate` a compressed one is unreadable. The API server itself inflates no request.
 */
export function readBody(
  bytes: Uint8Array,
  type: string | undefined,
  encoding: string | undefined,
  inflate?: Inflate,
): BodyRead {
  try {
    const format = formatOf(type);
    if (format === undefined) throw unreadable('is of a type that is not known');
    return { kind: 'read', format, ...valueOf(plain(bytes, encoding, inflate), format) };
  } catch (thrown) {
    if (thrown instanceof CustodyError && thrown.code === 'format-invalid')
      return { kind: 'unreadable', why: thrown.message };
    throw thrown;
  }
}

function plain(bytes: Uint8Array, encoding: string | undefined, inflate: Inflate | undefined): Uint8Array {
  if (bytes.length > BODY_MAX_BYTES) throw unreadable('is too long');
  const name = (encoding ?? '').trim().toLowerCase();
  if (name === '' || name === 'identity') return bytes;
  if (name !== 'gzip' || inflate === undefined) throw unreadable('is compressed');
  return inflate(bytes, BODY_MAX_BYTES);
}

function valueOf(bytes: Uint8Array, format: BodyFormat): Pick<ReadBody, 'value' | 'unknown'> {
  switch (format) {
    case 'json':
      return { value: readJson(bytes), unknown: [] };
    case 'yaml':
      return { value: readYaml(bytes), unknown: [] };
    case 'cbor':
      return { value: readCbor(bytes), unknown: [] };
    case 'protobuf':
      return readProtobuf(bytes);
  }
}
