import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

interface DialogProps {
  readonly title: string;
  /** By Esc, its button, or beside it. */
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  /** Of its own style. */
  readonly class?: string;
}

/** Open for as long as it is drawn. What had the focus gets it back. */
export function Dialog({ title, onClose, children, class: more = '' }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current!.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={`dialog ${more}`}
      aria-labelledby={id}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) event.currentTarget.close();
      }}
    >
      <div class="dialog-inside">
        <div class="dialog-head">
          <h2 id={id}>{title}</h2>
          <button type="button" class="quiet" onClick={() => dialog.current!.close()}>
            Close
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}
