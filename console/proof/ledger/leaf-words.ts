/** Leaves in words: what happened, by whom, and where to read more of it. */
import type { Leaf } from '#core/ledger/leaf.ts';
import { personText } from '../../parts/person-text.ts';

export const KIND_WORDS: Readonly<Record<Leaf['kind'], string>> = {
  'session-opened': 'Session opened',
  'session-closed': 'Session ended',
  'session-recovered': 'Session sealed from the journal',
  'recording-viewed': 'Recording looked at',
  'recording-exported': 'Recording taken away',
  'recording-rerun': 'Recording run again',
  'access-requested': 'Access requested',
  'access-decided': 'Access decided',
  'access-granted': 'Access granted',
  'access-used': 'Access used',
  'access-ended': 'Access ended',
  'access-reviewed': 'Break-glass reviewed',
  'policy-changed': 'Configuration changed',
  'person-deactivated': 'Person deactivated',
  'person-reactivated': 'Person reactivated',
  'group-changed': 'Group changed',
  'logged-out': 'Logged out by the issuer',
  'device-registered': 'Device registered',
  'device-approved': 'Device approved',
  'device-revoked': 'Device revoked',
  'ssh-certificate-issued': 'SSH certificate issued',
  'ssh-certificate-revoked': 'SSH certificate revoked',
  'run-started': 'Run started',
  'task-started': 'Task started',
  'run-deviated': 'Run deviated',
  'task-ended': 'Task ended',
  'run-ended': 'Run ended',
  'sandbox-made': 'Sandbox made',
  'sandbox-removed': 'Sandbox removed',
};

/** Who did it, as the leaf names them; empty where it names nobody. */
export function leafWho(leaf: Leaf): string {
  if ('by' in leaf) return personText(leaf.by);
  if ('principal' in leaf) return personText(leaf.principal);
  if ('user' in leaf) return leaf.user;
  return 'subject' in leaf ? (leaf.subject ?? '') : '';
}

/** What else it says that tells it from others of its kind. */
export function leafAbout(leaf: Leaf): string {
  const said = { ...leaf } as Readonly<Record<string, unknown>>;
  const words = [
    'target',
    'reason',
    'decision',
    'verdict',
    'how',
    'workflow',
    'task',
    'deviation',
    'group',
    'part',
  ];
  return words.flatMap((name) => (typeof said[name] === 'string' ? [said[name]] : [])).join(' · ');
}

/** The page of what it is about. */
export function leafLink(leaf: Leaf): { readonly to: string; readonly word: string } | undefined {
  if ('request' in leaf) return { to: `/requests/${leaf.request}`, word: 'request' };
  if ('run' in leaf && leaf.run !== undefined) return { to: `/runs/${leaf.run}`, word: 'run' };
  if ('session' in leaf && leaf.session !== undefined)
    return { to: `/sessions/${leaf.session}`, word: 'session' };
  return undefined;
}
