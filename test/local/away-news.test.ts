import { expect, it } from 'vitest';
import { awayNews } from '#local/api/away-news.ts';

it('says once that an issuer is away, and once that it is back', () => {
  const said: string[] = [];
  const tell = awayNews((line) => said.push(line));
  const away = [{ issuer: 'https://id.example', ms: 660_000, why: 'answered 503' }];
  tell([]);
  tell(away);
  tell(away);
  tell([]);
  tell(away);
  const alarm =
    'ALARM: {"kind":"issuer-away","issuer":"https://id.example","for":"11 min","why":"answered 503"}';
  expect(said).toEqual([alarm, 'the issuer https://id.example answers again', alarm]);
});
