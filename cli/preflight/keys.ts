import { parseJson } from '#core/json.ts';
import type { Ask } from '../aws/ask.ts';
import { bad, type Finding, unknown, warning } from '../findings/finding.ts';

/** AWS's own key for secrets, which whoever may read the secret may use. */
const OF_AWS = /(?:^|alias\/)aws\/secretsmanager$/;

/**
 * Where a key of one's own encrypts a secret, the stack grants its use only where cdk.json names it, and its policy has to leave that to
 * IAM. https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
 */
export async function keyFindings(
  about: string,
  used: string | undefined,
  named: string | undefined,
  ask: Ask,
): Promise<readonly Finding[]> {
  if (used === undefined || OF_AWS.test(used)) return [];
  const described = await ask<Described>('kms', 'describe-key', '--key-id', used);
  if ('refused' in described) return [unknown(about, `its key ${used}: ${described.refused.words}`)];
  const { Arn: arn, KeyState: state, KeyManager: manager } = described.found.KeyMetadata;
  if (manager === 'AWS') return [];
  if (state !== 'Enabled') {
    const todo = `aws kms enable-key --key-id ${arn} (aws kms cancel-key-deletion first, where it is to be deleted)`;
    return [bad(about, `its key ${arn} is ${state}`, { todo })];
  }
  if (named !== arn) {
    const todo = `name it in cdk.json: secretKeys: { "<secret>": "${arn}" }, or secretKeyArn of the target`;
    const what = `it is encrypted with ${arn}, and cdk.json ${named === undefined ? 'does not say so' : `names ${named}`}`;
    return [bad(about, what, { why: 'the gateway may not decrypt it', todo })];
  }
  return policyFindings(about, arn, ask);
}

interface Described {
  readonly KeyMetadata: { readonly Arn: string; readonly KeyState?: string; readonly KeyManager?: string };
}

/** Whether the policy of the key has the statement by which roles of the account may be given its use. */
async function policyFindings(about: string, arn: string, ask: Ask): Promise<readonly Finding[]> {
  const answer = await ask<{ readonly Policy?: string }>(
    ...(['kms', 'get-key-policy', '--key-id', arn, '--policy-name', 'default'] as const),
  );
  if ('refused' in answer) return [unknown(about, `the policy of ${arn}: ${answer.refused.words}`)];
  if (leavesToIam(answer.found.Policy ?? '', arn)) return [];
  return [
    warning(about, `the policy of ${arn} does not leave its use to IAM`, {
      why: "the stack gives the gateway's role kms:Decrypt, which counts for nothing there",
      todo: 'let arn:aws:iam::<account>:root use it in the policy of the key, or the role of the proxy once it is deployed',
    }),
  ];
}

interface Statement {
  readonly Effect?: string;
  readonly Principal?: string | { readonly AWS?: string | readonly string[] };
  readonly Action?: string | readonly string[];
  readonly Condition?: object;
}

/** https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html */
function leavesToIam(policy: string, arn: string): boolean {
  const account = arn.split(':')[4] ?? '';
  const { Statement = [] } = parseJson(policy) as { readonly Statement?: readonly Statement[] };
  return Statement.some(({ Effect, Principal, Action = [], Condition }) => {
    const who = typeof Principal === 'string' ? [Principal] : [Principal?.AWS ?? []].flat();
    const isAccount = who.some(
      (one) => one === '*' || one === account || one.endsWith(`:iam::${account}:root`),
    );
    const may = [Action].flat().some((one) => ['kms:*', 'kms:Decrypt', '*'].includes(one));
    return Effect === 'Allow' && Condition === undefined && isAccount && may;
  });
}
