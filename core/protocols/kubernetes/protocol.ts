import { asCustodyError, CustodyError } from '../../errors.ts';
import type { LeftOut, ProtocolFacts, SecretReference } from '../protocol.ts';
import { parseCallText, refuseUnnameable } from './exact/call-text.ts';
import { ruleWords } from './rule-words.ts';
import { type KubernetesTarget, responseKinds } from './schema.ts';

const TOKEN = 'token';
const CERTIFICATE = 'client certificate and its private key';
/** Longer is no token that an API server takes in a header. */
const TOKEN_MAX = 64 << 10;

/** Kubernetes, as others know it. */
export const kubernetes: ProtocolFacts<KubernetesTarget> = {
  name: 'kubernetes',
  label: 'Kubernetes',
  port: 6443,
  fileKey: 'tokenFile or a certificateFile',
  // Whom the cluster sees follows from the rule; nobody chooses.
  logins: () => [],
  loginFor: () => undefined,
  obstacles: () => [],
  secrets: (target) => [referenceOf(target)],
  secretFor: referenceOf,
  refuseUnusable,
  trustFiles: ({ tls }) => (tls.caFile === undefined ? [] : [tls.caFile]),
  withFiles,
  leftOut,
  passes: ruleWords,
  // As whom, and which calls: each of them is judged by it.
  bound: (rule) => rule.kubernetes,
  refuseUnapprovable,
  // JSON in one line: a text has a call in each of its lines.
  commandsIn: (text) =>
    text
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== ''),
};

/** What is approved has to be a call, and one that a judge can tell from others by its line and body. */
function refuseUnapprovable(texts: readonly string[]): void {
  for (const [at, text] of texts.entries()) {
    const why = obstacleTo(text);
    if (why === undefined) continue;
    throw new CustodyError('format-invalid', `command ${at + 1} cannot be approved: ${why.message}`, {
      ...(why.hint === undefined ? {} : { hint: why.hint }),
    });
  }
}

function obstacleTo(text: string): CustodyError | undefined {
  try {
    refuseUnnameable(parseCallText(text));
    return undefined;
  } catch (thrown) {
    return asCustodyError(thrown);
  }
}

function referenceOf({ credential }: KubernetesTarget): SecretReference {
  const { tokenFile, certificateFile, tokenSecret, certificateSecret, eks } = credential;
  if (tokenFile !== undefined) return { kind: 'file', what: TOKEN, file: tokenFile };
  if (certificateFile !== undefined) return { kind: 'file', what: CERTIFICATE, file: certificateFile };
  if (tokenSecret !== undefined) return { kind: 'secret', what: TOKEN, secret: tokenSecret };
  if (certificateSecret !== undefined)
    return { kind: 'secret', what: CERTIFICATE, secret: certificateSecret };
  return { kind: 'eks', ...eks! };
}

function refuseUnusable(reference: SecretReference, text: string): void {
  if (reference.kind !== 'file' && reference.kind !== 'secret') return;
  if (reference.what === TOKEN ? isToken(text.trim()) : isPair(text)) return;
  const wanted = reference.what === TOKEN ? 'is no token' : 'has not a certificate and a private key, as PEM';
  throw new CustodyError('config-invalid', `the secret ${wanted}`);
}

/** RFC 6750 section 2.1: what a header can carry. */
function isToken(text: string): boolean {
  return text.length <= TOKEN_MAX && /^[A-Za-z0-9\-._~+/]+=*$/.test(text);
}

function isPair(text: string): boolean {
  return /-----BEGIN CERTIFICATE-----/.test(text) && /-----BEGIN (?:\w+ )?PRIVATE KEY-----/.test(text);
}

function withFiles(target: KubernetesTarget, rename: (file: string) => string): KubernetesTarget {
  const { credential, tls } = target;
  const { tokenFile, certificateFile } = credential;
  return {
    ...target,
    credential: {
      ...credential,
      ...(tokenFile === undefined ? {} : { tokenFile: rename(tokenFile) }),
      ...(certificateFile === undefined ? {} : { certificateFile: rename(certificateFile) }),
    },
    tls: { ...tls, ...(tls.caFile === undefined ? {} : { caFile: rename(tls.caFile) }) },
  };
}

function leftOut({ withhold, recording }: KubernetesTarget): LeftOut {
  const responses = responseKinds.filter((kind) => recording.responses[kind] === 'digest');
  return {
    ...(responses.length === 0 ? {} : { responses }),
    ...(withhold.length === 0 ? {} : { withhold }),
  };
}
