import type { Run } from '../api/runs.ts';
import { useQuery } from '../parts/query.ts';
import { Empty } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { FlowBadge } from './badges.tsx';
import { Digest } from './digest.tsx';
import type { Flow } from './flows.ts';
import { sizeText } from './outputs.tsx';
import { type Put, putOut } from './put-out.ts';

interface FlowTableProps {
  /** For who listens: what of the run this is. */
  readonly label: string;
  readonly run: Run;
  readonly flows: readonly Flow[];
}

/** Which output went into which input, as results prove it: each with its digests. */
export function FlowTable({ label, run, flows }: FlowTableProps) {
  if (flows.length === 0)
    return (
      <Empty title="No task takes data from another">
        <p>The contracts of this workflow name no origin: their values are bounded by their terms alone.</p>
      </Empty>
    );
  return (
    <div class="scroll-x" role="region" aria-label={shown(label)} tabIndex={0}>
      <table class="run-flows">
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">Put out</th>
            <th scope="col">Into</th>
            <th scope="col">Found to be from there</th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {flows.map((flow) => (
            <Row key={`${flow.task} ${flow.into} ${flow.from}`} flow={flow} put={putOut(run, flow.from)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ flow, put }: { readonly flow: Flow; readonly put: Put | undefined }) {
  const { with: changed } = useQuery();
  const { from, source, task, into, state } = flow;
  return (
    <tr>
      <td>
        {source === undefined ? (
          <code>{shown(from)}</code>
        ) : (
          <a href={changed({ task: source })}>
            <code>{shown(from)}</code>
          </a>
        )}
      </td>
      <td>{put === undefined ? '–' : <PutOut put={put} />}</td>
      <td>
        <a href={changed({ task })}>
          <code>{shown(`${task}: ${into}`)}</code>
        </a>
      </td>
      <td>
        <Found flow={flow} />
      </td>
      <td>
        <FlowBadge state={state} />
      </td>
    </tr>
  );
}

function PutOut({ put: { output, digest } }: { readonly put: Put }) {
  return (
    <>
      {sizeText(output)} <Digest hex={digest} what="digest of what was put out" />
    </>
  );
}

function Found({ flow: { values, bytes } }: { readonly flow: Flow }) {
  if (values !== undefined)
    return (
      <>
        {values.found} of {values.given} {values.given === 1 ? 'value' : 'values'}
      </>
    );
  if (bytes === undefined) return <>–</>;
  return (
    <>
      {bytes.count} bytes <Digest hex={bytes.sha256} what="SHA-256 of what was given" />
    </>
  );
}
