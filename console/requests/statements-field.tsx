import { Command } from './command.tsx';

interface StatementsProps {
  readonly protocol: string;
  readonly isRequired: boolean;
  readonly lack: string | undefined;
  /** Undefined: any. */
  readonly statements: readonly string[] | undefined;
  readonly onChange: (statements: readonly string[] | undefined) => void;
}

/** As many as the API takes at once. */
const STATEMENTS_MAX = 100;

/** The exact commands, one in each box, as reviewers will see them. */
export function StatementsField({ protocol, isRequired, lack, statements, onChange }: StatementsProps) {
  const replaced = (at: number, text: string): readonly string[] => statements!.with(at, text);
  return (
    <fieldset class="field statements-field">
      <legend>Commands</legend>
      {!isRequired && (
        <label class="ask-exact">
          <input
            type="checkbox"
            checked={statements !== undefined}
            onChange={(event) => onChange(event.currentTarget.checked ? [''] : undefined)}
          />{' '}
          Only exact commands, in one session
        </label>
      )}
      {statements?.map((text, at) => (
        <Statement
          key={at}
          number={at + 1}
          text={text}
          protocol={protocol}
          onInput={(changed) => onChange(replaced(at, changed))}
          onRemove={statements.length === 1 ? undefined : () => onChange(statements.toSpliced(at, 1))}
        />
      ))}
      {statements !== undefined && statements.length < STATEMENTS_MAX && (
        <button type="button" onClick={() => onChange([...statements, ''])}>
          Another command
        </button>
      )}
      {lack !== undefined && <p class="lack">{lack}</p>}
    </fieldset>
  );
}

interface StatementProps {
  readonly number: number;
  readonly text: string;
  readonly protocol: string;
  readonly onInput: (text: string) => void;
  readonly onRemove: (() => void) | undefined;
}

function Statement({ number, text, protocol, onInput, onRemove }: StatementProps) {
  return (
    <div class="statement-field">
      <label>
        Command {number}
        <textarea
          class="statement-input"
          value={text}
          rows={Math.min(12, Math.max(2, text.split('\n').length))}
          spellcheck={false}
          autocapitalize="off"
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      </label>
      {text.trim() !== '' && (
        <details>
          <summary>As reviewers see it</summary>
          <Command text={text} protocol={protocol} label={`Command ${number}, as reviewers see it`} />
        </details>
      )}
      {onRemove !== undefined && (
        <button type="button" class="quiet" onClick={onRemove}>
          Remove command {number}
        </button>
      )}
    </div>
  );
}
