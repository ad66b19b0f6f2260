import { z } from 'zod';
import { asCustodyError } from '#core/errors.ts';
import { type Api, getJson } from '../api.ts';
import { text } from '../api-shapes.ts';
import type { Cli } from '../cli.ts';
import { bad, type Finding, good, unknown, warning } from '../findings/finding.ts';
import { currentToken } from '../tokens.ts';

/** One's own token; undefined, and why, where there is none that is good. */
export async function ownToken(
  cli: Cli,
): Promise<{ readonly token: string } | { readonly token: undefined; readonly finding: Finding }> {
  try {
    return { token: await currentToken(cli) };
  } catch (thrown) {
    const { message, hint = 'custody login' } = asCustodyError(thrown);
    const why = 'without a login, only what is open to all can be looked at';
    return { token: undefined, finding: unknown('your login', message, { why, todo: hint }) };
  }
}

const whoamiSchema = z.object({
  groups: z.array(text),
  groupsClaim: text,
  email: text.optional(),
  subject: text,
});

/** Whether the gateway takes one's token, and sees groups in it. */
export async function tokenFindings(api: Api): Promise<readonly Finding[]> {
  const about = 'your login';
  try {
    const { groups, groupsClaim, email, subject } = await getJson(api, '/v1/whoami', whoamiSchema);
    const who = email ?? subject;
    if (groups.length > 0) return [good(about, `${who}, in ${groups.join(', ')}`)];
    return [
      warning(about, `the gateway takes it, of ${who}, and sees no groups in its claim ${groupsClaim}`, {
        why: 'rules go by groups: they allow such a token next to nothing',
        todo: 'add the claim at the identity provider, or correct groupsClaim in custody.yaml (docs/identity)',
      }),
    ];
  } catch (thrown) {
    const { message, hint } = asCustodyError(thrown);
    return [bad(about, message, hint === undefined ? {} : { todo: hint })];
  }
}
