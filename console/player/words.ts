/** Words of the player. */
import type { Verdict } from '#core/recording/verify/report.ts';

export const VERDICT_WORDS: Readonly<Record<Verdict, { readonly word: string; readonly meaning: string }>> = {
  verified: { word: 'verified', meaning: 'Complete and unaltered, signed by the key that you trust.' },
  unanchored: {
    word: 'unanchored',
    meaning:
      'Nothing contradicts it, but whoever made this page could have made the keys as well. Say below which key you trust, as you got it from elsewhere.',
  },
  incomplete: {
    word: 'incomplete',
    meaning: 'Consistent so far, but never sealed: the session was live, or its gateway died.',
  },
  failed: { word: 'FAILED', meaning: 'Something contradicts it. Do not rely on this evidence.' },
};

export function timeText(us: number): string {
  const seconds = us / 1e6;
  if (seconds < 60) return `${seconds.toFixed(3)} s`;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours > 0 ? `${hours} h ` : ''}${minutes} min ${(seconds % 60).toFixed(1)} s`;
}

export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1 << 20 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}
