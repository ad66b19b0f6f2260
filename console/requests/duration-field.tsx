import { durationText } from '../parts/duration.ts';
import { presets } from './draft.ts';

interface DurationProps {
  readonly seconds: number;
  readonly maxSeconds: number;
  readonly onChange: (seconds: number) => void;
}

/** A few that people ask for, and a slider for what is between. */
export function DurationField({ seconds, maxSeconds, onChange }: DurationProps) {
  const step = maxSeconds > 3_600 ? 300 : maxSeconds > 600 ? 60 : 1;
  return (
    <fieldset class="field duration-field">
      <legend>How long</legend>
      <div class="presets">
        {presets(maxSeconds).map((preset) => (
          <button
            key={preset}
            type="button"
            aria-pressed={preset === seconds}
            onClick={() => onChange(preset)}
          >
            {durationText(preset * 1000)}
            {preset === maxSeconds && <span class="hint"> at most</span>}
          </button>
        ))}
      </div>
      <p class="duration-now">{durationText(seconds * 1000)}</p>
      <input
        type="range"
        min={Math.min(step, maxSeconds)}
        max={maxSeconds}
        step={step}
        value={seconds}
        aria-label="How long"
        aria-valuetext={durationText(seconds * 1000)}
        onInput={(event) => onChange(Math.min(Number(event.currentTarget.value), maxSeconds))}
      />
    </fieldset>
  );
}
