/** custody.yaml, which is in force as it is read. */
import { statSync } from 'node:fs';
import { configFileReader } from '#adapters/local/config-file.ts';
import { PolicyInForce } from '#core/access/policy.ts';
import { enter, type LeafSink, policyLeaf } from '#core/ledger/leaves.ts';

/** The gateway enters the leaf as well: the same file makes the same leaf, and the queue takes it once. */
export async function localPolicy(file: string, leaves: LeafSink): Promise<PolicyInForce> {
  const read = configFileReader(file);
  return new PolicyInForce(await read(), {
    read,
    adopt: ({ version }) => enter(policyLeaf(version, new Date(Math.floor(statSync(file).mtimeMs))), leaves),
    now: () => new Date(),
  });
}

export async function lookAtConfig(policy: PolicyInForce, say: (line: string) => void): Promise<void> {
  const news = await policy.check();
  if (news === undefined) return;
  if ('version' in news) say(`custody.yaml was changed; in force now: ${news.version.slice(0, 12)}`);
  else say(`custody.yaml was changed and is refused, the one before stays in force: ${news.error.message}`);
}
