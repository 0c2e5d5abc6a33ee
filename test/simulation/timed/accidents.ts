/** What happens to boards and wires. */
import type { Random } from '../random.ts';
import type { Board } from './board.ts';
import type { Wires } from './wire.ts';

const ACCIDENTS = {
  cut: 8,
  join: 4,
  kill: 4,
  power: 4,
  start: 6,
  clock: 3,
  year: 1,
  backup: 4,
  restore: 3,
  catalog: 2,
  edit: 3,
  die: 1,
  return: 2,
  retire: 2,
};

/** As a board has it whose battery is empty, or somebody's mistyped year. */
const FAR_OFF = [0, Date.UTC(2106, 0)];

/** Does one accident, most likely to this board; tells which. */
export function happen(
  board: Board,
  all: readonly Board[],
  wires: Wires,
  random: Random,
): keyof typeof ACCIDENTS {
  const kind = random.weighted(ACCIDENTS);
  const { member } = board.storage;
  const other = random.pick(all).storage.member;
  switch (kind) {
    case 'cut':
      wires.cut.add(`${member}>${other}`);
      if (random.chance(0.6)) wires.cut.add(`${other}>${member}`);
      break;
    case 'join':
      wires.cut.clear();
      break;
    case 'kill':
      if (board.storage.up) board.killStorage();
      break;
    case 'power':
      if (board.storage.up) board.powerOff();
      break;
    case 'start':
      for (const each of all) each.start();
      break;
    case 'clock':
      board.skewMs += random.below(2_000_000) - 1_000_000;
      break;
    case 'year':
      board.setClock(random.pick(FAR_OFF));
      break;
    case 'backup':
      board.saveBackup();
      break;
    case 'restore':
      board.restoreBackup();
      break;
    case 'catalog':
      board.loseCatalog();
      break;
    case 'edit':
      board.edit();
      break;
    case 'die':
      if (all.filter(({ dead }) => !dead).length < 3) break;
      board.powerOff();
      board.dead = true;
      break;
    case 'return':
      random.pick(all).comeBack();
      break;
    case 'retire':
      random.pick(all).retire();
      break;
  }
  return kind;
}
