/** Where a gateway is spoken to, and what there: all that a parent of processes knows of protocols. */
import type { ProtocolName } from '#core/protocols/protocols.ts';
import type { Doorway } from './listener.ts';
import type { Settings } from './settings.ts';

/** Who comes in where, as a parent knows it that speaks no protocol. */
export interface Entry {
  readonly name: ProtocolName;
  /** A session is joined by connections of one address: they belong to one process. */
  readonly together: boolean;
}

export function entriesOf({
  host,
  port,
  sshPort,
  kubernetesPort,
}: Pick<Settings, 'host' | 'port' | 'sshPort' | 'kubernetesPort'>): readonly Doorway<Entry>[] {
  const entries: Doorway<Entry>[] = [{ protocol: { name: 'postgres', together: false }, host, port }];
  if (sshPort !== undefined)
    entries.push({ protocol: { name: 'ssh', together: false }, host, port: sshPort });
  if (kubernetesPort !== undefined)
    entries.push({ protocol: { name: 'kubernetes', together: true }, host, port: kubernetesPort });
  return entries;
}

/** What the log says of where a gateway listens. */
export function placesSaid({ host, port, sshPort }: Settings): Readonly<Record<string, unknown>> {
  return { host, port, ...(sshPort === undefined ? {} : { sshPort }) };
}
