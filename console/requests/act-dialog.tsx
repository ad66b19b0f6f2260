import { useRef, useState } from 'preact/hooks';
import { asProblem, type Problem } from '../api/problem.ts';
import { getRequest, type Seen } from '../api/requests.ts';
import { Dialog } from '../parts/dialog.tsx';
import { personText } from '../parts/person.tsx';
import { Failure } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { useToast } from '../parts/toast.tsx';
import { useApi, useWho } from '../signin/context.ts';
import { ACTS, type ActKind, actsOn } from './acts.ts';
import { changes } from './changes.ts';
import { approvalsText, durationOf } from './words.ts';

interface ActDialogProps {
  readonly kind: ActKind;
  /** As it was when they chose to: nothing else is decided about. */
  readonly seen: Seen;
  readonly onClose: () => void;
  /** With the request as it is then: after the act, and where it had changed before. */
  readonly onChange: (seen: Seen) => void;
}

/** Asks once more, with a comment; what has changed since is shown, and asked about again. */
export function ActDialog({ kind, onClose, ...props }: ActDialogProps) {
  const { seen, news, problem, isSending, send } = useAct(kind, { ...props, onClose });
  const [comment, setComment] = useState('');
  const { question, meaning, word, isGrave, takesComment } = ACTS[kind];
  const isPossible = actsOn(seen.value, useWho()).includes(kind);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (isPossible) void send(comment);
  };
  return (
    <Dialog title={question} onClose={onClose} class="act-dialog">
      <form
        onSubmit={submit}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit(event);
        }}
      >
        <Subject seen={seen} />
        <p class="hint">{meaning}</p>
        {news.length > 0 && <News news={news} isPossible={isPossible} />}
        {problem !== undefined && <Failure problem={problem} />}
        {takesComment && isPossible && <Comment value={comment} onInput={setComment} />}
        {isPossible && (
          <div class="act-buttons">
            <button type="submit" class={isGrave ? 'primary danger' : 'primary'} disabled={isSending}>
              {isSending ? 'Sending…' : word}
            </button>
            {takesComment && (
              <span class="hint act-keys">
                <kbd>Ctrl</kbd> or <kbd>⌘</kbd> with <kbd>Enter</kbd>
              </span>
            )}
          </div>
        )}
      </form>
    </Dialog>
  );
}

function Subject({ seen: { value } }: { readonly seen: Seen }) {
  return (
    <p class="act-subject">
      <strong>{personText(value.requester)}</strong> → <strong>{shown(value.target)}</strong>, for{' '}
      {durationOf(value)}
      {value.state === 'pending' && <>; {approvalsText(value)}</>}
    </p>
  );
}

function News({ news, isPossible }: { readonly news: readonly string[]; readonly isPossible: boolean }) {
  return (
    <section class="act-news" role="alert">
      <p>
        <strong>It has changed since you looked.</strong>
      </p>
      <ul>
        {news.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <p>
        {isPossible
          ? 'Nothing was sent. Decide again, knowing this.'
          : 'There is nothing to decide any more.'}
      </p>
    </section>
  );
}

const COMMENT_MAX = 1_000;

function Comment({ value, onInput }: { readonly value: string; readonly onInput: (text: string) => void }) {
  return (
    <label>
      Comment, if you like
      <textarea
        name="comment"
        value={value}
        maxLength={COMMENT_MAX}
        rows={3}
        autofocus
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </label>
  );
}

/** Sends it once, however often it is pressed. */
function useAct(kind: ActKind, { seen: first, onClose, onChange }: Omit<ActDialogProps, 'kind'>) {
  const [api, say] = [useApi(), useToast()];
  const [seen, setSeen] = useState(first);
  const [news, setNews] = useState<readonly string[]>([]);
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setSending] = useState(false);
  const sending = useRef(false);

  const lookAgain = async (): Promise<void> => {
    const now = await getRequest(api, seen.value.id);
    setNews(changes(seen.value, now.value));
    setSeen(now);
    onChange(now);
  };
  const send = async (comment: string): Promise<void> => {
    if (sending.current) return;
    sending.current = true;
    setSending(true);
    setProblem(undefined);
    try {
      const given = comment.trim() === '' ? {} : { comment };
      onChange(await ACTS[kind].send(api, seen, given));
      say(ACTS[kind].done);
      onClose();
    } catch (thrown) {
      const failed = asProblem(thrown);
      if (failed.code === 'precondition-failed')
        await lookAgain().catch((again: unknown) => setProblem(asProblem(again)));
      else setProblem(failed);
    } finally {
      sending.current = false;
      setSending(false);
    }
  };
  return { seen, news, problem, isSending, send };
}
