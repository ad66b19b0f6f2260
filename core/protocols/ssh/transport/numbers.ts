/** Message numbers of the transport (RFC 4250 section 4.1.2; PING and PONG are OpenSSH's). */
export const MESSAGE = {
  disconnect: 1,
  ignore: 2,
  unimplemented: 3,
  debug: 4,
  serviceRequest: 5,
  serviceAccept: 6,
  extInfo: 7,
  kexInit: 20,
  newKeys: 21,
  /** The client's half of every exchange here, Diffie-Hellman's and its descendants'. */
  exchangeInit: 30,
  exchangeReply: 31,
  authSuccess: 52,
  ping: 192,
  pong: 193,
} as const;

/** Why a connection ends (RFC 4253 section 11.1). */
export const DISCONNECT = {
  hostNotAllowed: 1,
  protocolError: 2,
  keyExchangeFailed: 3,
  macError: 5,
  serviceNotAvailable: 7,
  protocolVersionNotSupported: 8,
  hostKeyNotVerifiable: 9,
  connectionLost: 10,
  byApplication: 11,
  tooManyConnections: 12,
  cancelledByUser: 13,
  noMoreAuthMethods: 14,
  illegalUserName: 15,
} as const;
