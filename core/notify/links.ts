import type { News } from '../access/news.ts';

/** Where the console, which is at `base`, shows what an event is about. */
export function linkOf(base: string, news: News): string {
  return `${base}${pathOf(news)}`;
}

function pathOf(news: News): string {
  switch (news.kind) {
    case 'policy-changed':
      return '/gateway';
    case 'run-deviated':
    case 'task-ended':
      return `/runs/${encodeURIComponent(news.run)}`;
    case 'session-waits':
    case 'calls-refused':
      return `/sessions/${encodeURIComponent(news.session)}`;
    default:
      return `/requests/${encodeURIComponent(news.request)}`;
  }
}
