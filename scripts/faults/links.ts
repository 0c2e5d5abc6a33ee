/** The cables between members, whatever they are made of; each cut stands in the journal with its times. */
import type { Network } from '../../test/network/with-network.ts';
import type { Journal } from './journal.ts';
import type { Namespaces } from './namespaces.ts';

export class Links {
  readonly #network: Network;
  readonly #journal: Journal;
  readonly #namespaces: Namespaces | null;
  readonly #isCut = new Set<string>();

  /** Without namespaces: relays on loopback (`wires: true`). */
  constructor(network: Network, journal: Journal, namespaces: Namespaces | null) {
    this.#network = network;
    this.#journal = journal;
    this.#namespaces = namespaces;
  }

  /** One direction. A relay knows no packets: there it is the connections that `from` opens. */
  cut(from: string, to: string): void {
    if (this.#isCut.has(`${from}>${to}`)) return;
    this.#isCut.add(`${from}>${to}`);
    if (this.#namespaces === null) this.#network.wire(from, to).set('cut');
    else this.#namespaces.cut(from, to);
    if (this.#namespaces !== null) this.#journal.cut(from, to);
    else if (this.#isCut.has(`${to}>${from}`)) {
      this.#journal.cut(from, to);
      this.#journal.cut(to, from);
    }
  }

  mend(from: string, to: string): void {
    if (!this.#isCut.delete(`${from}>${to}`)) return;
    this.#journal.mend(from, to);
    if (this.#namespaces !== null) {
      this.#namespaces.mend(from, to);
      return;
    }
    this.#journal.mend(to, from);
    this.#network.wire(from, to).set('open');
  }

  separate(one: string, other: string): void {
    this.cut(one, other);
    this.cut(other, one);
  }

  isolate(name: string): void {
    for (const { name: other } of this.#network.members) if (other !== name) this.separate(name, other);
  }

  heal(): void {
    for (const link of [...this.#isCut]) {
      const [from = '', to = ''] = link.split('>');
      this.mend(from, to);
    }
  }
}
