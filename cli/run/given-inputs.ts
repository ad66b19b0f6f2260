import { InvalidArgumentError } from 'commander';
import { readGivenFile } from '../given-file.ts';

/** What a run takes of one value (FORMAT: inputs are at most 64 KiB together). */
const INPUT_MAX_BYTES = 64 << 10;

export type GivenInputs = Readonly<Record<string, string>>;

/** `name=value`, or `name=@file`; for commander, several times. */
export function readInput(text: string, before: GivenInputs = {}): GivenInputs {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must be name=value, or name=@file.');
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`${name} is given twice.`);
  return {
    ...before,
    [name]: value.startsWith('@') ? readGivenFile(value.slice(1), INPUT_MAX_BYTES) : value,
  };
}
