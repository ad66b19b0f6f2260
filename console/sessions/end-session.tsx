import { fieldOf } from '../parts/form.ts';
import { useState } from 'preact/hooks';
import { asProblem, type Problem } from '../api/problem.ts';
import type { Session } from '../api/types.ts';
import { Dialog } from '../parts/dialog.tsx';
import { personText } from '../parts/person.tsx';
import { Failure } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { useToast } from '../parts/toast.tsx';
import { useSessionsApi } from './context.ts';

/** A button, and behind it what will happen. */
export function EndSession({ session }: { readonly session: Session }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="danger" onClick={() => setOpen(true)}>
        End session
      </button>
      {isOpen && <EndDialog session={session} onClose={() => setOpen(false)} />}
    </>
  );
}

interface EndDialogProps {
  readonly session: Session;
  readonly onClose: () => void;
}

function EndDialog({ session, onClose }: EndDialogProps) {
  const api = useSessionsApi();
  const say = useToast();
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setSending] = useState(false);
  const end = async (reason: string): Promise<void> => {
    setSending(true);
    try {
      await api.end(session.id, reason);
      say('The session ends within five seconds');
      onClose();
    } catch (thrown) {
      setProblem(asProblem(thrown));
      setSending(false);
    }
  };
  return (
    <Dialog title="End this session?" onClose={onClose}>
      <p>
        The connection of {personText(session.principal)} to {shown(session.target)} is cut within five
        seconds, whatever runs. The client is told so in its own protocol’s words, with your reason. What was
        recorded is sealed and stays.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void end(fieldOf(event.currentTarget, 'reason'));
        }}
      >
        <label>
          Reason, for them and for the ledger
          <input type="text" name="reason" maxLength={500} autocomplete="off" />
        </label>
        {problem !== undefined && <Failure problem={problem} />}
        <p class="dialog-actions">
          <button type="submit" class="danger primary" disabled={isSending}>
            {isSending ? 'Ending…' : 'End it'}
          </button>
          <button type="button" onClick={onClose}>
            Let it go on
          </button>
        </p>
      </form>
    </Dialog>
  );
}
