import { useEffect, useRef, useState } from 'preact/hooks';
import { asProblem, type Problem } from '../api/problem.ts';
import type { Session } from '../api/types.ts';
import { Copy } from '../parts/copy.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Failure } from '../parts/states.tsx';
import { useApi } from '../signin/context.ts';
import { type ExportForm, exportSession } from './exports.ts';
import { bytesText } from './words.ts';

interface Form {
  readonly form: ExportForm;
  readonly title: string;
  readonly what: string;
  readonly protocol?: string;
}

const FORMS: readonly Form[] = [
  { form: 'ndjson', title: 'Steps', what: 'as JSON, one a line' },
  { form: 'ocsf', title: 'Events', what: 'as OCSF, for a SIEM' },
  { form: 'sql', title: 'Script', what: 'its statements as SQL, answers as comments', protocol: 'postgres' },
];

/** Files to take away. Each is entered in the ledger as an export. */
export function ExportMenu({ session }: { readonly session: Session }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        Export…
      </button>
      {isOpen && <ExportDialog session={session} onClose={() => setOpen(false)} />}
    </>
  );
}

interface ExportDialogProps {
  readonly session: Session;
  readonly onClose: () => void;
}

function ExportDialog({ session: { id, protocol }, onClose }: ExportDialogProps) {
  const { start, running, bytes, problem } = useExport(id);
  const command = `custody export ${id} --bundle`;
  return (
    <Dialog title="Export this session" onClose={onClose}>
      <p>That you took it away is entered in the ledger.</p>
      <ul class="exports">
        {FORMS.filter((one) => one.protocol === undefined || one.protocol === protocol).map(
          ({ form, title, what }) => (
            <li key={form}>
              <span>
                <strong>{title}</strong> {what}
              </span>
              <button
                type="button"
                disabled={running !== undefined}
                aria-label={`Download ${title}`}
                onClick={() => start(form)}
              >
                {running === form ? `${bytesText(bytes)}…` : 'Download'}
              </button>
            </li>
          ),
        )}
      </ul>
      {problem !== undefined && <Failure problem={problem} />}
      <p class="hint">
        For an outside auditor, one page that verifies and plays it without a network is made where you are:
      </p>
      <p>
        <code>{command}</code> <Copy text={command} what="command" />
      </p>
    </Dialog>
  );
}

function useExport(session: string) {
  const api = useApi();
  const ending = useRef(new AbortController());
  const [running, setRunning] = useState<ExportForm>();
  const [bytes, setBytes] = useState(0);
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => () => ending.current.abort(), []);
  const start = (form: ExportForm): void => {
    setRunning(form);
    setBytes(0);
    setProblem(undefined);
    exportSession(api, session, form, ending.current.signal, setBytes)
      .catch((thrown: unknown) => setProblem(asProblem(thrown)))
      .finally(() => setRunning(undefined));
  };
  return { start, running, bytes, problem };
}
