import type { Configuration } from '../api/gateway.ts';
import { useQuery } from '../parts/query.ts';
import { shown } from '../parts/text.ts';
import { ACTIONS, changeOf, localTime } from './question.ts';

interface ExplainFormProps {
  readonly asked: Readonly<Record<string, string>>;
  /** Absent for who may not administer: then it is about themselves. */
  readonly config: Configuration | undefined;
  readonly targets: readonly string[];
}

export function ExplainForm({ asked, config, targets }: ExplainFormProps) {
  const { set } = useQuery();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    set(changeOf(new FormData(event.currentTarget as HTMLFormElement)));
  };
  const names = config === undefined ? targets : config.targets.map(({ name }) => name);
  return (
    <form class="card explain-form" onSubmit={submit}>
      <div class="explain-fields">
        <Choice name="action" label="Action" value={asked['action'] ?? 'connect'} options={ACTIONS} />
        <Field name="target" label="Target" value={asked['target']} options={names} />
        <Field name="login" label="Login at the target" value={asked['login']} placeholder="any" />
      </div>
      {config !== undefined && <AboutWhom asked={asked} config={config} />}
      <p class="explain-do">
        <button type="submit" class="primary">
          Explain
        </button>
      </p>
    </form>
  );
}

type AboutWhomProps = Pick<ExplainFormProps, 'asked'> & { readonly config: Configuration };

function AboutWhom({ asked, config }: AboutWhomProps) {
  const groups = [...new Set(config.rules.flatMap((rule) => rule.groups))].filter((group) => group !== '*');
  const issuers = config.issuers.map(({ name }) => name);
  const isMore = ['network', 'at', 'mfa', 'device', 'task', 'actor', 'session'].some((name) => name in asked);
  return (
    <>
      <fieldset class="explain-fields">
        <legend>About whom</legend>
        <Field name="as" label="E-mail address or subject" value={asked['as']} placeholder="yourself" />
        <Field
          name="groups"
          label="Groups, commas between"
          value={asked['groups']}
          options={groups}
          placeholder="as they are known"
        />
        <Choice
          name="issuer"
          label="Issuer"
          value={asked['issuer'] ?? ''}
          options={['', ...issuers]}
          empty="the first"
        />
      </fieldset>
      <details class="explain-more" open={isMore}>
        <summary>How they come</summary>
        <div class="explain-fields">
          <Field name="network" label="From the address" value={asked['network']} placeholder="not known" />
          <label>
            At
            <input type="datetime-local" name="at" defaultValue={localTime(asked['at'])} />
          </label>
          <Choice
            name="mfa"
            label="Second factor"
            value={asked['mfa'] ?? ''}
            options={['', 'true', 'false']}
            words={{ true: 'checked', false: 'not checked' }}
            empty="not said"
          />
          <Choice
            name="device"
            label="Device"
            value={asked['device'] ?? ''}
            options={['', 'bound', 'registered', 'verified']}
            empty="none proved"
          />
          <Field name="task" label="As the task of a run" value={asked['task']} placeholder="workflow/task" />
          <Field name="actor" label="Through who acts for them" value={asked['actor']} placeholder="nobody" />
          <Field name="session" label="About a session of" value={asked['session']} placeholder="their own" />
        </div>
      </details>
    </>
  );
}

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly value: string | undefined;
  readonly placeholder?: string;
  /** Proposed, not required. */
  readonly options?: readonly string[];
}

function Field({ name, label, value, placeholder, options = [] }: FieldProps) {
  const list = options.length === 0 ? undefined : `explain-${name}`;
  return (
    <label>
      {label}
      <input
        name={name}
        defaultValue={value ?? ''}
        placeholder={placeholder ?? ''}
        list={list}
        autocomplete="off"
        spellcheck={false}
      />
      {list !== undefined && (
        <datalist id={list}>
          {options.map((option) => (
            <option key={option} value={option} />
          ))}
        </datalist>
      )}
    </label>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly options: readonly string[];
  readonly words?: Readonly<Record<string, string>>;
  /** What the empty one means. */
  readonly empty?: string;
}

function Choice({ name, label, value, options, words = {}, empty = '' }: ChoiceProps) {
  return (
    <label>
      {label}
      <select name={name} defaultValue={value}>
        {options.map((option) => (
          <option key={option} value={option} selected={option === value}>
            {option === '' ? empty : shown(words[option] ?? option)}
          </option>
        ))}
      </select>
    </label>
  );
}
