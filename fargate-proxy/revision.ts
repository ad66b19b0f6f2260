import { parseJson } from '#core/json.ts';

const ANSWER_MS = 5_000;

/**
 * The revision of the task definition that this task runs, from ECS; undefined where it does not say. Rejects when ECS cannot.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
 */
export async function ownRevision(metadata: string): Promise<number | undefined> {
  const response = await fetch(`${metadata}/task`, { signal: AbortSignal.timeout(ANSWER_MS) });
  if (!response.ok) throw new Error(`ECS answered ${response.status} about this task`);
  const { Revision } = parseJson(await response.text()) as { readonly Revision?: unknown };
  const revision = Number(Revision);
  return Number.isInteger(revision) && revision > 0 ? revision : undefined;
}
