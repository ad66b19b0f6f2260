import { CustodyError } from '../errors.ts';
import { RunDigests } from './digests.ts';
import type { RunInputTerms } from './schema.ts';
import { ValuePlace } from './values.ts';
import type { Workflow } from './workflows.ts';

type Inputs = Readonly<Record<string, string | null>>;

/** All of them together, bytes: a run is one record, with its steps. */
const INPUTS_MAX = 65_536;

/** Each input that the workflow has, as it was given; NULL where it may be and was not. Throws `format-invalid`. */
export function givenInputs(
  { name, declared }: Pick<Workflow, 'name' | 'declared'>,
  given: Inputs,
  key: Uint8Array,
): Inputs {
  const known = Object.keys(declared.inputs);
  const stranger = Object.keys(given).find((input) => !Object.hasOwn(declared.inputs, input));
  if (stranger !== undefined)
    throw invalid(`the workflow ${name} has no input ${stranger.slice(0, 63)}`, wanted(known));
  const inputs = Object.fromEntries(
    known.map((input) => [
      input,
      checked(input, declared.inputs[input]!, Object.hasOwn(given, input) ? given[input] : undefined, key),
    ]),
  );
  if (Buffer.byteLength(JSON.stringify(inputs)) <= INPUTS_MAX) return inputs;
  throw invalid('the inputs are longer than a run can have', 'give at most 64 KiB together');
}

function checked(
  input: string,
  terms: RunInputTerms,
  given: string | null | undefined,
  key: Uint8Array,
): string | null {
  if (given === undefined && !terms.nullable)
    throw invalid(`the input ${input} is missing`, `give --input ${input}=… (${terms.type})`);
  const text = given ?? null;
  const misfit = new ValuePlace(terms).misfit({ kind: 'any', text }, noFacts(key));
  if (misfit === undefined) return text;
  throw invalid(`the input ${input} is not what the workflow has`, `expected ${misfit.expected}`);
}

/** An input comes from nowhere else. */
function noFacts(key: Uint8Array) {
  return { inputs: new Map(), column: () => undefined, digests: new RunDigests(key) };
}

function wanted(inputs: readonly string[]): string {
  return inputs.length === 0 ? 'it takes none' : `it takes ${inputs.join(', ')}`;
}

function invalid(message: string, hint: string): CustodyError {
  return new CustodyError('format-invalid', message, { hint });
}
