import { CustodyError } from '#core/errors.ts';

/** Renewed well before it ends, so that an agent that is away for a while cuts no session. */
const PROTECTED_MINUTES = 60;
const RENEW_MS = 15 * 60_000;
const ANSWER_MS = 5_000;

export interface ProtectionPorts {
  /** The ECS agent, as `ECS_AGENT_URI` names it. */
  readonly agent: string;
  readonly sessions: () => number;
  /** Milliseconds, monotonic. */
  readonly monotonic: () => number;
  readonly onTrouble: (error: CustodyError) => void;
}

/**
 * Keeps ECS from stopping a task that has sessions, for a deployment or for scaling in.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
 */
export class TaskProtection {
  readonly #ports: ProtectionPorts;
  #asked: { readonly on: boolean; readonly at: number } | undefined;
  #asking = false;

  constructor(ports: ProtectionPorts) {
    this.#ports = ports;
  }

  /** To be called every second: says what has changed, and again what is to last. */
  async tick(): Promise<void> {
    const { sessions, monotonic, onTrouble } = this.#ports;
    const on = sessions() > 0;
    const [now, asked] = [monotonic(), this.#asked];
    const stands = asked?.on === on && (!on || now - asked.at < RENEW_MS);
    if (this.#asking || stands || (asked === undefined && !on)) return;
    this.#asking = true;
    try {
      await this.#say(on);
      this.#asked = { on, at: now };
    } catch (cause) {
      onTrouble(unprotected(cause));
    } finally {
      this.#asking = false;
    }
  }

  async #say(on: boolean): Promise<void> {
    const state = on
      ? { ProtectionEnabled: true, ExpiresInMinutes: PROTECTED_MINUTES }
      : { ProtectionEnabled: false };
    const response = await fetch(`${this.#ports.agent}/task-protection/v1/state`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(state),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const text = await response.text();
    // The agent answers 200 with a failure inside as well.
    if (!response.ok || /"failure"/i.test(text)) throw new Error(`${response.status} ${text.slice(0, 300)}`);
  }
}

function unprotected(cause: unknown): CustodyError {
  return new CustodyError('internal', 'this task cannot be protected: a deployment may cut its sessions', {
    detail: cause instanceof Error ? cause.message : String(cause),
    cause,
  });
}
