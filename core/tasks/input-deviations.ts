import { createHash } from 'node:crypto';
import type { Contract } from './contract.ts';
import type { Deviation } from './deviation.ts';
import type { SeenBytes, StreamKind } from './seen.ts';
import type { ValueFacts } from './values.ts';

/** What is wrong with the bytes that a command was given on one of its streams. */
export function inputDeviation(
  { declared, commands }: Pick<Contract, 'declared' | 'commands'>,
  command: number,
  stream: StreamKind,
  given: SeenBytes,
  facts: ValueFacts,
): Deviation | undefined {
  const { name } = commands[command]!.declared;
  for (const { of, stream: which, from, input } of Object.values(declared.inputs)) {
    if (of !== name || which !== stream) continue;
    const seen = 'other bytes came';
    if (from !== undefined && !isSame(facts.stream?.(from), given))
      return { kind: 'input', command: name, expected: `for ${name} exactly ${from}`, seen };
    if (input !== undefined && !isSame(bytesOf(facts.inputs.get(input)), given))
      return {
        kind: 'input',
        command: name,
        expected: `for ${name} exactly the input ${input} of the run`,
        seen,
      };
  }
  return undefined;
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

function isSame(wanted: SeenBytes | undefined, given: SeenBytes): boolean {
  return wanted !== undefined && wanted.sha256 === given.sha256 && wanted.bytes === given.bytes;
}
