import type { Config } from '#core/access/config.ts';
import {
  type CertificateBook,
  type CertificatePage,
  type IssuedCertificate,
  placeOf,
} from '#core/access/ssh-certificates/book.ts';
import { CertificateDesk } from '#core/access/ssh-certificates/desk.ts';
import type { Actor } from '#core/identity/principal.ts';
import { caKeyOf } from '#core/protocols/ssh/keys/certificate-make.ts';
import type { SshPorts } from '#lambdas/ssh/handler.ts';
import { MemoryLogouts } from './memory-logouts.ts';
import { MemoryLeaves, memorySigner } from './memory-ports.ts';

/** Certificates that were issued, in memory. */
export class MemoryCertificates implements CertificateBook {
  readonly kept: IssuedCertificate[] = [];

  async keep(issued: IssuedCertificate): Promise<void> {
    this.kept.push(structuredClone(issued));
  }

  async find(serial: string): Promise<IssuedCertificate | undefined> {
    return this.kept.find((one) => one.serial === serial);
  }

  async of(
    { issuer, subject }: Actor,
    { limit, cursor }: { limit: number; cursor?: string },
  ): Promise<CertificatePage> {
    const own = this.kept.filter(({ person }) => person.issuer === issuer && person.subject === subject);
    const older = own.filter((one) => cursor === undefined || placeOf(one) < cursor);
    const sorted = older.toSorted((one, other) => (placeOf(one) < placeOf(other) ? 1 : -1));
    const certificates = sorted.slice(0, limit);
    return { certificates, ...(sorted.length > limit ? { next: placeOf(certificates.at(-1)!) } : {}) };
  }
}

/** SSH's part of an API, in memory. */
export function memorySsh(policy: () => Config, now: () => Date) {
  const [book, revocations, leaves] = [new MemoryCertificates(), new MemoryLogouts(), new MemoryLeaves()];
  const [users, targets] = [memorySigner(), memorySigner()];
  const desk = new CertificateDesk({ policy, ca: users, book, revocations, leaves, now });
  return {
    ...{ desk, book, revocations, leaves, users, targets },
    place: async () => ({ host: 'gateway.example', port: 2222, hostKeys: ['ssh-ed25519 AAAA'] }),
    userCa: async () => [caKeyOf(users.der)],
    targetCa: async () => [caKeyOf(targets.der)],
  } satisfies Omit<SshPorts, 'policy' | 'now' | 'log'> & Record<string, unknown>;
}
