/** Whether a target is the one that the configuration means: by its key, or by a CA of hosts (security cases 10 and 17). */
import { CustodyError } from '#core/errors.ts';
import {
  certificateAlgorithm,
  certifiedType,
  parseCertificate,
} from '#core/protocols/ssh/keys/certificate.ts';
import { checkCertificate } from '#core/protocols/ssh/keys/certificate-check.ts';
import { formatKeyLine, parsePublicKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import { fingerprintOf, type SshPublicKey } from '#core/protocols/ssh/keys/public-key.ts';
import { algorithmsOf, SIGNATURE_ALGORITHMS } from '#core/protocols/ssh/keys/signature.ts';
import type { SshTarget } from '#core/protocols/ssh/schema.ts';
import type { ClientOptions } from '#core/protocols/ssh/transport/types.ts';
import { sameBytes } from '#core/protocols/ssh/wire.ts';

export type HostTrust = Pick<ClientOptions, 'hostKey' | 'hostKeyAlgorithms'>;

/** What of a server's key is taken. Throws `config-invalid` for a key in the configuration that is none. */
export function hostTrust(target: SshTarget, now: Date): HostTrust {
  return target.hostCa === undefined ? byKey(target) : byCa(target, target.hostCa, now);
}

/** Only kinds of keys that are configured are asked for: a server has several. */
function byKey(target: SshTarget): HostTrust {
  const known = keysOf(target.hostKeys ?? [], target);
  return {
    hostKeyAlgorithms: known.flatMap(({ type }) => algorithmsOf(type)),
    hostKey: (blob) => {
      if (!known.some((key) => sameBytes(key.blob, blob))) throw anotherKey(target, blob, known);
    },
  };
}

function byCa(target: SshTarget, { keys, names }: NonNullable<SshTarget['hostCa']>, now: Date): HostTrust {
  const use = {
    kind: 'host' as const,
    cas: keysOf(keys, target),
    principals: names ?? [target.address.host],
    now,
  };
  return {
    hostKeyAlgorithms: SIGNATURE_ALGORITHMS.filter((name) => !name.startsWith('sk-')).map(
      certificateAlgorithm,
    ),
    hostKey: (blob, algorithm) => {
      if (certifiedType(algorithm) === undefined && !algorithm.includes('-cert-'))
        throw noCertificate(target);
      try {
        checkCertificate(parseCertificate(blob), use);
      } catch (cause) {
        throw notIt(
          target,
          `of its host certificate: ${cause instanceof Error ? cause.message : 'unreadable'}`,
        );
      }
    },
  };
}

function keysOf(lines: readonly string[], { name }: SshTarget): readonly SshPublicKey[] {
  return lines.map((line) => {
    try {
      return parsePublicKeyLine(line);
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new CustodyError('config-invalid', `a host key of the target "${name}" cannot be read`, {
        hint: 'tell whoever runs the gateway',
        detail,
        cause,
      });
    }
  });
}

function anotherKey(target: SshTarget, blob: Uint8Array, known: readonly SshPublicKey[]): CustodyError {
  const expected = known.map((key) => fingerprintOf(key.blob)).join(', ');
  return notIt(
    target,
    `it has the key ${fingerprintOf(blob)}, where custody.yaml has ${expected}; if whoever runs the target changed it, its line in ` +
      `hostKeys is now: ${formatKeyLine(blob)}`,
  );
}

function noCertificate(target: SshTarget): CustodyError {
  return notIt(target, 'it shows a key without a certificate, where custody.yaml has hostCa');
}

/** Everybody is told that; which keys they are is for whoever can do something about it. */
function notIt(target: SshTarget, detail: string): CustodyError {
  return new CustodyError('target-unreachable', `what answers for the target "${target.name}" is not known`, {
    hint: 'nothing was sent to it: its host key is not the one in the configuration; tell whoever runs the gateway',
    detail,
  });
}
