import { useState } from 'preact/hooks';
import type { Run } from '../api/runs.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Failure } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { useToast } from '../parts/toast.tsx';
import { useApi } from '../signin/context.ts';

/** As `words` of the API has it. */
const COMMENT_MAX = 1_000;

interface EndRunProps {
  readonly run: Run;
  readonly onEnded: (run: Run) => void;
  readonly onClose: () => void;
}

/** Says what will happen, and asks why. */
export function EndRun({ run, onEnded, onClose }: EndRunProps) {
  const [comment, setComment] = useState('');
  const { end, isEnding, problem } = useEnd(run, (ended) => {
    onEnded(ended);
    onClose();
  });
  const running = run.tasks.filter(({ state }) => state === 'running').map(({ name }) => name);
  const submit = (event: Event): void => {
    event.preventDefault();
    void end(comment);
  };
  return (
    <Dialog title={`End this run of ${shown(run.workflow)}?`} onClose={onClose}>
      <form onSubmit={submit}>
        <p>
          No task of it begins any more, which nobody can take back. What was done stays done, and stays
          proved.
        </p>
        {running.length > 0 && (
          <p class="run-notice warn">
            Sessions that are tasks of it are ended as well: {shown(running.join(', '))}.
          </p>
        )}
        <label>
          Why (optional)
          <textarea
            value={comment}
            maxLength={COMMENT_MAX}
            onInput={(event) => setComment(event.currentTarget.value)}
          />
        </label>
        {problem !== undefined && <Failure problem={problem} />}
        <button type="submit" class="danger primary run-wide" disabled={isEnding}>
          {isEnding ? 'Ending…' : 'End the run'}
        </button>
      </form>
    </Dialog>
  );
}

function useEnd({ id }: Run, onEnded: (run: Run) => void) {
  const api = useApi();
  const say = useToast();
  const [isEnding, setEnding] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const end = async (comment: string): Promise<void> => {
    setEnding(true);
    setProblem(undefined);
    try {
      const body = comment.trim() === '' ? {} : { comment };
      const run = await api.send<Run>(`/v1/runs/${encodeURIComponent(id)}/end`, { body });
      say('The run is ended');
      onEnded(run);
    } catch (thrown) {
      setProblem(thrown);
      setEnding(false);
    }
  };
  return { end, isEnding, problem };
}
