import { useState } from 'preact/hooks';
import type { Run } from '../api/runs.ts';
import { Copy } from '../parts/copy.tsx';
import { Failure } from '../parts/states.tsx';
import { saveFile } from '../proof/save-file.ts';
import { useApi } from '../signin/context.ts';

/** Lines of the CLI, by what they give. */
function exportsOf(id: string) {
  return [
    ['Verify it offline', `custody run verify ${id}`],
    ['All of it, in a folder', `custody run export ${id} --out proof`],
    ['For in-toto-verify', `custody run export ${id} --in-toto links --sign-with key.pem`],
    ['OpenLineage events', `custody run export ${id} --openlineage`],
    ['OpenTelemetry spans', `custody run export ${id} --otlp`],
  ] as const;
}

/** How a run is taken away, and proved to others. */
export function RunExports({ run: { id } }: { readonly run: Run }) {
  return (
    <section class="card run-exports" aria-labelledby="exports">
      <h2 id="exports">Take it away, and prove it</h2>
      <dl class="run-clis">
        {exportsOf(id).map(([what, line]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd class="run-cli">
              <code>{line}</code>
              <Copy text={line} what={`line: ${what}`} />
            </dd>
          </div>
        ))}
      </dl>
      <Download id={id} />
    </section>
  );
}

function Download({ id }: { readonly id: string }) {
  const { download, problem } = useDownload(id);
  return (
    <>
      <p class="hint">
        The run’s proof has its steps, its workflow, ledger proofs, approvals and the key of its digests, with
        which values can be guessed: it is for who may export all of its sessions, whose evidence comes beside
        it.
      </p>
      {problem !== undefined && <Failure problem={problem} />}
      <button type="button" onClick={() => void download()}>
        Download the run’s proof
      </button>
    </>
  );
}

function useDownload(id: string) {
  const api = useApi();
  const [problem, setProblem] = useState<unknown>();
  const download = async (): Promise<void> => {
    setProblem(undefined);
    try {
      const response = await api.fetch(`/v1/runs/${encodeURIComponent(id)}/evidence`);
      saveFile(await response.blob(), `run-${id}.json`);
    } catch (thrown) {
      setProblem(thrown);
    }
  };
  return { download, problem };
}
