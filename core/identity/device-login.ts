/** A login that a person confirms in a browser anywhere (RFC 8628), for a client that can show words and wait. */
export interface DeviceLogin {
  /** Where the person goes; with the code in it where the issuer has such an address. */
  readonly url: string;
  readonly code: string;
  readonly expiresAt: Date;
  /** Resolves with the ID token once the person has confirmed. Rejects with `token-invalid` when they refuse or the time is over. */
  token(signal: AbortSignal): Promise<string>;
}

export interface DeviceLogins {
  /** Begins one at the issuer of people that custody.yaml names first for it. Rejects with `issuer-unreachable` or `unsupported`. */
  begin(signal: AbortSignal): Promise<DeviceLogin>;
}
