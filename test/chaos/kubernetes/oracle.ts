import { REQUEST_KEY } from '#core/protocols/kubernetes/impersonation.ts';
import type { RecordedFrame } from '#core/recording/read.ts';
import { READERS } from '#core/replay/readers.ts';
import type { AuditEvent } from '#test/kubernetes/support/audit.ts';
import type { KubernetesBed } from '#test/kubernetes/support/bed.ts';
import { type RecordedCall, recordedCalls } from '#test/kubernetes/support/recorded-calls.ts';
import type { Oracle } from '../oracle.ts';
import { nameOf } from './clients.ts';

/** What the API server's own audit log says that was created, against what is on the tapes. */
export function kubernetesOracle(bed: KubernetesBed): Oracle {
  return {
    protocol: 'kubernetes',
    executed: async (sent) => {
      const created = new Map(
        (await bed.audit()).filter(isCreated).map((event) => [nameIn(event), timeOf(event)]),
      );
      return new Map(
        sent.flatMap(({ tag }) => {
          const at = created.get(nameOf(tag));
          return at === undefined ? [] : [[tag, at] as const];
        }),
      );
    },
    said: (frames) => bodies(frames, 'POST', ({ request }) => request.body),
    answered: (frames) => bodies(frames, 'POST', ({ response }) => response.body),
    problems: async (frames) => readerProblems(frames),
  };
}

/** Every call that the API server saw as the gateway's, whatever it was: those that no tape has. */
export async function callsNotOnTape(
  events: readonly AuditEvent[],
  callsOf: (session: string) => Promise<readonly RecordedCall[]>,
): Promise<{ readonly seen: number; readonly missing: readonly string[] }> {
  const seen = new Map(
    events.flatMap((event) => requestOf(event).map((request) => [request, event] as const)),
  );
  const bySession = Map.groupBy(seen, ([request]) => request.split('/')[0]!);
  const missing: string[] = [];
  for (const [session, requests] of bySession) {
    const targets = new Map(
      (await callsOf(session)).map(({ call, request }) => [call, request.head?.target]),
    );
    for (const [request, { verb, requestURI }] of requests)
      if (targets.get(Number(request.split('/')[1])) !== requestURI)
        missing.push(`${request}: ${verb} ${requestURI}`);
  }
  return { seen: seen.size, missing };
}

function requestOf({ impersonatedUser }: AuditEvent): readonly string[] {
  return impersonatedUser?.extra?.[REQUEST_KEY] ?? [];
}

function isCreated({ verb, objectRef, responseStatus }: AuditEvent): boolean {
  return verb === 'create' && objectRef?.resource === 'configmaps' && responseStatus?.code === 201;
}

function nameIn({ requestObject }: AuditEvent): string {
  return (requestObject as { readonly metadata: { readonly name: string } }).metadata.name;
}

/** When the API server got it. */
function timeOf({ requestReceivedTimestamp }: AuditEvent): number {
  return Date.parse(requestReceivedTimestamp);
}

function bodies(
  frames: readonly RecordedFrame[],
  method: string,
  of: (call: RecordedCall) => Buffer,
): string {
  const calls = recordedCalls(frames).filter(({ request }) => request.head?.method === method);
  return calls.map((call) => of(call).toString('latin1')).join('\n');
}

async function readerProblems(frames: readonly RecordedFrame[]): Promise<string[]> {
  const problems: string[] = [];
  for await (const { step } of READERS.get('kubernetes')!.steps(asyncOf(frames), 'whole', () => undefined))
    if (step.kind === 'damaged') problems.push(`damaged: ${JSON.stringify(step)}`);
  return problems;
}

async function* asyncOf<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
