import { useState } from 'preact/hooks';
import type { DeadLetter, DeadLetterPage, Status } from '../api/gateway.ts';
import { asProblem, type Problem } from '../api/problem.ts';
import { useAnswer } from '../parts/answer.ts';
import { Failure } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { Ago } from '../parts/time.tsx';
import { useToast } from '../parts/toast.tsx';
import { useApi } from '../signin/context.ts';

interface DeadLettersProps {
  readonly dead: Status['deadLetters'];
  readonly now: number;
}

/** Listed anew whenever their number is another. */
export function DeadLetters({ dead, now }: DeadLettersProps) {
  const api = useApi();
  const { value, problem, again } = useAnswer(
    (signal) => api.get<DeadLetterPage>('/v1/dead-letters', { limit: 50 }, signal),
    [dead.count, dead.oldestAt],
  );
  const letters = value?.deadLetters ?? [];
  return (
    <section id="dead-letters" class="card">
      <h2>Dead letters</h2>
      {problem && <Failure problem={problem} onRetry={again} />}
      {value !== undefined && letters.length === 0 && (
        <p class="hint">Every webhook took what it was told.</p>
      )}
      {letters.length > 0 && (
        <ul class="letters">
          {letters.map((letter) => (
            <Letter key={letter.id} letter={letter} now={now} onRetried={again} />
          ))}
        </ul>
      )}
      {value?.next !== undefined && (
        <p class="hint">There are older ones: custody dead-letters lists them all.</p>
      )}
    </section>
  );
}

interface LetterProps {
  readonly letter: DeadLetter;
  readonly now: number;
  readonly onRetried: () => void;
}

function Letter({ letter, now, onRetried }: LetterProps) {
  const { webhook, kind, problem, at, request } = letter;
  const { retry, isSending, failure } = useRetry(letter, onRetried);
  return (
    <li>
      <div>
        <p>
          <strong>{shown(webhook)}</strong> was not told{' '}
          {request === undefined ? (
            shown(kind)
          ) : (
            <a href={`/requests/${encodeURIComponent(request)}`}>{shown(kind)}</a>
          )}
          , <Ago at={at} now={now} />
        </p>
        <p class="hint">{shown(problem)}</p>
        {failure && <Failure problem={failure} />}
      </div>
      <button
        type="button"
        disabled={isSending}
        onClick={retry}
        aria-label={`Try again: ${webhook}, ${kind}`}
      >
        Try again
      </button>
    </li>
  );
}

function useRetry({ id, webhook }: DeadLetter, onRetried: () => void) {
  const api = useApi();
  const say = useToast();
  const [isSending, setSending] = useState(false);
  const [failure, setFailure] = useState<Problem>();
  const send = async (): Promise<void> => {
    setSending(true);
    try {
      await api.send('/v1/dead-letters', { body: { id } });
      say(`${webhook} is told again; it is listed here if it fails once more`);
      onRetried();
    } catch (thrown) {
      setFailure(asProblem(thrown));
    } finally {
      setSending(false);
    }
  };
  return { retry: () => void send(), isSending, failure };
}
