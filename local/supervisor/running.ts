type Stop = () => Promise<void> | void;

/** What was started, to be stopped in the opposite order. */
export class Running {
  readonly #stops: Stop[] = [];
  #stopped: Promise<void> | undefined;

  get isStopping(): boolean {
    return this.#stopped !== undefined;
  }

  /** Throws, with the new part stopped as well, when everything is being stopped already. */
  async add(stop: Stop): Promise<void> {
    if (!this.isStopping) return void this.#stops.push(stop);
    await stop();
    throw new Error('stopped while starting');
  }

  /** Stops everything once, however often it is called. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  /** One that cannot be stopped must not keep the others running. */
  async #stopAll(): Promise<void> {
    for (const stop of this.#stops.splice(0).toReversed()) {
      try {
        await stop();
      } catch {
        // What is left of it ends with this process.
      }
    }
  }
}
