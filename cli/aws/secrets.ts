import type { Aws } from './aws-cli.ts';
import { type Answer, answerOf, type Ask } from './ask.ts';

interface Described {
  readonly ARN: string;
  readonly KmsKeyId?: string;
  readonly DeletedDate?: string;
  readonly OwningService?: string;
}

/** What is known of a secret, without its text. */
export function describeSecret(ask: Ask, id: string): Promise<Answer<Described>> {
  return ask<Described>('secretsmanager', 'describe-secret', '--secret-id', id);
}

/** Its text, which is looked at and never shown. */
export async function secretText(
  ask: Ask,
  id: string,
): Promise<{ readonly text: string } | { readonly mistake: string }> {
  const answer = await ask<{ readonly SecretString?: string }>(
    ...(['secretsmanager', 'get-secret-value', '--secret-id', id] as const),
  );
  if ('refused' in answer) return { mistake: answer.refused.words };
  const { SecretString: text } = answer.found;
  if (text === undefined || text.trim() === '') return { mistake: 'it has no text' };
  return { text };
}

/** Makes a secret. Its text goes through a pipe. */
export async function createSecret(
  aws: Aws,
  name: string,
  description: string,
  text: string,
): Promise<Answer<Described>> {
  const args = ['create-secret', '--name', name, '--description', description];
  return answerOf<Described>(await aws(['secretsmanager', ...args, ...FROM_PIPE], text));
}

/** Gives a secret another text; the one before stays as its version AWSPREVIOUS. */
export async function replaceSecret(aws: Aws, id: string, text: string): Promise<Answer<Described>> {
  return answerOf<Described>(
    await aws(['secretsmanager', 'put-secret-value', '--secret-id', id, ...FROM_PIPE], text),
  );
}

/** https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-parameters-file.html */
const FROM_PIPE = ['--secret-string', 'file:///dev/stdin'];
