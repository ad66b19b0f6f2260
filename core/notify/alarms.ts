import type { NewsStream } from '../access/news.ts';

/**
 * Counts the news that are alarms on their way to `stream`. Whoever tells news counts: what was told once, nobody else tells again.
 * Before it is told, so that what cannot be told is counted too, and once more when it is told at last.
 */
export function countingAlarms(stream: NewsStream, count: () => void): NewsStream {
  return {
    tell: async (news) => {
      if (news.alarm) count();
      await stream.tell(news);
    },
  };
}
