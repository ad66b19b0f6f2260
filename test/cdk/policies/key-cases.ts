import { HERE } from '#test/support/iam/resolved.ts';
import { ADMINISTRATOR, type Calls, type Case, DEPLOYMENT, may, mayNot } from './calls.ts';

const RAW = { 'kms:SigningAlgorithm': 'ECDSA_SHA_256', 'kms:MessageType': 'DIGEST' };

/** Which roles sign with which key. */
export type Signers = Readonly<Record<string, readonly string[]>>;

/** Keys that sign: who is named signs, nobody else does, and nobody can have it done by a grant. */
export function signingCases(calls: Calls, signers: Signers): Case[] {
  const all = new Set(Object.values(signers).flat());
  return Object.entries(signers).flatMap(([name, roles]) => {
    const key = calls.key(name);
    const sign = (role: string) => calls.onKey(calls.role(role), 'Sign', key, RAW);
    const others = [...all].filter((role) => !roles.includes(role));
    return [
      ...may(...roles.flatMap(sign)),
      ...mayNot(...others.flatMap(sign), ...calls.onKey(ADMINISTRATOR, 'Sign', key, RAW)),
      ...mayNot(...calls.onKey(ADMINISTRATOR, 'CreateGrant', key)),
      ...may(...calls.onKey(ADMINISTRATOR, 'GetPublicKey', key)),
    ];
  });
}

/** Nobody makes evidence unreadable; before the stack is protected, a deployment that fails takes its keys back. */
export function deletionCases(calls: Calls, isProtected: boolean): Case[] {
  return calls.account.ids('KMS::Key').flatMap((id) => {
    const key = calls.account.arn('KMS::Key', id);
    const deletion = calls.onKey(DEPLOYMENT, 'ScheduleKeyDeletion', key);
    return [
      ...mayNot(...calls.onKey(ADMINISTRATOR, 'ScheduleKeyDeletion DisableKey', key)),
      ...mayNot(...calls.onKey(DEPLOYMENT, 'DisableKey', key)),
      ...(isProtected ? mayNot(...deletion) : may(...deletion)),
    ];
  });
}

/** The services of AWS that encrypt with the data key by themselves. */
export function dataKeyCases(calls: Calls): Case[] {
  const key = calls.key('DataKey');
  const by = (service: string, actions: string, context: Record<string, string>) =>
    calls.onKey({ service }, actions, key, context);
  const logs = `logs.${HERE.region}.amazonaws.com`;
  const group = (account: string) => ({
    'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${HERE.region}:${account}:log-group:custody`,
  });
  const from = (account: string) => ({ 'aws:SourceAccount': account });
  return [
    ...may(
      ...by(logs, 'Encrypt Decrypt ReEncryptFrom ReEncryptTo GenerateDataKey', group(HERE.account)),
      ...by('cloudwatch.amazonaws.com', 'Decrypt GenerateDataKey', from(HERE.account)),
      ...by('events.amazonaws.com', 'Decrypt GenerateDataKey', {}),
    ),
    ...mayNot(
      ...by(logs, 'Encrypt Decrypt GenerateDataKey', group('444455556666')),
      ...by('cloudwatch.amazonaws.com', 'Decrypt GenerateDataKey', from('444455556666')),
      ...by('lambda.amazonaws.com', 'Decrypt', {}),
    ),
  ];
}
