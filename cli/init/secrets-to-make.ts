import { CustodyError } from '#core/errors.ts';
import type { Ask, Answer } from '../aws/ask.ts';
import type { Aws } from '../aws/aws-cli.ts';
import { createSecret, describeSecret, replaceSecret } from '../aws/secrets.ts';
import { type Cli, say } from '../cli.ts';

/** A secret that is to be in Secrets Manager. */
export interface WantedSecret {
  readonly name: string;
  /** For the person, and for who finds it in the account. */
  readonly what: string;
  readonly isThere: boolean;
}

/** Which of these are there already. Throws where that cannot be told. */
export async function wantedSecrets(
  ask: Ask,
  wanted: readonly Omit<WantedSecret, 'isThere'>[],
): Promise<readonly WantedSecret[]> {
  return Promise.all(
    wanted.map(async (one) => {
      const answer = await describeSecret(ask, one.name);
      if ('found' in answer && answer.found.DeletedDate !== undefined) throw goes(one.name);
      if ('found' in answer) return { ...one, isThere: true };
      if (answer.refused.code === 'ResourceNotFoundException') return { ...one, isThere: false };
      throw new CustodyError('config-invalid', `the secret ${one.name}: ${answer.refused.words}`);
    }),
  );
}

function goes(name: string): CustodyError {
  return new CustodyError('config-invalid', `the secret ${name} is scheduled for deletion`, {
    hint: `aws secretsmanager restore-secret --secret-id ${name}`,
  });
}

/** Makes it, or gives it another text, and names what was done. Throws what AWS refuses. */
export async function putSecret(
  cli: Cli,
  aws: Aws,
  { name, what, isThere }: WantedSecret,
  text: string,
): Promise<void> {
  const done = isThere ? await replaceSecret(aws, name, text) : await createSecret(aws, name, what, text);
  refuse(done, name);
  say(cli, `${isThere ? 'changed' : 'made'} the secret ${name}: ${what}`);
}

function refuse(answer: Answer<unknown>, name: string): void {
  if ('found' in answer) return;
  throw new CustodyError('config-invalid', `the secret ${name} was not made: ${answer.refused.words}`);
}
