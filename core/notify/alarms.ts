import type { News, NewsStream } from '../access/news.ts';

/** Tells as `stream` does, and calls `count` for what somebody should look at now, whether a webhook wants it or not. */
export function countingAlarms(stream: NewsStream, count: () => void): NewsStream {
  return {
    tell: async (news: News) => {
      if (news.alarm) count();
      await stream.tell(news);
    },
  };
}
