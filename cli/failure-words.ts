/** What went wrong on the way to a server or with a program, by the codes of the system and of Node's net, tls and fetch. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  EACCES: 'permission denied',
  E2BIG: 'its arguments and environment are too long',
  ENOTDIR: 'a part of its path is no folder',
  ENOEXEC: 'it is no program of this system',
  EPIPE: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  ENETUNREACH: 'there is no way to its network',
  EHOSTUNREACH: 'there is no way to the host',
  ETIMEDOUT: 'it does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer',
  UND_ERR_BODY_TIMEOUT: 'it stopped in the middle of an answer',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by nobody but itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of a CA that this machine does not trust',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of a CA that this machine does not trust',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of a CA that this machine does not trust',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** Why a call failed, in words; a code that a person may look for stands behind them. A number never is an explanation. */
export function failureWords(error: unknown): string {
  const chain = causesOf(error);
  if (chain.some(({ name }) => name === 'TimeoutError')) return 'it did not answer in time';
  for (const { code } of chain) {
    const words = typeof code === 'string' ? WORDS[code] : undefined;
    if (words !== undefined) return `${words} (${String(code)})`;
  }
  const { code, message } = chain.findLast((one) => one.message || typeof one.code === 'string') ?? {};
  if (message) return message;
  return typeof code === 'string' ? code : 'of something that it does not say';
}

interface Failure {
  readonly name?: string;
  readonly code?: unknown;
  readonly message?: string;
}

/** An error and what caused it, outermost first. Of several attempts (AggregateError) the last counts. */
function causesOf(error: unknown): Failure[] {
  const chain: Failure[] = [];
  for (let at: unknown = error; typeof at === 'object' && at !== null && chain.length < 10; ) {
    chain.push(at);
    const { cause, errors } = at as { cause?: unknown; errors?: readonly unknown[] };
    at = cause ?? errors?.at(-1);
  }
  return chain;
}
