/** How fast something is played, and how long its pauses are: a player's two choices. */

/** Seconds between two things that happen; 0: as long as it was. */
const IDLES = [1, 2, 5, 0] as const;

interface PaceProps {
  readonly value: number;
  readonly onChoice: (value: number) => void;
}

export function SpeedChoice({ speeds, ...pace }: PaceProps & { readonly speeds: readonly number[] }) {
  return <Choice name="Speed" values={speeds} words={(value) => `${value}×`} {...pace} />;
}

export function PauseChoice(pace: PaceProps) {
  const words = (value: number): string => (value === 0 ? 'as it was' : `${value} s`);
  return <Choice name="Longest pause" values={IDLES} words={words} {...pace} />;
}

interface ChoiceProps extends PaceProps {
  readonly name: string;
  readonly values: readonly number[];
  readonly words: (value: number) => string;
}

function Choice({ name, values, value, words, onChoice }: ChoiceProps) {
  return (
    <label class="choice">
      {name}
      <select value={value} onChange={(event) => onChoice(Number(event.currentTarget.value))}>
        {values.map((one) => (
          <option key={one} value={one}>
            {words(one)}
          </option>
        ))}
      </select>
    </label>
  );
}
