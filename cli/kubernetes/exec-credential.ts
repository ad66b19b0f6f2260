/**
 * The protocol by which kubectl and others ask a program for a credential:
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
import { CustodyError } from '#core/errors.ts';
import { isJsonObject, parseJson } from '#core/json.ts';
import { type ExecApi, execApis } from './entry.ts';

const GROUP = 'client.authentication.k8s.io/';
const INFO_MAX = 1 << 20;
/** Before the token's end, so that none ends on its way. Less than what it is renewed before (cli/renewal.ts). */
const MARGIN_MS = 30_000;

export interface Asked {
  readonly version: ExecApi;
  /** False: nobody is there, or standard input is for something else. Undefined where the client does not say. */
  readonly interactive: boolean | undefined;
}

/** Of KUBERNETES_EXEC_INFO; clients that say nothing take v1. Throws `unsupported` and `format-invalid`. */
export function askedFor(info: string | undefined): Asked {
  if (!info) return { version: 'v1', interactive: undefined };
  const value = info.length > INFO_MAX ? undefined : parsed(info);
  if (!isJsonObject(value) || typeof value['apiVersion'] !== 'string') throw misshapen();
  const { apiVersion, spec } = value;
  const version = execApis.find((one) => apiVersion === GROUP + one);
  if (version === undefined)
    throw new CustodyError('unsupported', `the client asks for a credential of ${apiVersion}`, {
      hint: `custody kubeconfig --exec-api ${execApis.join(' or ')} writes for what it may ask`,
    });
  const interactive = isJsonObject(spec) ? spec['interactive'] : undefined;
  return { version, interactive: typeof interactive === 'boolean' ? interactive : undefined };
}

export interface Shown {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly device: { readonly cert: string; readonly key: string } | undefined;
}

export function credential(version: ExecApi, { token, expiresAt, device }: Shown): object {
  return {
    apiVersion: GROUP + version,
    kind: 'ExecCredential',
    status: {
      // Without fractions of a second, which not every client reads.
      expirationTimestamp: new Date(expiresAt - MARGIN_MS).toISOString().replace(/\.\d+Z$/, 'Z'),
      token,
      ...(device === undefined ? {} : { clientCertificateData: device.cert, clientKeyData: device.key }),
    },
  };
}

function parsed(info: string): unknown {
  try {
    return parseJson(info, 100);
  } catch (cause) {
    throw misshapen(cause);
  }
}

function misshapen(cause?: unknown): CustodyError {
  return new CustodyError('format-invalid', 'KUBERNETES_EXEC_INFO is not what a client of Kubernetes sets', {
    hint: 'this command is for kubeconfig files; by hand, unset it',
    cause,
  });
}
