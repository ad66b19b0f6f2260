import { useToast } from './toast.tsx';

interface CopyProps {
  readonly text: string;
  /** What it is: `session id`. */
  readonly what: string;
}

/** A button that puts text into the clipboard. */
export function Copy({ text, what }: CopyProps) {
  const say = useToast();
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      say(`Copied: ${what}`);
    } catch {
      say(`The browser does not let this page copy: mark the ${what} and copy it`);
    }
  };
  return (
    <button
      type="button"
      class="copy quiet"
      aria-label={`Copy ${what}`}
      title={`Copy ${what}`}
      onClick={() => void copy()}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M9 9h11v11H9zM5 15H4V4h11v1" />
      </svg>
    </button>
  );
}

/** An id, in full, with its button. */
export function CopyId({ text, what }: CopyProps) {
  return (
    <span class="copy-id">
      <code>{text}</code>
      <Copy text={text} what={what} />
    </span>
  );
}
