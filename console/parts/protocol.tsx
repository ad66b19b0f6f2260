const PATHS: Readonly<Record<string, string>> = {
  postgres:
    'M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3zM4 6v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3',
  ssh: 'M3 4h18v16H3zM7 9l3 3-3 3M12.5 15H17',
  kubernetes: 'M12 2.5l8.2 4.7v9.6L12 21.5l-8.2-4.7V7.2zM12 8v8M8.5 10l7 4M15.5 10l-7 4',
};

const WORDS: Readonly<Record<string, string>> = {
  postgres: 'PostgreSQL',
  ssh: 'SSH',
  kubernetes: 'Kubernetes',
};

export function protocolWord(protocol: string): string {
  return WORDS[protocol] ?? protocol;
}

/** Before the name of a target. */
export function ProtocolIcon({ protocol }: { readonly protocol: string }) {
  const word = protocolWord(protocol);
  return (
    <svg class="protocol-icon" viewBox="0 0 24 24" role="img" aria-label={word}>
      <title>{word}</title>
      <path d={PATHS[protocol] ?? 'M4 4h16v16H4z'} />
    </svg>
  );
}
