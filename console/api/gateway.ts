/** How the gateway is, what its configuration says, and what no webhook took: for who administers. */
import type { z } from 'zod';
import type { configShape } from '#lambdas/config/shapes.ts';
import type { explanationShape } from '#lambdas/explanation/shapes.ts';
import type { statusShape } from '#lambdas/status/shapes.ts';
import type { deadLettersShape } from '#lambdas/webhooks/handler.ts';

export type Status = z.output<typeof statusShape>;
export type Configuration = z.output<typeof configShape>;
export type DeadLetterPage = z.output<typeof deadLettersShape>;
export type DeadLetter = DeadLetterPage['deadLetters'][number];
export type Explanation = z.output<typeof explanationShape>;
