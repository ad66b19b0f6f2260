import { createHash } from 'node:crypto';
import type { Contract } from './contract.ts';
import type { Deviation } from './deviation.ts';
import type { DeclaredInput } from './schema.ts';
import type { SeenBytes, StreamKind } from './seen.ts';
import type { ValueFacts } from './values.ts';

/** What the bytes of an input have to be. */
export interface WantedBytes {
  /** Undefined where nobody has them: then nothing is it. */
  readonly bytes: SeenBytes | undefined;
  /** Where they come from, for words. */
  readonly words: string;
}

/** All that an input says of its bytes; nothing where it may be any. */
export function wantedOf(
  { from, input }: Pick<DeclaredInput, 'from' | 'input'>,
  facts: ValueFacts,
): readonly WantedBytes[] {
  return [
    ...(from === undefined ? [] : [{ bytes: facts.stream?.(from), words: from }]),
    ...(input === undefined
      ? []
      : [{ bytes: bytesOf(facts.inputs.get(input)), words: `the input ${input} of the run` }]),
  ];
}

export function isWanted({ bytes: wanted }: WantedBytes, given: SeenBytes): boolean {
  return wanted !== undefined && wanted.sha256 === given.sha256 && wanted.bytes === given.bytes;
}

/** What is wrong with the bytes that a command was given on one of its streams. */
export function inputDeviation(
  { declared, commands }: Pick<Contract, 'declared' | 'commands'>,
  command: number,
  stream: StreamKind,
  given: SeenBytes,
  facts: ValueFacts,
): Deviation | undefined {
  const { name } = commands[command]!.declared;
  const inputs = Object.values(declared.inputs).filter(
    ({ of, stream: which }) => of === name && which === stream,
  );
  const wanted = inputs.flatMap((input) => wantedOf(input, facts)).find((one) => !isWanted(one, given));
  return wanted && otherBytes(name, wanted);
}

/** A command is given other bytes than these. */
export function otherBytes(command: string, { words }: WantedBytes): Deviation {
  return { kind: 'input', command, expected: `for ${command} exactly ${words}`, seen: 'other bytes came' };
}

/** Whether a command has a stream of which the contract says what it has to be. */
export function hasInput(
  { declared, commands }: Pick<Contract, 'declared' | 'commands'>,
  command: number,
): boolean {
  const { name } = commands[command]!.declared;
  return Object.values(declared.inputs).some(({ of }) => of === name);
}

function bytesOf(text: string | null | undefined): SeenBytes | undefined {
  if (text === undefined || text === null) return undefined;
  const bytes = Buffer.from(text);
  return { sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
}
