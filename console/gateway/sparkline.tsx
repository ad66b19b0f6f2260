import { HEIGHT, sparkPath, WIDTH } from './spark-path.ts';

interface SparklineProps {
  readonly values: readonly number[];
  /** What it shows, in words: the numbers stand beside. */
  readonly label: string;
}

export function Sparkline({ values, label }: SparklineProps) {
  return (
    <svg
      class="spark"
      preserveAspectRatio="none"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={label}
    >
      <path d={sparkPath(values)} />
    </svg>
  );
}
