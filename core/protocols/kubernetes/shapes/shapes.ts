import { CustodyError } from '#core/errors.ts';
import type { DeclaredCommand } from '#core/tasks/schema.ts';
import type { SeenCommand } from '#core/tasks/seen.ts';
import type { CommandShapes, DeclaredShape, GivenValues } from '#core/tasks/shapes.ts';
import { isList } from '../bodies/value.ts';
import { type CallText, callText, parseCallText, sorted } from '../exact/call-text.ts';
import { bareText } from '../exact/text-of-call.ts';
import { filledBy, isExec, type Leaf, shapeOf } from './call-shape.ts';
import { kubernetesExecutions } from './executions.ts';

const HOLE = /^\$[1-9]\d{0,2}$/;

type DeclaredCall = NonNullable<DeclaredCommand['call']>;

/** What contracts know of calls. */
export const kubernetesShapes: CommandShapes = {
  declare: ({ call }) => declared(call!),
  render: (command, values) => ({
    call: partOf(filledBy(textOf(command.call!), (value, isWord) => given(value, isWord, values, command))),
  }),
  write: (seen, open) => ({ call: written(seen, open) }),
  executions: kubernetesExecutions,
};

/** As a text, with `$1` and others where something is open. Throws `format-invalid`. */
function textOf({ verb, resource, namespace, name = '', query = {}, command, body }: DeclaredCall): CallText {
  if ((command !== undefined) !== isExec(resource))
    throw invalid('only pods/exec has a command, and it needs one');
  if (command !== undefined && body !== undefined) throw invalid('has a command and a body');
  const carries = command ?? body;
  const text: CallText = {
    ...{ verb, what: resource, place: { namespace, name }, parameters: sorted(Object.entries(query)) },
    ...(carries === undefined ? {} : { carries }),
  };
  // Whatever stands in it has to be found again in its text.
  if (callText(parseCallText(callText(text))) !== callText(text))
    throw invalid('has something that no text of a call has');
  return bareText(text);
}

function declared(call: DeclaredCall): DeclaredShape {
  const text = textOf(call);
  const { shape, text: shown, values } = shapeOf(text);
  if (
    isList(text.carries) &&
    isExec(text.what) &&
    typeof text.carries[0] === 'string' &&
    HOLE.test(text.carries[0])
  )
    throw invalid('leaves the program itself open');
  const places = values.map((value) => {
    const hole = 'list' in value ? '' : (value.text ?? '');
    return HOLE.test(hole) ? { hole } : { constant: value };
  });
  return { shape, text: shown, places };
}

/** In a body a value is of the type that the contract says, elsewhere a text. */
function given(value: Leaf, isWord: boolean, values: GivenValues, command: DeclaredCommand): Leaf {
  if (typeof value !== 'string' || !HOLE.test(value)) return value;
  const found = values.get(value);
  if (typeof found !== 'string' || found === '') throw invalid(`needs a value for ${value}`);
  return isWord ? found : typed(found, command.values[value]?.type);
}

function typed(text: string, type: DeclaredCommand['values'][string]['type'] | undefined): Leaf {
  if (type === 'integer' || type === 'number') return Number(text);
  return type === 'boolean' ? text === 'true' : text;
}

/** The text has `$n` for each value, so that each is put back or left open. */
function written({ text, values }: SeenCommand, open: readonly boolean[]): DeclaredCall {
  let [at, hole] = [-1, 0];
  const filled = filledBy(parseCallText(text), () => {
    at += 1;
    if (open[at] === true) return `$${(hole += 1)}`;
    return constantOf(values[at]!);
  });
  return partOf(filled);
}

function constantOf(value: SeenCommand['values'][number]): Leaf {
  if ('list' in value || value.text === null || HOLE.test(value.text))
    throw invalid('has a value that cannot be written into a contract');
  if (value.kind === 'integer' || value.kind === 'number') return Number(value.text);
  return value.kind === 'boolean' ? value.text === 'true' : value.text;
}

function partOf({ verb, what, place, parameters, carries }: CallText): DeclaredCall {
  const { namespace = '', name = '' } = place ?? {};
  const query = Object.fromEntries(parameters);
  return {
    ...{ verb: verb as DeclaredCall['verb'], resource: what, namespace },
    ...(name === '' ? {} : { name }),
    ...(parameters.length === 0 ? {} : { query }),
    ...(carries === undefined
      ? {}
      : isExec(what)
        ? { command: carries as string[] }
        : { body: carries as DeclaredCall['body'] }),
  };
}

function invalid(how: string): CustodyError {
  return new CustodyError('format-invalid', `the call ${how}`);
}
