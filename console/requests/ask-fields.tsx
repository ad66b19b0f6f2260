import { useId } from 'preact/hooks';
import type { Terms } from '../api/requests.ts';
import type { Target } from '../api/types.ts';
import type { Draft } from './draft.ts';
import { DurationField } from './duration-field.tsx';
import { StatementsField } from './statements-field.tsx';

export type Lacks = Readonly<Partial<Record<keyof Draft, string>>>;

interface FieldsProps {
  readonly target: Target;
  readonly terms: Terms;
  readonly draft: Draft;
  readonly change: (changed: Partial<Draft>) => void;
  readonly lacks: Lacks;
}

export function AskFields({ target, terms, draft, change, lacks }: FieldsProps) {
  const { breakGlass, maxDurationSeconds } = terms;
  return (
    <>
      <TextField
        label="Reason"
        isRequired={terms.reason === 'required'}
        lack={lacks.reason}
        value={draft.reason}
        max={1_000}
        rows={3}
        onInput={(reason) => change({ reason })}
      />
      <TextField
        label="Ticket"
        isRequired={terms.ticket === 'required'}
        lack={lacks.ticket}
        value={draft.ticket}
        max={100}
        onInput={(ticket) => change({ ticket })}
      />
      <DurationField
        seconds={draft.seconds}
        maxSeconds={maxDurationSeconds}
        onChange={(seconds) => change({ seconds })}
      />
      {(terms.for === 'run' || draft.run !== '') && (
        <RunFields terms={terms} draft={draft} change={change} lacks={lacks} />
      )}
      {!breakGlass && (
        <StatementsField
          protocol={target.protocol}
          isRequired={terms.statements === 'exact'}
          lack={lacks.statements}
          statements={draft.statements}
          onChange={(statements) => change({ statements })}
        />
      )}
      {breakGlass && (
        <label class="ask-sure">
          <input
            type="checkbox"
            checked={draft.isSure}
            onChange={(event) => change({ isSure: event.currentTarget.checked })}
          />{' '}
          It is an emergency, and I expect to be asked about it
        </label>
      )}
    </>
  );
}

function RunFields({ terms, draft, change, lacks }: Omit<FieldsProps, 'target'>) {
  return (
    <>
      <TextField
        label="Run of a workflow"
        isRequired={terms.for === 'run'}
        lack={lacks.run}
        value={draft.run}
        max={36}
        onInput={(run) => change({ run })}
      />
      <TextField
        label="Only as its task"
        isRequired={false}
        lack={undefined}
        value={draft.task}
        max={63}
        onInput={(task) => change({ task })}
      />
    </>
  );
}

interface TextFieldProps {
  readonly label: string;
  readonly isRequired: boolean;
  readonly lack: string | undefined;
  readonly value: string;
  readonly max: number;
  /** More than one: of several lines. */
  readonly rows?: number;
  readonly onInput: (text: string) => void;
}

function TextField({ label, isRequired, lack, value, max, rows = 1, onInput }: TextFieldProps) {
  const id = useId();
  const common = {
    id,
    value,
    maxLength: max,
    required: isRequired,
    'aria-invalid': lack !== undefined,
    ...(lack === undefined ? {} : { 'aria-describedby': `${id}-lack` }),
  };
  return (
    <div class="field">
      <label for={id}>
        {label} <span class="hint">{isRequired ? 'required' : 'optional'}</span>
      </label>
      {rows > 1 ? (
        <textarea {...common} rows={rows} onInput={(event) => onInput(event.currentTarget.value)} />
      ) : (
        <input {...common} autocomplete="off" onInput={(event) => onInput(event.currentTarget.value)} />
      )}
      {lack !== undefined && (
        <p id={`${id}-lack`} class="lack">
          {lack}
        </p>
      )}
    </div>
  );
}
