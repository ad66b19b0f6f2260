import type { Socket } from 'node:net';
import { CustodyError } from '#core/errors.ts';
import { networkOf } from '#core/identity/token-failures.ts';

/** How many may be here at once. */
export interface DoorLimits {
  readonly sessions: number;
  /** Peers that have not proved who they are, in all. */
  readonly peers: number;
  /** Those of one address; of IPv6, of one /64. */
  readonly perAddress: number;
}

/** Looks at peers that were heard meanwhile, before one goes all the same. */
const LOOKS = 32;

/**
 * Who stands at the door, and how many are inside (security case 16). Nobody new is turned away at the door: a flood would
 * then keep everybody out. Instead the one goes that has been silent for the longest; of the newcomer's own address where that
 * one has its share already. Whoever logs in without delay is not reached, and who has said nothing goes before who has.
 */
export class Door {
  readonly #limits: DoorLimits;
  readonly #all = new Crowd();
  readonly #byAddress = new Map<string, Crowd>();
  readonly #inAll: number;
  #sessions = 0;
  #onFullOrNot = (): void => undefined;

  /** `inAll`: the sessions of a gateway that has several doors. */
  constructor(limits: DoorLimits, inAll = limits.sessions) {
    this.#limits = limits;
    this.#inAll = inAll;
  }

  /** Peers that have not proved who they are. */
  get peers(): number {
    return this.#all.size;
  }

  /** Those that have, until all of theirs is closed. */
  get sessions(): number {
    return this.#sessions;
  }

  /** Nobody more can go in. */
  get isFull(): boolean {
    return this.#sessions >= this.#limits.sessions;
  }

  /** Calls it each time the last place inside is taken, or the first is free again. */
  whenFullOrNot(told: () => void): void {
    this.#onFullOrNot = told;
  }

  /** Where peers that have not proved who they are come from. */
  get addresses(): number {
    return this.#byAddress.size;
  }

  /** At a server that has nothing inside: who is there leaves by closing the connection. */
  visit(socket: Socket): void {
    this.enter(socket, 1);
  }

  /** Somebody came, and another may have to go. `parts`: what has to be over before the place is free. */
  enter(socket: Socket, parts = 2): Place {
    const address = networkOf(socket.remoteAddress);
    const neighbours = this.#byAddress.get(address);
    if (neighbours !== undefined && neighbours.size >= this.#limits.perAddress) this.#pushOut(neighbours);
    else if (this.#all.size >= this.#limits.peers) this.#pushOut(this.#all);
    const place = new Place(socket, address, parts, {
      goIn: () => this.#goIn(place),
      refused: () => this.#refused(place),
      leave: () => (place.isInside ? this.#goOut() : this.#leave(place)),
    });
    this.#stand(place);
    return place;
  }

  #pushOut(crowd: Crowd): void {
    const place = crowd.mostSilent();
    if (place === undefined) return;
    this.#leave(place);
    place.pushOut();
  }

  #stand(place: Place): void {
    const neighbours = this.#byAddress.get(place.address) ?? new Crowd();
    this.#byAddress.set(place.address, neighbours);
    for (const crowd of [this.#all, neighbours]) crowd.add(place);
  }

  #leave(place: Place): void {
    const neighbours = this.#byAddress.get(place.address);
    for (const crowd of [this.#all, neighbours]) crowd?.delete(place);
    if (neighbours?.size === 0) this.#byAddress.delete(place.address);
  }

  #refused(place: Place): void {
    for (const crowd of [this.#all, this.#byAddress.get(place.address)]) crowd?.refused(place);
  }

  #goIn(place: Place): void {
    if (this.isFull) throw noRoom(this.#inAll);
    this.#leave(place);
    this.#sessions += 1;
    if (this.isFull) this.#onFullOrNot();
  }

  #goOut(): void {
    const wasFull = this.isFull;
    this.#sessions -= 1;
    if (wasFull) this.#onFullOrNot();
  }
}

interface PlaceKeeper {
  readonly goIn: () => void;
  readonly refused: () => void;
  readonly leave: () => void;
}

/** One connection, from its accept to its close. */
export class Place {
  readonly address: string;
  readonly #socket: Socket;
  readonly #door: PlaceKeeper;
  #heard = 0;
  #inside = false;
  #pushedOut = false;
  /** Of the connection and whatever else there is of a session, how much is not over. */
  #open: number;

  constructor(socket: Socket, address: string, parts: number, door: PlaceKeeper) {
    this.address = address;
    this.#socket = socket;
    this.#door = door;
    this.#open = parts;
    socket.once('close', () => this.#end());
  }

  get isInside(): boolean {
    return this.#inside;
  }

  /** There was no room, and it had been silent for the longest. */
  get wasPushedOut(): boolean {
    return this.#pushedOut;
  }

  /** It has proved who it is. Throws `too-many-connections` when there is no room inside, or none was left at the door. */
  readonly goIn = (): void => {
    if (this.#inside) return;
    if (this.#pushedOut) throw crowdedOut();
    this.#door.goIn();
    this.#inside = true;
  };

  /** It is not over before this connection is closed: the target's, which outlives the client's while a query is cancelled. */
  alsoHolds(connection: Socket): void {
    if (connection.closed) return;
    this.#open += 1;
    connection.once('close', () => this.#end());
  }

  /** The gateway does no more for it. */
  release(): void {
    if (!this.#inside) this.#door.refused();
    this.#end();
  }

  /** One of them is over: a connection, or what the gateway does for it. */
  #end(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#door.leave();
  }

  /** It has said something since the last look, or was told something. */
  get wasHeard(): boolean {
    const { bytesRead, bytesWritten } = this.#socket;
    const heard = bytesRead + bytesWritten > this.#heard;
    this.#heard = bytesRead + bytesWritten;
    return heard;
  }

  /** At once, and without a word: there is no room to wait until it has read one. */
  pushOut(): void {
    this.#pushedOut = true;
    this.#socket.resetAndDestroy();
  }
}

/** Peers in the order in which they were heard last, as far as somebody looked. */
class Crowd {
  readonly #silent = new Set<Place>();
  readonly #spoken = new Set<Place>();
  /** Have been told no, and may be reading it still. */
  readonly #refused = new Set<Place>();

  get size(): number {
    return this.#silent.size + this.#spoken.size + this.#refused.size;
  }

  add(place: Place): void {
    this.#silent.add(place);
  }

  delete(place: Place): void {
    this.#silent.delete(place);
    this.#spoken.delete(place);
    this.#refused.delete(place);
  }

  refused(place: Place): void {
    if (this.#silent.delete(place) || this.#spoken.delete(place)) this.#refused.add(place);
  }

  /** Who has to go: first whoever was told no. */
  mostSilent(): Place | undefined {
    const [refused] = this.#refused;
    return refused ?? this.#mostSilentOfOthers();
  }

  /**
   * Of those that have not said a word the first, while they are more than half; else the one that was heard longest ago. So
   * neither can those who say nothing drive out the others, nor the other way round whoever has only just come.
   */
  #mostSilentOfOthers(): Place | undefined {
    const silent = this.#firstSilent();
    if (this.#silent.size > this.#spoken.size) return silent;
    return this.#heardLongestAgo() ?? silent;
  }

  #firstSilent(): Place | undefined {
    for (const place of this.#silent) {
      if (!place.wasHeard) return place;
      this.#silent.delete(place);
      this.#spoken.add(place);
    }
    return undefined;
  }

  #heardLongestAgo(): Place | undefined {
    let looks = 0;
    for (const place of this.#spoken) {
      looks += 1;
      if (looks > LOOKS || !place.wasHeard) return place;
      this.#spoken.delete(place);
      this.#spoken.add(place);
    }
    return undefined;
  }
}

function noRoom(sessions: number): CustodyError {
  return new CustodyError('too-many-connections', `this gateway has its ${sessions} sessions already`, {
    hint: 'end one that is not needed, or try again; whoever runs the gateway can allow more open files',
  });
}

/** Told to nobody but the log: whoever it was is gone. */
export function crowdedOut(): CustodyError {
  return new CustodyError(
    'too-many-connections',
    'it had to go for a newer one: it was silent for the longest',
  );
}
