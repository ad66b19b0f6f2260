import { useId } from 'preact/hooks';
import type { RunInputTerms } from '../api/runs.ts';
import { shown, shownLines } from '../parts/text.ts';
import { choicesOf, fieldKind, hintOf } from './inputs.ts';

interface InputFieldProps {
  readonly name: string;
  readonly terms: RunInputTerms;
  readonly value: string;
  readonly onInput: (text: string) => void;
}

/** One input of a run, as the workflow declares it. */
export function InputField({ name, terms, value, onInput }: InputFieldProps) {
  const [id, hint] = [useId(), useId()];
  const common = {
    id,
    value,
    required: !terms.nullable && terms.type !== 'text',
    'aria-describedby': hint,
    onInput: (event: { readonly currentTarget: { readonly value: string } }) =>
      onInput(event.currentTarget.value),
  };
  return (
    <div class="run-field">
      <label for={id}>{shown(name)}</label>
      {terms.description !== undefined && <p class="run-lines">{shownLines(terms.description)}</p>}
      <Control terms={terms} common={common} />
      {fieldKind(terms) === 'long' && <FromFile name={name} onText={onInput} />}
      <p class="hint" id={hint}>
        {shown(hintOf(terms))}
      </p>
    </div>
  );
}

interface ControlProps {
  readonly terms: RunInputTerms;
  readonly common: object;
}

function Control({ terms, common }: ControlProps) {
  switch (fieldKind(terms)) {
    case 'choice':
      return (
        <select {...common}>
          <option value="">{terms.nullable ? 'NULL' : 'Choose one'}</option>
          {choicesOf(terms).map((choice) => (
            <option key={choice} value={choice}>
              {shown(choice)}
            </option>
          ))}
        </select>
      );
    case 'date':
      return <input type="date" {...common} />;
    case 'number':
      return (
        <input inputMode={terms.type === 'integer' ? 'numeric' : 'decimal'} autoComplete="off" {...common} />
      );
    case 'line':
      return <input autoComplete="off" {...common} />;
    case 'long':
      return <textarea {...common} />;
  }
}

function FromFile({ name, onText }: { readonly name: string; readonly onText: (text: string) => void }) {
  const read = async (input: HTMLInputElement): Promise<void> => {
    const file = input.files?.[0];
    if (file !== undefined) onText(await file.text());
  };
  return (
    <input
      type="file"
      aria-label={shown(`${name} from a file`)}
      onChange={(event) => void read(event.currentTarget)}
    />
  );
}
