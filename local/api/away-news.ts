import { lengthOf } from '#core/identity/token-times.ts';

/** An issuer that has not answered for long. */
interface Away {
  readonly issuer: string;
  readonly ms: number;
  readonly why: string;
}

/** Says once that an issuer is away, and once that it is back. Call what it returns each minute. */
export function awayNews(say: (line: string) => void): (away: readonly Away[]) => void {
  let before = new Set<string>();
  return (away) => {
    const now = new Set(away.map(({ issuer }) => issuer));
    for (const { issuer, ms, why } of away)
      if (!before.has(issuer))
        say(`ALARM: ${JSON.stringify({ kind: 'issuer-away', issuer, for: lengthOf(ms), why })}`);
    for (const issuer of before) if (!now.has(issuer)) say(`the issuer ${issuer} answers again`);
    before = now;
  };
}
